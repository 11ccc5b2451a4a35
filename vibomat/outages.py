"""What is answered while the database can't do what a request needs: 503, and what may help.

Whoever asked may ask again. Of a write that was not acknowledged nobody knows whether it was done.
"""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views import defaults
from psycopg.errors import ProgramLimitExceeded, QueryCanceled

from vibomat.bodies import refusal

STATUS = 503
TOO_LONG = "This takes too long: ask for less."
AWAY = "The database does not answer just now: try again in a moment."
RETRY_SECONDS = 1


def outage(error: BaseException | None) -> str | None:
    """What to tell of an error that is the database's and will pass: its server stops, starts or
    refuses connections, a lock was not given, a statement ran into its limit. None of others."""
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    if isinstance(error.__cause__, ProgramLimitExceeded):
        # Too long for an index, say: it won't pass, and is a fault of ours to have let it through.
        return None
    return TOO_LONG if isinstance(error.__cause__, QueryCanceled) else AWAY


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`, in which an outage is a 503, of the API in JSON."""
    told = outage(sys.exception())
    if told is None:
        return defaults.server_error(request)
    match = request.resolver_match
    response = refusal(match.func if match else None, told, STATUS)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response
