"""All metrics as text for Prometheus: those of every process, and what the database tells."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator

from django.apps import apps
from django.db import Error
from django.db.backends.utils import CursorWrapper
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from vibomat.probing import probe

from . import pool, sql

__all__ = ["CONTENT_TYPE_LATEST", "exposition", "register"]

logger = logging.getLogger(__name__)

# It reads from the database what processes can't count: progress, rows.
Collector = Callable[[CursorWrapper], Iterable[Metric]]


def exposition() -> bytes:
    """The text. Without an answer of the database `vibomat_database_up` is 0, and what it would
    tell is missing."""
    pool.measure()
    text = generate_latest(_processes())
    registry = CollectorRegistry()
    registry.register(_Database())
    return text + generate_latest(registry)


def register(collector: Collector) -> None:
    """Have a collector asked with every scrape. It must be quick, and count by estimates."""
    if collector not in _collectors:
        _collectors.append(collector)


def _processes() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


class _Database:
    def collect(self) -> Iterator[Metric]:
        found: list[Metric] = []
        up = 1
        try:
            with probe() as bounded:
                for collector in _collectors:
                    with bounded() as cursor:
                        found += collector(cursor)
        except Error as error:
            logger.warning("Metrics without the database: %s", " ".join(str(error).split()))
            up = 0
        yield GaugeMetricFamily("vibomat_database_up", "Whether the database answered.", up)
        yield from found

    def describe(self) -> Iterator[Metric]:
        """None: those that ask at registration need not ask the database."""
        yield from ()


def _tables(cursor: CursorWrapper) -> Iterator[Metric]:
    rows = GaugeMetricFamily("vibomat_rows", "Rows of a table, an estimate.", labels=["table"])
    tables = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)})
    cursor.execute(sql.ROWS, [tables])
    for table, count in cursor.fetchall():
        rows.add_metric([table], count)
    yield rows
    cursor.execute(sql.SIZE)
    yield GaugeMetricFamily("vibomat_database_bytes", "Size of the database.", *cursor.fetchone())


def _sessions(cursor: CursorWrapper) -> Iterator[Metric]:
    sessions = GaugeMetricFamily(
        "vibomat_database_connections", "Sessions of this database.", labels=["state"]
    )
    cursor.execute(sql.CONNECTIONS)
    for state, count in cursor.fetchall():
        sessions.add_metric([state], count)
    yield sessions
    cursor.execute(sql.OLDEST_TRANSACTION)
    yield GaugeMetricFamily(
        "vibomat_database_oldest_transaction_seconds",
        "How long the oldest transaction is open.",
        *cursor.fetchone(),
    )


_collectors: list[Collector] = [_tables, _sessions]
