"""The interactions nearest to a vector, k of them however narrow the filter.

HNSW finds the nearest of a whole table in milliseconds, but a filter is applied to what it comes
by: asked for ten that one row in ten thousand is among, it gives up before. Distances to few
candidates, on the other hand, are soon computed, and exactly. So:

* Where the planner expects at most `FEW` candidates, the distances to all of them are computed. As
  it may be wrong, no more than `MOST` are taken; if there are more, the index is asked.
* Otherwise the index is asked, and goes on (`hnsw.iterative_scan`) until the filter has let enough
  pass. `relaxed_order` finds more than `strict_order`, which drops what comes out of order; the
  order is put right here.
* Where that gives fewer than asked for, the distances to all candidates are computed after all.

A hybrid search does the same with one statement that finds the words as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.core.exceptions import EmptyResultSet
from django.db import connections, transaction
from django.db.models import Count, IntegerField, QuerySet, Value, Window
from django.db.models.lookups import LessThan

from embeddings import sql
from embeddings.expressions import Literal, exact_distance, indexed_distance
from embeddings.search import MOST_EF_SEARCH, Search
from embeddings.words import by_words, words_of

if TYPE_CHECKING:
    from embeddings.models import Embedding, Interaction

EF_SEARCH = 100
FEW = 20_000
MOST = 40_000
# How many more than asked for the index gives where there is a filter, as they come in no order.
SPARE = 4
# How many of the nearest, and of those with the words, a hybrid search fuses at least.
DEPTH = 50
INFINITY = float("inf")
NOT_LIMITED = Value(None, output_field=IntegerField())

# Sorting by distance is what the index is there to spare, whatever the planner thinks.
BY_INDEX = {"hnsw.iterative_scan": "relaxed_order", "enable_sort": "off", "jit": "off"}
EXACT = {"jit": "off"}


class Row(NamedTuple):
    """`distance` null: found by its words only. `taken`: of how many candidates the distances were
    computed, if that was limited."""

    pk: UUID
    distance: float | None
    taken: int | None


# A statement that gives such rows, to what runs it.
Run = Callable[["QuerySet[Any]"], list[Row]]


def nearest(candidates: QuerySet[Interaction], search: Search) -> list[UUID]:
    """The ids of the `search.k` nearest of these interactions, the nearest first."""
    expected = expected_rows(candidates) if _is_filtered(candidates) else None
    if search.mode != "hybrid":
        rows = _nearest(candidates, search, search.k, expected, _rows)
        return [row.pk for row in rows[: search.k]]
    depth = max(DEPTH, 2 * search.k)
    worded = _worded(candidates, search, depth, expected)
    rows = _nearest(candidates, search, depth, expected, lambda near: _fused(near, worded))
    return [row.pk for row in rows[: search.k]]


def _nearest(
    candidates: QuerySet[Interaction], search: Search, k: int, expected: int | None, run: Run
) -> list[Row]:
    """What `run` makes of the `k` nearest."""
    rows = _embeddings(candidates, search, expected is not None)
    if search.mode == "exact":
        with _settings(candidates.db, EXACT):
            return run(_exact(rows, search, k))
    if expected is not None and expected <= FEW:
        few = _embeddings(candidates[: MOST + 1], search, True)
        with _settings(candidates.db, EXACT):
            found = run(_exact(few, search, k, taken=Window(Count("*"))))
        if max((row.taken or 0 for row in found), default=0) <= MOST:
            return found
    ef_search = search.ef_search or min(max(EF_SEARCH, 2 * k), MOST_EF_SEARCH)
    with _settings(candidates.db, BY_INDEX | {"hnsw.ef_search": str(ef_search)}):
        found = run(_by_index(rows, search, k, is_filtered=expected is not None))
    if sum(row.distance is not None for row in found) < k:
        with _settings(candidates.db, EXACT):
            found = run(_exact(rows, search, k))
    return found


def _embeddings(
    candidates: QuerySet[Interaction], search: Search, is_filtered: bool
) -> QuerySet[Embedding]:
    rows: QuerySet[Embedding] = apps.get_model("embeddings", "Embedding")._base_manager.all()
    rows = rows.using(candidates.db).filter(model=Literal(search.model.pk))
    return rows.filter(interaction__in=candidates.values("pk")) if is_filtered else rows


def _exact(
    rows: QuerySet[Embedding], search: Search, k: int, taken: Any = NOT_LIMITED
) -> QuerySet[Any]:
    distance = exact_distance(search.model, search.vector)
    if search.model.column == "full_vector":
        # An older vector may be zero, which has NaN for a distance.
        rows = rows.filter(LessThan(distance, INFINITY))
    measured = rows.annotate(distance=distance, taken=taken).order_by("distance")
    return measured.values_list("interaction", "distance", "taken")[:k]


def _by_index(
    rows: QuerySet[Embedding], search: Search, k: int, *, is_filtered: bool
) -> QuerySet[Any]:
    distance = indexed_distance(search.model, search.vector)
    measured = rows.annotate(distance=distance, taken=NOT_LIMITED).order_by("distance")
    return measured.values_list("interaction", "distance", "taken")[
        : SPARE * k if is_filtered else k
    ]


def _rows(near: QuerySet[Any]) -> list[Row]:
    return sorted((Row(*row) for row in near), key=lambda row: row.distance or 0)


def _worded(
    candidates: QuerySet[Interaction], search: Search, n: int, expected: int | None
) -> QuerySet[Any] | None:
    if expected is None:
        expected = expected_rows(candidates)
    return by_words(candidates, words_of(search.text, candidates.db), expected, n)


def _fused(near: QuerySet[Any], worded: QuerySet[Any] | None) -> list[Row]:
    statements, params = {"nearest": sql.NOTHING_NEAR, "worded": sql.NOTHING_WORDED}, []
    for name, rows in ("nearest", near), ("worded", worded):
        if rows is not None:
            with suppress(EmptyResultSet):
                statements[name], given = rows.query.get_compiler(using=near.db).as_sql()
                params += given
    with connections[near.db].cursor() as cursor:
        cursor.execute(sql.FUSE.format(**statements), params)
        return [Row(*row) for row in cursor.fetchall()]


def _is_filtered(candidates: QuerySet[Interaction]) -> bool:
    """Whether these are not simply all interactions."""
    query = candidates.query
    return bool(query.where) or query.is_sliced or bool(query.combinator or query.distinct)


def expected_rows(candidates: QuerySet[Interaction]) -> int:
    """How many candidates the planner expects."""
    explained = candidates.values("pk").explain(format="json")
    return int(json.loads(explained)[0]["Plan"]["Plan Rows"]) if explained else 0


@contextmanager
def _settings(using: str, settings: dict[str, str]) -> Iterator[None]:
    """Run the block under settings of PostgreSQL, in a transaction of its own or a savepoint. It
    only reads, and is rolled back: that puts the settings back to what they were."""
    names = ", ".join(["set_config(%s, %s, true)"] * len(settings))
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute(f"SELECT {names}", [part for pair in settings.items() for part in pair])
        yield
        transaction.set_rollback(True, using=using)
