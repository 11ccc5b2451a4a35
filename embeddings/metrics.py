"""What Prometheus is told of the making of vectors."""

from collections.abc import Iterator

from django.db.backends.utils import CursorWrapper
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from embeddings import sql

# To count all that wait would read all that don't.
NEWEST = 10_000


def waiting(cursor: CursorWrapper) -> Iterator[Metric]:
    """How many of the newest interactions have no vector, by model; retired models aside."""
    found = GaugeMetricFamily(
        "vibomat_embedding_waiting",
        f"Of the newest {NEWEST:,} interactions, how many have no vector of the model.",
        labels=["model"],
    )
    cursor.execute(sql.WAITING, [NEWEST])
    for model, count in cursor.fetchall():
        found.add_metric([model], count)
    yield found
