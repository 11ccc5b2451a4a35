"""What can be asked of archives from Python."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import models
from django.db.models.expressions import F, Func, Value
from django.db.models.lookups import LessThan

from archives import paths

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from archives.models import Archive
    from vibomat.accounts.models import User


class ArchiveQuerySet(models.QuerySet["Archive"]):
    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Those the user may read when knowing the id: their own, also from the bin, and others'
        that are public or unlisted. Nobody's are nobody's to read; staff have the admin for them.
        """
        shared = models.Q(
            owner__isnull=False, deleted=None, visibility__in=["public", "unlisted"]
        )
        if not user.is_authenticated:
            return self.filter(shared)
        return self.filter(models.Q(owner=user) | shared)

    def owned_by(self, user: "User", *, in_bin: bool = False) -> Self:
        """The user's own archives: those in use, or those in the bin."""
        return self.filter(owner=user, deleted__isnull=not in_bin)

    def public(self) -> Self:
        """What everybody may find."""
        return self.filter(owner__isnull=False, visibility="public", deleted=None)

    def by_paths(self, asked: Mapping[str, Any]) -> Self:
        """Those of these archives that answer every parameter of `archives.paths.PATHS` given.

        Raise ValidationError, by parameter, for what is unknown or no value of its type.
        """
        return self.filter(*paths.conditions(asked))

    def newest(self, limit: int, after: tuple[datetime, UUID] | None = None) -> "list[Archive]":
        """The newest of these archives, by (created, id) descending, at most `limit`; of those
        after that place if given. It chooses the plan by how common the asked values are."""
        rows = self
        if after is not None:
            created, pk = after
            rows = rows.filter(models.Q(created__lt=created) | models.Q(created=created, id__lt=pk))
        return list(rows.order_by("-created", "-id")[:limit])
