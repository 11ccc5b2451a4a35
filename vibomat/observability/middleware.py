"""Every request gets an id, a line in the log, and its time among the metrics."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from vibomat.postgresql.application_name import busy_with

from . import metrics, pool
from .requests import CurrentRequest, current_request, request_id, route_of

logger = logging.getLogger("vibomat.requests")

HEADER = "X-Request-ID"
# Asked by machines every few seconds: their lines would hide the others.
QUIET = ("/health/", "/health/ready/", "/metrics/")


class ObserveRequests:
    """Stands before all other middleware, so that what those answer is seen too.

    The log has the path without its query, which holds what people type.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        id = request_id(request.headers.get(HEADER, ""))
        started = time.perf_counter()
        busy_with.set(id)
        current_request.set(CurrentRequest(id, request))
        response = self.get_response(request)
        seconds = time.perf_counter() - started
        response.headers[HEADER] = id
        metrics.observe_request(request, response, seconds)
        self._log(request, response, seconds)
        pool.measure()
        return response

    def _log(self, request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        route = route_of(request)
        level = logging.DEBUG if route in QUIET else logging.INFO
        milliseconds = round(seconds * 1000, 1)
        logger.log(
            level,
            "%s %s: %d in %s ms",
            request.method,
            # As sent, so that it is one line.
            request.get_full_path_info().partition("?")[0],
            response.status_code,
            milliseconds,
            extra={
                "method": request.method,
                "status": response.status_code,
                "duration_ms": milliseconds,
            },
        )


def forget_request(**kwargs: Any) -> None:
    """The thread is done with it: a receiver of `request_finished`, as Django still logs, and a
    response may still be made, after the middleware has returned."""
    busy_with.set("")
    current_request.set(None)
