"""How the API answers what it can't do: `{"field": ["message"]}` with 400, never a 500."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DataError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions, views
from rest_framework.response import Response
from rest_framework.settings import api_settings

from vibomat import outages

logger = logging.getLogger(__name__)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's handler, with these differences:

    - malformed JSON is a list of messages too, under `non_field_errors`;
    - a body that is too long is a 413 that says how long it may be;
    - text or numbers the database can't hold, where no serializer found them, are a 400;
    - a statement that ran into its time limit, and a database that does not answer, are a 503.
    """
    if isinstance(error, exceptions.ParseError):
        # Of a number with too many digits Python says what programmers could do about it.
        if str(error.detail).startswith("JSON parse error - Exceeds the limit"):
            error = _invalid("JSON parse error - A number has too many digits.")
        else:
            error = _invalid(str(error.detail))
    elif isinstance(error, RequestDataTooBig):
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return Response({"detail": f"A body may have at most {most:,} bytes."}, status=413)
    elif isinstance(error, RecursionError):
        error = _invalid("The JSON is nested too deeply.")
    elif isinstance(error, UnicodeEncodeError):
        error = _invalid("Lone surrogates are not allowed.")
    elif isinstance(error, DataError):
        logger.warning("A value reached the database that it can't hold", exc_info=error)
        error = _invalid("A value has characters or a size that can't be stored.")
    elif told := outages.outage(error):
        logger.warning("The database could not do it", exc_info=error)
        headers = {"Retry-After": str(outages.RETRY_SECONDS)}
        return Response({"detail": told}, outages.STATUS, headers=headers)
    answer = views.exception_handler(error, context)
    if answer is not None:
        answer.data = _printable(answer.data)
    return answer


def _printable(value: Any) -> Any:
    """The same, but for lone surrogates: a message may repeat what was sent."""
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler404`, which answers in JSON below `/api/`."""
    if request.path.startswith("/api/"):
        return JsonResponse(
            {"detail": "There is nothing at this address: see /api/docs/."}, status=404
        )
    return defaults.page_not_found(request, exception)


def _invalid(message: str) -> exceptions.ValidationError:
    return exceptions.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [message]})
