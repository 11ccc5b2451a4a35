"""What Prometheus is told of the search, and of imports."""

from collections.abc import Iterator

from django.db.backends.utils import CursorWrapper
from prometheus_client import Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from search import sql

STAGE_SECONDS = Histogram(
    "vibomat_search_stage_seconds",
    "Time of a search's statements by stage, as the search sees it.",
    ["stage"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)


def observe_stage(stage: str, milliseconds: float) -> None:
    STAGE_SECONDS.labels(stage).observe(milliseconds / 1000)


def catalogue_import(cursor: CursorWrapper) -> Iterator[Metric]:
    """How far the newest import of a catalogue has come. One that was stopped has no end."""
    cursor.execute(sql.NEWEST_IMPORT)
    for line, started, finished, running in cursor.fetchall():
        for name, text, value in (
            ("line", "Last line stored by the newest import of a catalogue.", line),
            ("running", "Whether an import of a catalogue runs now.", int(running)),
            ("started_timestamp_seconds", "When the newest one began.", started),
            ("finished_timestamp_seconds", "When it ended, 0 if it did not.", finished or 0),
        ):
            yield GaugeMetricFamily(f"vibomat_catalogue_import_{name}", text, value)
