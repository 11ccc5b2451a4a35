"""How long requests take, by route: the pattern, as there are endless paths."""

from django.http import HttpRequest, HttpResponse
from prometheus_client import Histogram

from .requests import route_of

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")

REQUEST_SECONDS = Histogram(
    "vibomat_request_seconds",
    "Time to answer a request.",
    ["method", "route", "status"],
    buckets=BUCKETS,
)


def observe_request(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    method = request.method if request.method in METHODS else "other"
    REQUEST_SECONDS.labels(method, route_of(request), str(response.status_code)).observe(seconds)
