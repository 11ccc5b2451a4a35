"""Pages by the last row's place, so that no row is shown twice or left out while others arrive."""

from datetime import datetime
from uuid import UUID

from django.core import signing
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from archives.models import Archive

SALT = "archives.cursor"

Place = tuple[datetime, UUID]


def cursor_of(place: Place) -> str:
    """Signed, so that nobody can make one up."""
    created, pk = place
    return signing.dumps([created.isoformat(), pk.hex], salt=SALT)


def place_of(cursor: str) -> Place:
    """Raise ValidationError for what `cursor_of` has not made."""
    try:
        created, pk = signing.loads(cursor, salt=SALT)
        return datetime.fromisoformat(created), UUID(pk)
    except (signing.BadSignature, ValueError, TypeError) as error:
        message = "This is no cursor: take it from `next` of the page before."
        raise ValidationError({"cursor": [message]}) from error


def next_address(request: Request, last: Archive) -> str:
    cursor = cursor_of((last.created, last.pk))
    return replace_query_param(request.build_absolute_uri(), "cursor", cursor)
