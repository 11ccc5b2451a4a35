"""Which archives are whose to see, and what can be asked of them. Every way in starts here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.search import SearchQueryField
from django.db import models
from django.db.models import Value
from django.db.models.functions import Cast, Now

from archives import paths
from archives.filters import Matches
from archives.layout import layout
from archives.newest import OwnedBy, newest, newest_of_all

if TYPE_CHECKING:
    from archives.models import Archive
    from vibomat.accounts.models import User


class ArchiveQuerySet(models.QuerySet["Archive"]):
    """Archives, scoped by who asks.

    Whoever has the permission `archives.view_archive`, as some staff have, sees every archive that
    is not in the bin. An inactive user sees what anybody sees.
    """

    # Of the planner, for archives that are asked for by paths.
    path_settings: dict[str, str] | None = None
    path_times: tuple[datetime, datetime] | None = None
    path_in_steps = False
    is_of_one_owner = False

    def public(self) -> Self:
        """What everybody may find."""
        return self.filter(deleted=None, visibility="public")

    def owned_by(self, user: User | AnonymousUser) -> Self:
        """That user's own, without the bin."""
        return self._of(user).filter(deleted=None)

    def bin_of(self, user: User | AnonymousUser) -> Self:
        """That user's own in the bin."""
        return self._of(user).filter(deleted__isnull=False)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """What that user may find: in lists, searches and counts."""
        return self._open_to(user, "public")

    def readable_by(self, user: User | AnonymousUser) -> Self:
        """What that user may read knowing its id: unlisted ones too. It is for one id at a time."""
        return self._open_to(user, "public", "unlisted")

    def by_paths(self, asked: Mapping[str, Any]) -> Self:
        """Those that answer every parameter of `archives.paths.PATHS` given.

        Raise ValidationError, by parameter, for what is unknown or no value of its type.
        """
        if not asked:
            return self.all()
        wanted = paths.ask(asked, layout(self.db).columns)
        found = self.filter(*wanted.conditions)
        found.path_settings = wanted.settings
        found.path_times = wanted.times
        found.path_in_steps = wanted.in_steps
        return found

    def having_lexemes(self, tsquery: str, but_not: str | None) -> Self:
        """Those whose search vector matches a tsquery and not another, given as text; see
        `archives.text_search` for what people type."""
        found = self.filter(matches(tsquery))
        if but_not is not None:
            # Not as one tsquery: the index would be asked for these lexemes too.
            found = found.exclude(matches(but_not))
        found.path_settings = self.path_settings or {}
        return found

    def newest(self, limit: int, after: tuple[datetime, UUID] | None = None) -> list[Archive]:
        """The first `limit` of these by (created, id), both descending; after that place if given.

        It may be asked of any filters and scopes. Unlike a slice of `order_by`, it is quick however
        many partitions there are and however rare or common what is asked for.
        """
        if limit < 1:
            return []
        if self.path_settings is None:
            return newest_of_all(self, limit, after)
        return newest(self, limit, after, self.path_settings)

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        clone.path_settings = self.path_settings
        clone.path_times = self.path_times
        clone.path_in_steps = self.path_in_steps
        clone.is_of_one_owner = self.is_of_one_owner
        return clone

    def soft_delete(self) -> int:
        """Put those that are not there yet into the bin; return their number."""
        return self.filter(deleted=None).update(deleted=Now())

    def restore(self) -> int:
        """Take those that are there out of the bin; return their number."""
        return self.filter(deleted__isnull=False).update(deleted=None)

    def _open_to(self, user: User | AnonymousUser, *visibilities: str) -> Self:
        found = self.filter(deleted=None)
        if may_see_all(user):
            return found
        condition = models.Q(visibility__in=visibilities)
        if user.is_authenticated and user.is_active:
            condition |= models.Q(owner=user)
        return found.filter(condition)

    def _of(self, user: User | AnonymousUser) -> Self:
        if not user.is_authenticated or not user.is_active:
            return self.none()
        found = self.filter(OwnedBy(user.pk))
        found.is_of_one_owner = True
        return found


def may_see_all(user: User | AnonymousUser) -> bool:
    """Whether that user sees everybody's archives."""
    return user.is_active and user.is_staff and user.has_perm("archives.view_archive")


def matches(tsquery: str) -> Matches:
    """Whether an archive's search vector matches a tsquery, given as text."""
    return Matches(models.F("search_vector"), Cast(Value(tsquery), SearchQueryField()))
