"""Refusals with a status of their own."""

from rest_framework import status
from rest_framework.exceptions import APIException


class PreconditionRequired(APIException):
    status_code = status.HTTP_428_PRECONDITION_REQUIRED
    default_detail = "Send If-Match with the ETag of the archive that you changed."
    default_code = "precondition_required"


class PreconditionFailed(APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "The archive was changed meanwhile: read it again, then change it."
    default_code = "precondition_failed"


class InBin(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "The archive is in the bin: restore it first."
    default_code = "in_bin"


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"

    def __init__(self, most: int, when: str = "") -> None:
        super().__init__(f"A body may have at most {most:,} bytes{when and f' {when}'}.")
