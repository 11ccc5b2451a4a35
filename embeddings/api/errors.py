"""Refusals with a status of their own."""

from rest_framework import status
from rest_framework.exceptions import APIException


class NoVector(APIException):
    """There is no vector to search by: no model is in use, or it does not answer."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = (
        "No embedding model is in use yet. With mode hybrid the words of a text are searched."
    )
    default_code = "no_vector"

    def __init__(self, detail: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(detail)
        # REST framework makes the header Retry-After of it.
        self.wait = retry_after


UNANSWERED = (
    "The embedding model does not answer. With mode hybrid the words of a text are searched."
)
