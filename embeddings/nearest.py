"""The interactions nearest to a vector, k of them however narrow the filter.

HNSW finds the nearest of a whole table in milliseconds, but a filter is applied to what it comes
by: asked for ten that one row in ten thousand is among, it gives up before. Distances to few
candidates, on the other hand, are soon computed, and exactly. So:

* Where the planner expects at most `FEW` candidates, the distances to all of them are computed,
  unless there turn out to be more than twice as many.
* Otherwise the index is asked, and goes on (`hnsw.iterative_scan`) until the filter has let enough
  pass. `relaxed_order` finds more than `strict_order`, which drops what comes out of order; the
  order is put right here.
* Where that gives fewer than asked for, the distances to all candidates are computed after all.

A hybrid search does the same with one statement that finds the words as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from embeddings import sql
from embeddings.expressions import parameter, parts_of, similarity
from embeddings.search import MOST_EF_SEARCH, Search
from embeddings.vectors import HalfVector
from embeddings.words import by_words, words_of
from vibomat.local_settings import rows_under

if TYPE_CHECKING:
    from embeddings.models import EmbeddingModel, Interaction

# Of an index with that many vectors; the more there are the more the index has to keep in mind to
# find the same share.
EF_SEARCH = 64
EF_SEARCH_FOR = 100_000
FEW = 20_000
# How many more than asked for the index gives where there is a filter, as they come in no order.
SPARE = 4
# How many of the nearest, and of those with the words, a hybrid search fuses at least.
DEPTH = 50

Settings = dict[str, str]

# Sorting by distance is what the index is there to spare, whatever the planner thinks.
BY_INDEX: Settings = {"hnsw.iterative_scan": "relaxed_order", "enable_sort": "off", "jit": "off"}
EXACT: Settings = {"jit": "off"}


class Row(NamedTuple):
    """`distance` null: found by its words only. `values`: those of the columns asked for."""

    pk: UUID
    distance: float | None
    values: tuple[Any, ...] = ()


class Statement(NamedTuple):
    """SQL, and its parameters. `prepared`: nothing in it but the parameters differs from search to
    search, and the server knows their types."""

    sql: str
    params: list[Any]
    prepared: bool = False


# What executes a statement that finds the nearest, under settings.
Run = Callable[[Statement, Settings, str], list[Row]]


def nearest(candidates: QuerySet[Interaction], search: Search) -> dict[UUID, float | None]:
    """The ids of the `search.k` nearest of these interactions, the nearest first, with their
    similarity; null for what only words found, and for a model of full precision, as the index
    knows its distances less precisely."""
    rows = _found(candidates, search)[: search.k]
    is_full = search.model.column == "full_vector"
    return {row.pk: None if is_full else similarity(search.model, row.distance) for row in rows}


def gives_rows(search: Search) -> bool:
    """Whether `nearest_rows` can be had: one statement knows the rows and their similarity."""
    return search.mode != "hybrid" and search.model.column == "vector"


def nearest_rows(
    candidates: QuerySet[Interaction], search: Search, columns: Sequence[str]
) -> list[tuple[float, tuple[Any, ...]]]:
    """As `nearest`, but with what is in those columns of each, by the statement that finds them."""
    quoted = ", ".join(f'interaction."{column}"' for column in columns)

    def run(near: Statement, settings: Settings, using: str) -> list[Row]:
        text = sql.ROWS.format(nearest=near.sql, columns=quoted)
        return _rows(near._replace(sql=text), settings, using)

    rows = _found(candidates, search, run)[: search.k]
    return [
        (known, row.values)
        for row in rows
        if (known := similarity(search.model, row.distance)) is not None
    ]


def _found(candidates: QuerySet[Interaction], search: Search, run: Run | None = None) -> list[Row]:
    try:
        among = _compiled(candidates) if _is_filtered(candidates) else None
    except EmptyResultSet:
        return []
    expected = _planned_rows(among, candidates.db) if among else None
    if search.mode != "hybrid":
        return _nearest(candidates, search, search.k, expected, among, run or _rows)
    depth = max(DEPTH, 2 * search.k)
    worded = _worded(candidates, search, depth, expected)
    return _nearest(
        candidates, search, depth, expected, among, lambda near, *how: _fused(near, worded, *how)
    )


def _nearest(
    candidates: QuerySet[Interaction],
    search: Search,
    k: int,
    expected: int | None,
    among: Statement | None,
    run: Run,
) -> list[Row]:
    """What `run` makes of the statement that finds the `k` nearest. `among`: the candidates' ids,
    None for all interactions; `expected`: how many the planner thinks they are."""
    using = candidates.db
    if search.mode == "exact":
        return run(_statement(sql.EXACT, search, k, among), EXACT, using)
    if among and expected is not None and expected <= FEW:
        found = run(_if_few(search, k, among), EXACT, using)
        if _near(found) or _are_few(among, using):
            return found
    settings = BY_INDEX | {"hnsw.ef_search": str(search.ef_search or _ef_search(search.model, k))}
    spare = SPARE * k if among else k
    found = run(_statement(sql.BY_INDEX, search, spare, among), settings, using)
    if _near(found) < k:
        found = run(_statement(sql.EXACT, search, k, among), EXACT, using)
    return found


def _ef_search(model: EmbeddingModel, k: int) -> int:
    grown = EF_SEARCH * math.sqrt(max(model.indexed, EF_SEARCH_FOR) / EF_SEARCH_FOR)
    return min(max(round(grown), 2 * k), MOST_EF_SEARCH)


def _near(found: list[Row]) -> int:
    """How many were found by their vectors."""
    return sum(row.distance is not None for row in found)


def _statement(template: str, search: Search, k: int, candidates: Statement | None) -> Statement:
    by_index = template == sql.BY_INDEX
    vector = HalfVector(search.vector) if by_index else parameter(search.model, search.vector)
    parts = parts_of(search.model) | {"k": k}
    if candidates is None:
        return Statement(template.format(**parts, among=""), [vector], prepared=True)
    among = sql.AMONG.format(candidates=candidates.sql)
    return Statement(template.format(**parts, among=among), [vector, *candidates.params])


def _if_few(search: Search, k: int, candidates: Statement) -> Statement:
    parts = parts_of(search.model) | {"k": k, "candidates": candidates.sql, "most": 2 * FEW}
    vector = parameter(search.model, search.vector)
    return Statement(sql.EXACT_IF_FEW.format(**parts), [*candidates.params, vector])


def _compiled(candidates: QuerySet[Interaction]) -> Statement:
    """The statement that gives the candidates' ids."""
    text, params = candidates.values("pk").query.get_compiler(using=candidates.db).as_sql()
    return Statement(text, list(params))


