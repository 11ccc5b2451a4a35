"""A queryset that knows which of its rows are wanted only when it is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from embeddings.expressions import Listed, Position

if TYPE_CHECKING:
    from embeddings.search import Search

Row = TypeVar("Row", bound=Model, covariant=True)


class SearchedQuerySet(QuerySet[Row], Generic[Row]):
    """With a `search` and a `similarity` annotated, the k nearest of the rows that all its filters
    leave, those added after the search included; nearest first unless it is ordered otherwise.

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
        nearest = self._nearest(candidates.order_by(), self.search)
        rows = candidates.filter(pk__in=list(nearest))
        if None not in nearest.values():
            # Under the same name, but not annotated: whether it is selected stays as it is.
            known = Listed(nearest, "pk").resolve_expression(rows.query)
            rows.query.annotations["similarity"] = known
        if self.search.threshold is not None:
            rows = rows.filter(similarity__gte=self.search.threshold)
        if not rows.query.order_by:
            rows = rows.order_by(Position(list(nearest), "pk"))
        return rows

    def _nearest(self, candidates: Self, search: Search) -> dict[UUID, float | None]:
        """Their ids, nearest first, with the similarity where it is known."""
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
