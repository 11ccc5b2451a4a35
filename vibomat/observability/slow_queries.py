"""Statements of requests that take longer than SLOW_QUERY_MS are logged with their route.

Commands are free to take their time.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from .requests import CurrentRequest, current_request

logger = logging.getLogger("vibomat.slow_queries")

# Of a statement so many characters are logged. Its values are not: they are people's.
LONGEST = 2_000

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


def watch(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Watch a connection: a receiver of `connection_created`."""
    if settings.SLOW_QUERY_MS and _log_if_slow not in connection.execute_wrappers:
        connection.execute_wrappers.append(_log_if_slow)


def _log_if_slow(
    execute: Execute, sql: str, parameters: Any, many: bool, context: dict[str, Any]
) -> Any:
    current = current_request.get()
    if current is None:
        return execute(sql, parameters, many, context)
    started = time.perf_counter()
    try:
        return execute(sql, parameters, many, context)
    finally:
        milliseconds = (time.perf_counter() - started) * 1000
        if milliseconds >= settings.SLOW_QUERY_MS > 0:
            _log(current, str(sql), milliseconds)


def _log(current: CurrentRequest, sql: str, milliseconds: float) -> None:
    statement = " ".join(sql[:LONGEST].split())
    logger.warning(
        "Slow query: %.0f ms in %s: %s",
        milliseconds,
        current.route,
        statement,
        extra={"duration_ms": round(milliseconds, 1), "sql": statement},
    )
