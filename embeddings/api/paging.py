"""Pages by the last row's place, so that none is shown twice or left out while others arrive."""

from datetime import datetime
from uuid import UUID

from django.core import signing
from django.db.models import F
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from embeddings.models import Interaction
from embeddings.querysets import InteractionQuerySet

SALT = "embeddings.cursor"


def page(
    found: InteractionQuerySet, limit: int, cursor: str | None
) -> tuple[list[Interaction], Interaction | None]:
    """The newest of these, or those after the cursor; and the last of them if there are more."""
    if cursor is not None:
        found = found.filter(TupleLessThan(Tuple(F("created"), F("id")), _place_of(cursor)))
    rows = list(found.order_by("-created", "-id")[: limit + 1])
    return rows[:limit], rows[limit - 1] if len(rows) > limit else None


def next_address(request: Request, last: Interaction | None) -> str | None:
    if last is None:
        return None
    # Signed, so that nobody can make one up.
    cursor = signing.dumps([last.created.isoformat(), last.pk.hex], salt=SALT)
    return replace_query_param(request.build_absolute_uri(), "cursor", cursor)


def _place_of(cursor: str) -> tuple[datetime, UUID]:
    try:
        created, pk = signing.loads(cursor, salt=SALT)
        return datetime.fromisoformat(created), UUID(pk)
    except (signing.BadSignature, ValueError, TypeError) as error:
        message = "This is no cursor: take it from `next` of the page before."
        raise ValidationError({"cursor": [message]}) from error
