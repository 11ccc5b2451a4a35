"""Pages by the last row's place, so that no row is shown twice or left out while others arrive."""

from datetime import datetime
from uuid import UUID

from django.core import signing
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from archives.text_search import Found, Place

SALT = "archives.cursor"


def cursor_of(place: Place) -> str:
    """Signed, so that nobody can make one up."""
    tier, created, pk = place
    return signing.dumps([tier, created.isoformat(), pk.hex], salt=SALT)


def place_of(cursor: str) -> Place:
    """Raise ValidationError for what `cursor_of` has not made."""
    try:
        tier, created, pk = signing.loads(cursor, salt=SALT)
        return Place(tier, datetime.fromisoformat(created), UUID(pk))
    except (signing.BadSignature, ValueError, TypeError) as error:
        message = "This is no cursor: take it from `next` of the page before."
        raise ValidationError({"cursor": [message]}) from error


def next_address(request: Request, last: Found) -> str:
    return replace_query_param(request.build_absolute_uri(), "cursor", cursor_of(last.place))
