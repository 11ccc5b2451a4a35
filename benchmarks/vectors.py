"""How fast and how surely the nearest vectors are found, and what they weigh."""

from __future__ import annotations

import hashlib
import time
import uuid
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.db.models.functions import Cast
from pgvector.django import CosineDistance, HalfVectorField
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks import vectors_sql as sql
from benchmarks.made_vectors import BLOCK, Recipe, described
from benchmarks.prompts import read_prompts, vectors_of
from benchmarks.real_prompts import measure_real
from benchmarks.scratch import scratch_database, warm_up
from benchmarks.vector_runs import K, Keeps, Run, copied, truth
from benchmarks.vector_ways import measure_ways
from embeddings import indexing
from embeddings.models import EmbeddingModel, Interaction
from embeddings.querysets import InteractionQuerySet
from vibomat.accounts.models import User

if TYPE_CHECKING:
    from embeddings.embedders import Vectors

HELP = (
    "recall, latency and bytes of the nearest vectors, by index, exact, and by pgvector's defaults"
)
MB = 1_000_000
INSERTS = 2_000


@dataclass(frozen=True)
class Filter:
    """Which of the made interactions are left: as a queryset, and by their numbers from 1."""

    name: str
    apply: Callable[[], InteractionQuerySet]
    keeps: Keeps


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--prompts", type=Path, required=True, help="TSV with the columns source and text"
    )
    parser.add_argument("--count", type=int, default=100_000, metavar="N", help="vectors to make")
    parser.add_argument("--queries", type=int, default=200, metavar="N", help="of each kind")
    parser.add_argument("--load-only", action="store_true", help="load and index, and stop")
    parser.add_argument("--real", action="store_true", help="only the prompts themselves")
    parser.add_argument("--ways", action="store_true", help="only ways of keeping vectors")


def measure(console: Console, options: dict[str, Any]) -> None:
    """Load what is not there, and ask."""
    for name, least in (("count", 20_000), ("queries", 10)):
        if options[name] < least:
            raise CommandError(f"--{name} must be at least {least}.")
    prompts = read_prompts(options["prompts"])
    real = vectors_of(prompts)
    recipe = Recipe(real, options["count"])
    with scratch_database("vectors"):
        if options["real"]:
            measure_real(console, prompts, real)
        elif options["ways"]:
            measure_ways(console, recipe, options["queries"])
        else:
            console.print(described(recipe))
            model, users = _load(console, recipe)
            if not options["load_only"]:
                _measure_made(console, recipe, model, users, options["queries"])


# Loading


def _load(console: Console, recipe: Recipe) -> tuple[EmbeddingModel, list[User]]:
    """The made vectors as those of interactions, indexed; what an earlier run loaded is kept."""
    digest = hashlib.sha256(recipe.real.tobytes()).hexdigest()[:12]
    name = f"made-{recipe.count}-{recipe.seed}-{digest}"
    model = EmbeddingModel.objects.filter(name=name, state="active").first()
    if model is None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql.EMPTY)
        users = [User.objects.create_user(f"{part}@example.org") for part in (100, 1000, 10_000)]
        model = EmbeddingModel.objects.create(name=name, dimensions=recipe.real.shape[1])
        began = time.perf_counter()
        with tqdm(total=recipe.count, desc="loading", unit=" vectors", disable=None) as bar:
            for number, block in enumerate(recipe.blocks()):
                _load_block(model, number * BLOCK + 1, block, users)
                bar.update(len(block))
        console.print(f"Loading: {recipe.count / (time.perf_counter() - began):,.0f} vectors/s")
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE interaction, embedding")
        began = time.perf_counter()
        indexing.build(model)
        console.print(f"Building the index: {time.perf_counter() - began:.0f} s")
        model.activate()
    with connection.cursor() as cursor:
        index = indexing.index_name(model)
        cursor.execute(sql.SIZES, [index, index])
        table, vectors, others = cursor.fetchone()
    console.print(
        f"Table {table / MB:,.0f} MB, index of vectors {vectors / MB:,.0f} MB, its other indexes "
        f"{others / MB:,.0f} MB"
    )
    return model, list(User.objects.order_by("date_joined"))


