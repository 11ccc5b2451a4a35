"""The request that this thread is busy with, its id and its route."""

import re
import uuid
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

from django.contrib.admindocs.views import simplify_regex
from django.http import HttpRequest

# Whoever asks may name the request, but not by what is long or could break a line of the log.
SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,47}", re.ASCII)
CONVERTER = re.compile(r"<\w+:")
UNMATCHED = "unmatched"


@dataclass(frozen=True)
class CurrentRequest:
    id: str
    request: HttpRequest

    @property
    def route(self) -> str:
        return route_of(self.request)


current_request: ContextVar[CurrentRequest | None] = ContextVar("current_request", default=None)


def request_id(asked: str) -> str:
    """The id that was asked for if it is sane, otherwise a new one of 32 hexadecimal digits."""
    return asked if SANE_ID.fullmatch(asked) else uuid.uuid4().hex


def route_of(request: HttpRequest) -> str:
    """The pattern that the path matched, such as `/api/archives/<pk>/`, or "unmatched".

    There are as many routes as patterns, however many paths are asked for.
    """
    match = request.resolver_match
    return UNMATCHED if match is None else _readable(match.route)


@lru_cache(maxsize=1000)
def _readable(route: str) -> str:
    return CONVERTER.sub("<", simplify_regex(route))
