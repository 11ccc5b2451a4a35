"""A queryset that knows which of its rows are wanted only when it is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.db.models import Model, QuerySet, UUIDField, Value
from django.db.models.functions import Cast

from embeddings.expressions import Position

if TYPE_CHECKING:
    from embeddings.search import Search

Row = TypeVar("Row", bound=Model, covariant=True)


class SearchedQuerySet(QuerySet[Row], Generic[Row]):
    """With a `search`, the k nearest of the rows that all its filters leave, those added after the
    search included; nearest first unless it is ordered otherwise.

    Everything that looks at the rows finds those first: each evaluation searches once more. It can
    be sliced, and filtered and annotated until then.
    """

    search: Search | None = None

    def found(self) -> Self:
        """The same without a search: those rows by their ids, now that they are known."""
        if self.search is None:
            return self
        candidates = self.all()
        candidates.search = None
        ids = self._ids(candidates.order_by(), self.search)
        rows = candidates.filter(pk__in=ids)
        if self.search.threshold is not None:
            rows = rows.filter(similarity__gte=self.search.threshold)
        if not rows.query.order_by:
            rows = rows.order_by(Position(Cast(Value(ids), ArrayField(UUIDField())), "pk"))
        return rows

    def _ids(self, candidates: Self, search: Search) -> list[Any]:
        raise NotImplementedError

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        clone.search = self.search
        return clone

    def _fetch_all(self) -> None:
        if self.search is not None and self._result_cache is None:
            self._result_cache = list(self.found())
            self._prefetch_done = True
        super()._fetch_all()

    def __getitem__(self, place: Any) -> Any:
        if self.search is not None:
            self._fetch_all()
        return super().__getitem__(place)


def _on_found(name: str) -> Any:
    ordinary = getattr(QuerySet, name)

    def method(self: SearchedQuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        return ordinary(self.found(), *args, **kwargs)

    return method


for _name in (
    "__and__", "__or__", "__xor__", "aggregate", "contains", "count", "delete", "difference",
    "earliest", "exists", "explain", "first", "get", "in_bulk", "intersection", "iterator", "last",
    "latest", "resolve_expression", "union", "update",
):  # fmt: skip
    setattr(SearchedQuerySet, _name, _on_found(_name))
