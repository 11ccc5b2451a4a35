"""Pages by the last row's place, so that none is shown twice or left out while others arrive."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core import signing
from django.db.models import F, Value
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from embeddings.models import Interaction
from embeddings.querysets import InteractionQuerySet

SALT = "embeddings.cursor"


def page(
    found: InteractionQuerySet, limit: int, cursor: str | None, *, by_index: bool = True
) -> tuple[list[Interaction], Interaction | None]:
    """The newest of these, or those after the cursor; and the last of them if there are more.

    Not `by_index`: none of the indexes that have them in order is to be used. The planner knows
    nothing of what is in JSON, and would walk through all for the one that contains something rare.
    """
    if cursor is not None:
        found = found.filter(TupleLessThan(Tuple(F("created"), F("id")), _place_of(cursor)))
    created: Any = F("created") if by_index else F("created") + Value(timedelta(0))
    rows = list(found.order_by(created.desc(), "-id")[: limit + 1])
    return rows[:limit], rows[limit - 1] if len(rows) > limit else None


def next_address(request: Request, last: Interaction | None) -> str | None:
    if last is None:
        return None
    return replace_query_param(request.build_absolute_uri(), "cursor", cursor_of(last))


def cursor_of(last: Interaction) -> str:
    """Signed, so that nobody can make one up."""
    return signing.dumps([last.created.isoformat(), last.pk.hex], salt=SALT)


def _place_of(cursor: str) -> tuple[datetime, UUID]:
    try:
        created, pk = signing.loads(cursor, salt=SALT)
        return datetime.fromisoformat(created), UUID(pk)
    except (signing.BadSignature, ValueError, TypeError) as error:
        message = "This is no cursor: take it from `next` of the page before."
        raise ValidationError({"cursor": [message]}) from error
