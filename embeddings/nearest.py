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
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.db import connections, transaction
from django.db.models import Count, QuerySet, Window
from django.db.models.lookups import LessThan

from embeddings.expressions import Literal, exact_distance, indexed_distance, similarity_of
from embeddings.search import MOST_EF_SEARCH, Search

if TYPE_CHECKING:
    from embeddings.models import Embedding, Interaction

EF_SEARCH = 100
FEW = 20_000
MOST = 40_000
# How many more than asked for the index gives where there is a filter, as they come in no order.
SPARE = 4
INFINITY = float("inf")

# Sorting by distance is what the index is there to spare, whatever the planner thinks.
INDEX_SETTINGS = {
    "hnsw.iterative_scan": "relaxed_order",
    "enable_sort": "off",
    "jit": "off",
}
EXACT_SETTINGS = {"jit": "off"}

Found = list[tuple[UUID, float]]


def nearest(candidates: QuerySet[Interaction], search: Search) -> list[UUID]:
    """The ids of the nearest of these interactions, the nearest first."""
    found = near(candidates, search, search.k)
    if search.threshold is not None:
        found = [
            (pk, distance)
            for pk, distance in found
            if similarity_of(search.model, distance) >= search.threshold
        ]
    return [pk for pk, _ in found]


def near(candidates: QuerySet[Interaction], search: Search, k: int) -> Found:
    """The ids and distances of the `k` nearest."""
    if search.mode == "exact":
        return _exact(candidates, search, k)
    is_filtered = _is_filtered(candidates)
    if is_filtered and _expected(candidates) <= FEW:
        found = _exact_of_few(candidates, search, k)
        if found is not None:
            return found
    found = _by_index(candidates, search, k, is_filtered)
    return found if len(found) == k else _exact(candidates, search, k)


def _exact(candidates: QuerySet[Interaction], search: Search, k: int) -> Found:
    rows = _embeddings(candidates, search, _is_filtered(candidates))
    with _settings(candidates.db, EXACT_SETTINGS):
        return list(_by_exact_distance(rows, search).values_list("interaction", "distance")[:k])


def _exact_of_few(candidates: QuerySet[Interaction], search: Search, k: int) -> Found | None:
    """None if there are more than `MOST` candidates."""
    rows = _embeddings(candidates[: MOST + 1], search, True)
    counted = _by_exact_distance(rows, search).annotate(taken=Window(Count("*")))
    with _settings(candidates.db, EXACT_SETTINGS):
        found = list(counted.values_list("interaction", "distance", "taken")[:k])
    if found and found[0][2] > MOST:
        return None
    return [(pk, distance) for pk, distance, _ in found]


def _by_index(
    candidates: QuerySet[Interaction], search: Search, k: int, is_filtered: bool
) -> Found:
    rows = (
        _embeddings(candidates, search, is_filtered)
        .annotate(distance=indexed_distance(search.model, search.vector))
        .order_by("distance")
        .values_list("interaction", "distance")
    )
    ef_search = search.ef_search or min(max(EF_SEARCH, 2 * k), MOST_EF_SEARCH)
    with _settings(candidates.db, INDEX_SETTINGS | {"hnsw.ef_search": str(ef_search)}):
        found = list(rows[: SPARE * k if is_filtered else k])
    return sorted(found, key=lambda row: row[1])[:k]


def _by_exact_distance(rows: QuerySet[Embedding], search: Search) -> QuerySet[Any]:
    distance = exact_distance(search.model, search.vector)
    if search.model.column == "full_vector":
        # An older vector may be zero, which has NaN for a distance.
        rows = rows.filter(LessThan(distance, INFINITY))
    return rows.annotate(distance=distance).order_by("distance")


def _embeddings(
    candidates: QuerySet[Interaction], search: Search, is_filtered: bool
) -> QuerySet[Embedding]:
    rows: QuerySet[Embedding] = apps.get_model("embeddings", "Embedding")._base_manager.using(
        candidates.db
    )
    rows = rows.filter(model=Literal(search.model.pk))
    return rows.filter(interaction__in=candidates.values("pk")) if is_filtered else rows


def _is_filtered(candidates: QuerySet[Interaction]) -> bool:
    """Whether these are not simply all interactions."""
    query = candidates.query
    return bool(query.where) or query.is_sliced or bool(query.combinator or query.distinct)


def _expected(candidates: QuerySet[Interaction]) -> int:
    """How many candidates the planner expects."""
    (explained,) = json.loads(candidates.values("pk").explain(format="json"))
    return int(explained["Plan"]["Plan Rows"])


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
