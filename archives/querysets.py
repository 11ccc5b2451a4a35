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
    from archives.models import Archive


class ArchiveQuerySet(models.QuerySet["Archive"]):
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
