"""The database pool of each process, as psycopg's pool counts it.

A process tells its own after each request, at most once a second; all together are the sum of the
processes that live.
"""

import threading
import time

from django.db import DEFAULT_DB_ALIAS, connections
from prometheus_client import Counter, Gauge

EVERY_SECONDS = 1.0

MEASURES = {
    "pool_max": Gauge(
        "vibomat_pool_connections_max",
        "Connections that the database pools may open.",
        multiprocess_mode="livesum",
    ),
    "pool_size": Gauge(
        "vibomat_pool_connections",
        "Connections that the database pools have open.",
        multiprocess_mode="livesum",
    ),
    "pool_available": Gauge(
        "vibomat_pool_connections_idle",
        "Connections of the database pools that nobody uses.",
        multiprocess_mode="livesum",
    ),
    "requests_waiting": Gauge(
        "vibomat_pool_waiting",
        "Threads that wait for a connection of a database pool.",
        multiprocess_mode="livesum",
    ),
}
COUNTS = {
    "requests_num": (Counter("vibomat_pool_taken", "Connections asked of the pools."), 1.0),
    "requests_queued": (Counter("vibomat_pool_queued", "Of those, how many had to wait."), 1.0),
    "requests_wait_ms": (Counter("vibomat_pool_wait_seconds", "Time waited for them."), 0.001),
    "requests_errors": (Counter("vibomat_pool_refused", "Of those, how many got none."), 1.0),
    "connections_lost": (Counter("vibomat_pool_lost", "Connections found broken."), 1.0),
}

_lock = threading.Lock()
_last_time = 0.0
_last_counts: dict[str, int] = {}


def measure() -> None:
    """Publish what this process' pool counts, if it has one and did not just do so."""
    global _last_time
    now = time.monotonic()
    if now - _last_time < EVERY_SECONDS:
        return
    pool = getattr(connections[DEFAULT_DB_ALIAS], "pool", None)
    if pool is None or not _lock.acquire(blocking=False):
        return
    try:
        _last_time = now
        stats = pool.get_stats()
        for name, gauge in MEASURES.items():
            gauge.set(stats[name])
        for name, (counter, unit) in COUNTS.items():
            # Not in the statistics until it happens; less than before in a pool that is new.
            count = stats.get(name, 0)
            counter.inc(max(0, count - _last_counts.get(name, 0)) * unit)
            _last_counts[name] = count
    finally:
        _lock.release()
