"""Lists of archives in an order that pages can go on in."""

from collections.abc import Sequence
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Literal
from uuid import UUID

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from archives.models import Archive
    from archives.querysets import ArchiveQuerySet
    from vibomat.accounts.models import User


Whose = Literal["me", "public"]


def listed_for(
    user: "User | AnonymousUser", found: "ArchiveQuerySet", whose: Whose | None = None
) -> "list[ArchiveQuerySet]":
    """Those of the found archives that the user's lists have, their own and everybody's public
    ones, as querysets that share none: one index has the ones in order, another the others."""
    if whose == "me":
        return [found.owned_by(user)]
    if whose == "public" or not user.is_authenticated:
        return [found.public()]
    return [found.owned_by(user), found.public().exclude(owner=user)]


def newest(
    parts: "Sequence[ArchiveQuerySet]", limit: int, after: tuple[datetime, UUID] | None = None
) -> "list[Archive]":
    """The newest archives of querysets that share none, each read in the order of its index."""
    rows = [part.newest(limit, after) for part in parts]
    return list(islice(merge(*rows, key=lambda row: (row.created, row.pk), reverse=True), limit))
