"""Every request but those of health and metrics counts for its address, before it costs more."""

import math
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import Throttled

from vibomat.bodies import refusal

from .throttles import AddressThrottle

# Asked by machines in the same network; metrics are closed to others.
UNCOUNTED = ("alive", "ready", "metrics")


class ThrottleAddresses:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if not settings.THROTTLE_RATES or (match and match.view_name in UNCOUNTED):
            return None
        throttle = AddressThrottle()
        if throttle.allow_address(request, view):
            return None
        seconds = math.ceil(throttle.wait())
        response = refusal(view, str(Throttled(seconds).detail), 429)
        response.headers["Retry-After"] = str(seconds)
        return response
