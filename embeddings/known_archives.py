"""Which archives a user may be told of where an interaction led to one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from archives.models import Archive

if TYPE_CHECKING:
    from archives.querysets import ArchiveQuerySet
    from embeddings.models import Interaction
    from vibomat.accounts.models import User


def nameable_by(user: User) -> ArchiveQuerySet:
    """The archives that the user may name: those they may read knowing the id, and those in their
    own bin."""
    return Archive.objects.readable_by(user) | Archive.objects.bin_of(user)


def known_to(user: User, interactions: Iterable[Interaction]) -> set[UUID]:
    """The archives of these interactions that the user may know of. By somebody else's interaction
    nobody learns of an unlisted one."""
    led = [row for row in interactions if row.archive_id is not None]
    if not led:
        return set()
    own = {row.archive_id for row in led if row.user_id == user.pk}
    others = {row.archive_id for row in led} - own
    known = nameable_by(user).filter(pk__in=own) | (
        Archive.objects.visible_to(user) | Archive.objects.bin_of(user)
    ).filter(pk__in=others)
    return set(known.values_list("pk", flat=True))
