"""A queryset that knows which of its rows are wanted only when it is evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable

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

    def _gives_rows(self, search: Search) -> bool:
        """Whether that search gives the rows at once."""
        raise NotImplementedError

    def _nearest_rows(
        self, candidates: Self, search: Search, columns: Sequence[str]
    ) -> list[tuple[float, tuple[Any, ...]]]:
        """The similarity of each, nearest first, with what is in those columns."""
        raise NotImplementedError

    def _is_plain(self, search: Search) -> bool:
        """Whether what is wanted are rows as they are in their table, with their similarity."""
        query = self.query
        return (
            self._iterable_class is ModelIterable
            and self._gives_rows(search)
            and query.deferred_loading[1]
            and set(query.annotations) == {"similarity"}
            and query.annotation_select_mask is None
            and not (query.select_related or query.select_for_update or query.extra)
            and query.standard_ordering
            and not (query.order_by or query.extra_order_by or query.distinct or query.combinator)
            and not self._known_related_objects  # type: ignore[attr-defined]
            and not self._prefetch_related_lookups  # type: ignore[attr-defined]
        )

    def _result_of(self, search: Search) -> list[Row]:
        return self._loaded(search) if self._is_plain(search) else list(self.found())

    def _loaded(self, search: Search) -> list[Row]:
        """The rows, without the statement that `found` makes for them: most of the time that a
        search takes would be Django's making that."""
        candidates = self.all()
        candidates.search = None
        deferred, _ = self.query.deferred_loading
        fields = [
            field
            for field in self.model._meta.concrete_fields
            if field.primary_key or not deferred & {field.name, field.attname}
        ]
        compiler = self.query.get_compiler(self.db)
        converters = compiler.get_converters([field.cached_col for field in fields])
        names = [field.attname for field in fields]
        found = self._nearest_rows(candidates, search, [str(field.column) for field in fields])
        least = -1.0 if search.threshold is None else search.threshold
        found = [(similarity, values) for similarity, values in found if similarity >= least]
        converted = compiler.apply_converters([values for _, values in found], converters)
        rows = []
        for (similarity, _), values in zip(found, converted, strict=True):
            row: Any = self.model.from_db(self.db, names, values)
            row.similarity = similarity
            rows.append(row)
        return rows

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]
        clone.search = self.search
        return clone

    def _fetch_all(self) -> None:
        if self.search is not None and self._result_cache is None:
            self._result_cache = self._result_of(self.search)
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