def _load_block(model: EmbeddingModel, first: int, block: Vectors, users: list[User]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        ids = [user.pk for user in users]
        cursor.execute(sql.FILL, [*ids, first, first + len(block) - 1])
        with cursor.copy(sql.COPY) as copy:
            copy.write(_binary_rows(model, first, block))


def _binary_rows(model: EmbeddingModel, first: int, block: Vectors) -> bytes:
    """The rows as COPY reads them in its binary format."""
    dimensions = block.shape[1]
    layout = [
        ("fields", ">i2"), ("id_bytes", ">i4"), ("id", "V16"), ("model_bytes", ">i4"),
        ("model", ">i8"), ("vector_bytes", ">i4"), ("dimensions", ">i2"), ("unused", ">i2"),
        ("vector", ">f2", dimensions),
    ]  # fmt: skip
    rows = np.zeros(len(block), dtype=layout)
    rows["fields"], rows["id_bytes"], rows["model_bytes"] = 3, 16, 8
    rows["model"], rows["dimensions"] = model.pk, dimensions
    rows["vector_bytes"] = 4 + 2 * dimensions
    rows["vector"] = block
    ids = b"".join(_id(first + n).bytes for n in range(len(block)))
    rows["id"] = np.frombuffer(ids, dtype="V16")
    return copied(rows)


def _id(n: int) -> uuid.UUID:
    return uuid.UUID(f"00000000-0000-7000-8000-{n:012x}")


def _number(pk: uuid.UUID) -> int:
    return pk.int & (1 << 48) - 1


# Made vectors


def _measure_made(
    console: Console, recipe: Recipe, model: EmbeddingModel, users: list[User], count: int
) -> None:
    queries = recipe.others(count)
    warm_up(console)
    filters = _filters(recipe.count, users)
    nearest = truth(recipe, queries, {chosen.name: chosen.keeps for chosen in filters})
    table = Table("filter", "way", "recall@10", "too few", "p50 ms", "p95 ms", "max ms")
    for chosen in filters:
        for way, ask, most in _ways(chosen, model):
            run = Run()
            for query in queries[:5]:
                ask(query)
            asked = list(zip(queries, nearest[chosen.name], strict=True))[:most]
            for query, true in tqdm(asked, desc=f"{chosen.name}, {way}", disable=None, leave=False):
                began = time.perf_counter()
                found = ask(query)
                run.note(time.perf_counter() - began, set(map(_number, found)), true)
            table.add_row(chosen.name, way, *run.figures())
        table.add_section()
    console.print(table)
    _measure_inserts(console, recipe, model)


def _filters(count: int, users: list[User]) -> list[Filter]:
    since = 10 * (count - count // 10)
    moment = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=since)
    interactions = Interaction.objects
    return [
        Filter("none", interactions.all, lambda n: n > 0),
        Filter(
            "10%, the latest",
            lambda: interactions.filter(created__gt=moment),
            lambda n: n * 10 > since,
        ),
        Filter(
            "1%, by metadata",
            lambda: interactions.filter(metadata__contains={"hundredth": 7}),
            lambda n: n % 100 == 7,
        ),
        Filter("1%, a user's", lambda: interactions.owned_by(users[0]), lambda n: n % 100 == 0),
        Filter("0.1%, a user's", lambda: interactions.owned_by(users[1]), lambda n: n % 1000 == 1),
        Filter(
            "0.01%, a user's", lambda: interactions.owned_by(users[2]), lambda n: n % 10_000 == 2
        ),
    ]


Ask = Callable[["Vectors"], Iterable[uuid.UUID]]


def _ways(chosen: Filter, model: EmbeddingModel) -> Iterator[tuple[str, Ask, int | None]]:
    """What to compare, and how many queries it is worth."""

    def similar(**options: Any) -> Ask:
        return lambda query: [row.pk for row in chosen.apply().similar(query, K, **options)]

    def defaults(query: Vectors) -> list[uuid.UUID]:
        rows = chosen.apply().filter(embeddings__model=model)
        field = HalfVectorField(dimensions=model.dimensions)
        distance = CosineDistance(Cast("embeddings__vector", field), query)
        return [row.pk for row in rows.order_by(distance)[:K]]

    yield "Vibomat", similar(), None
    yield "Vibomat, ef_search 400", similar(ef_search=400), None
    yield "exact", similar(mode="exact"), 20
    yield "pgvector's defaults", defaults, None


def _measure_inserts(console: Console, recipe: Recipe, model: EmbeddingModel) -> None:
    """New interactions with their vectors, a hundred at once, and taken away again."""
    vectors = recipe.others(INSERTS)
    began = time.perf_counter()
    with transaction.atomic():
        for start in range(0, INSERTS, 100):
            rows = [Interaction(text="new") for _ in range(100)]
            Interaction.objects.bulk_create(rows)
            model.store(zip(rows, vectors[start : start + 100], strict=True))
        took = time.perf_counter() - began
        transaction.set_rollback(True)
    console.print(f"Inserting with the index in place: {INSERTS / took:,.0f} vectors/s")
