"""Lists of archives in an order that pages can go on in."""

from collections.abc import Sequence
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple
from uuid import UUID

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from archives.models import Archive
    from archives.querysets import ArchiveQuerySet
    from vibomat.accounts.models import User


Whose = Literal["me", "public"]


class Part(NamedTuple):
    """Archives of a list whose order one index has; all the user's own, or all public."""

    archives: "ArchiveQuerySet"
    is_own: bool


def listed_for(
    user: "User | AnonymousUser", found: "ArchiveQuerySet", whose: Whose | None = None
) -> list[Part]:
    """Those of the found archives that the user's lists have, their own and everybody's public
    ones, in parts that share none."""
    if whose == "me":
        return [Part(found.owned_by(user), is_own=True)]
    if whose == "public" or not user.is_authenticated:
        return [Part(found.public(), is_own=False)]
    return [
        Part(found.owned_by(user), is_own=True),
        Part(found.public().exclude(owner=user), is_own=False),
    ]


def rows_asked(limit: int) -> int:
    """At least so many, of few numbers: a connection has a plan for each that it was asked for."""
    return next((most for most in (21, 101, 301) if limit <= most), limit)


def newest(
    parts: Sequence[Part], limit: int, after: tuple[datetime, UUID] | None = None
) -> "list[Archive]":
    """The newest archives of the parts, each read in the order of its index."""
    rows = [part.archives.newest(rows_asked(limit), after) for part in parts]
    return list(islice(merge(*rows, key=lambda row: (row.created, row.pk), reverse=True), limit))