def _are_few(candidates: Statement, using: str) -> bool:
    """Whether the planner is right by a factor of two in expecting at most `FEW` candidates."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            sql.ARE_FEW.format(candidates=candidates.sql, most=2 * FEW), candidates.params
        )
        return bool(cursor.fetchone()[0])


def _rows(near: Statement, settings: Settings, using: str) -> list[Row]:
    return sorted(_read(near, settings, using), key=lambda row: row.distance or 0)


def _worded(
    candidates: QuerySet[Interaction], search: Search, n: int, expected: int | None
) -> Statement:
    if expected is None:
        expected = expected_rows(candidates)
    rows = by_words(candidates, words_of(search.text, candidates.db), expected, n)
    if rows is None:
        return Statement(sql.NOTHING_WORDED, [])
    text, params = rows.query.get_compiler(using=candidates.db).as_sql()
    return Statement(text, list(params))


def _fused(near: Statement, worded: Statement, settings: Settings, using: str) -> list[Row]:
    text = sql.FUSE.format(nearest=near.sql, worded=worded.sql)
    return _read(Statement(text, [*near.params, *worded.params]), settings, using)


def _read(statement: Statement, settings: Settings, using: str) -> list[Row]:
    text, params, prepared = statement
    rows = rows_under(settings, text, params, using, prepared=prepared)
    return [Row(pk, distance, tuple(values)) for pk, distance, *values in rows]


def _is_filtered(candidates: QuerySet[Interaction]) -> bool:
    """Whether these are not simply all interactions."""
    query = candidates.query
    return bool(query.where) or query.is_sliced or bool(query.combinator or query.distinct)


def expected_rows(candidates: QuerySet[Interaction]) -> int:
    """How many candidates the planner expects."""
    try:
        return _planned_rows(_compiled(candidates), candidates.db)
    except EmptyResultSet:
        return 0


def _planned_rows(candidates: Statement, using: str) -> int:
    with connections[using].cursor() as cursor:
        cursor.execute(sql.EXPLAIN.format(candidates=candidates.sql), candidates.params)
        return int(cursor.fetchone()[0][0]["Plan"]["Plan Rows"])
