"""How fast and how surely the nearest vectors are found, and what they weigh."""

from __future__ import annotations

import hashlib
import random
import time
import uuid
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.db.models.functions import Cast
from pgvector.django import CosineDistance, HalfVectorField
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks import vectors_sql as sql
from benchmarks.judging import percentile
from benchmarks.made_vectors import BLOCK, Recipe, nearest_distances, shares
from benchmarks.prompts import Prompt, read_prompts, vectors_of
from benchmarks.scratch import scratch_database
from embeddings import embedders, indexing
from embeddings.models import EmbeddingModel, Interaction
from embeddings.querysets import InteractionQuerySet
from embeddings.vectors import as_half_text, as_text
from vibomat.accounts.models import User

if TYPE_CHECKING:
    from embeddings.embedders import Vectors

HELP = (
    "recall, latency and bytes of the nearest vectors, by index, exact, and by pgvector's defaults"
)
K = 10
MB = 1_000_000
NEIGHBOURS = 5
INSERTS = 2_000

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Filter:
    """Which of the made interactions are left: as a queryset, and by their numbers from 1."""

    name: str
    apply: Callable[[], InteractionQuerySet]
    keeps: Callable[[Numbers], npt.NDArray[np.bool_]]


@dataclass
class Run:
    """What a way of asking gave: milliseconds, the share of the true neighbours, rows missing."""

    took_ms: list[float] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)
    missing: int = 0

    def note(self, took: float, found: set[int], true: list[int]) -> None:
        self.took_ms.append(took * 1000)
        self.recalls.append(len(found & set(true)) / len(true))
        self.missing += len(found) < len(true)


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
            _measure_real(console, prompts, real)
        elif options["ways"]:
            _measure_ways(console, recipe, options["queries"])
        else:
            console.print(_described(recipe))
            model, users = _load(console, recipe)
            if not options["load_only"]:
                _measure_made(console, recipe, model, users, options["queries"])


def _described(recipe: Recipe) -> str:
    made = next(iter(Recipe(recipe.real, BLOCK).blocks()))[: len(recipe.real)]
    return (
        f"{recipe.count:,} vectors of {recipe.real.shape[1]} dimensions, made of "
        f"{len(recipe.real):,} real ones with noise of {recipe.strength:.3f} of their deviation.\n"
        f"Distance to the nearest, p10 / p50 / p90: real {shares(nearest_distances(recipe.real))}, "
        f"as many made {shares(nearest_distances(made))}"
    )


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
    return _copied(rows)


def _copied(rows: npt.NDArray[Any]) -> bytes:
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"


def _id(n: int) -> uuid.UUID:
    return uuid.UUID(f"00000000-0000-7000-8000-{n:012x}")


def _number(pk: uuid.UUID) -> int:
    return pk.int & (1 << 48) - 1


# Made vectors


def _measure_made(
    console: Console, recipe: Recipe, model: EmbeddingModel, users: list[User], count: int
) -> None:
    queries = recipe.others(count)
    filters = _filters(recipe.count, users)
    truth = _truth(recipe, queries, filters)
    table = Table("filter", "way", "recall@10", "too few", "p50 ms", "p95 ms", "max ms")
    for chosen in filters:
        for way, ask, most in _ways(chosen, model):
            run = Run()
            for query in queries[:5]:
                ask(query)
            asked = list(zip(queries, truth[chosen.name], strict=True))[:most]
            for query, true in tqdm(asked, desc=f"{chosen.name}, {way}", disable=None, leave=False):
                began = time.perf_counter()
                found = ask(query)
                run.note(time.perf_counter() - began, set(map(_number, found)), true)
            table.add_row(chosen.name, way, *_figures(run))
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


def _truth(recipe: Recipe, queries: Vectors, filters: list[Filter]) -> dict[str, list[list[int]]]:
    """The numbers of the nearest to each query, by filter, of full precision."""
    best: dict[str, tuple[Vectors, Numbers]] = {}
    start = 1
    total = -(-recipe.count // BLOCK)
    for block in tqdm(recipe.blocks(), total=total, desc="truth", disable=None, leave=False):
        numbers = np.arange(start, start + len(block))
        start += len(block)
        similarity = queries @ block.T
        for chosen in filters:
            kept = chosen.keeps(numbers)
            near, which = (
                similarity[:, kept],
                np.broadcast_to(numbers[kept], (len(queries), kept.sum())),
            )
            if chosen.name in best:
                near = np.hstack([best[chosen.name][0], near])
                which = np.hstack([best[chosen.name][1], which])
            order = np.argsort(-near, axis=1)[:, :K]
            best[chosen.name] = (
                np.take_along_axis(near, order, axis=1),
                np.take_along_axis(which, order, axis=1),
            )
    return {name: which.tolist() for name, (_, which) in best.items()}


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
    yield "Vibomat, ef_search 200", similar(ef_search=200), None
    yield "exact", similar(mode="exact"), 20
    yield "pgvector's defaults", defaults, None


def _figures(run: Run) -> list[str]:
    took = run.took_ms
    return [
        f"{np.mean(run.recalls):.4f}",
        f"{run.missing / len(took):.0%}",
        f"{percentile(took, 0.5):.2f}",
        f"{percentile(took, 0.95):.2f}",
        f"{max(took):.1f}",
    ]


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


# Ways of keeping vectors


def _measure_ways(console: Console, recipe: Recipe, count: int) -> None:
    queries = recipe.others(count)
    filters = [Filter("none", Interaction.objects.all, lambda n: n > 0)]
    truth = _truth(recipe, queries, filters)["none"]
    dimensions = recipe.real.shape[1]
    half = f"(v::halfvec({dimensions})) halfvec_cosine_ops"
    bits = f"(binary_quantize(v)::bit({dimensions})) bit_hamming_ops"
    by_half = f"%(vector)s::halfvec({dimensions})"
    nearest = sql.NEAREST.format
    console.print(_described(recipe))
    table = Table(
        "column", "index", "table MB", "index MB", "of full", "build s", "recall", "p95 ms"
    )
    full = 0
    with connection.cursor() as cursor:
        cursor.execute(sql.CREATE_SCHEMA)
        with cursor.copy(sql.COPY_MADE) as copy:
            copy.write(_binary_made(recipe))
        for column, name, index, statement, text in (
            ("vector", "vector", "v vector_cosine_ops",
             nearest(distance=f"v <=> %(vector)s::vector({dimensions})"), as_text),
            ("vector", "halfvec", half,
             nearest(distance=f"v::halfvec({dimensions}) <=> {by_half}"), as_half_text),
            ("halfvec", "halfvec", "v halfvec_cosine_ops",
             nearest(distance=f"v <=> {by_half}"), as_half_text),
            ("halfvec", "bits, 100 re-ranked", bits,
             sql.NEAREST_BITS.format(dimensions=dimensions, depth=100), as_half_text),
            ("halfvec", "bits, 400 re-ranked", bits,
             sql.NEAREST_BITS.format(dimensions=dimensions, depth=400), as_half_text),
        ):  # fmt: skip
            cursor.execute(sql.CREATE.format(type=f"{column}({dimensions})"))
            cursor.execute("SET maintenance_work_mem = '1GB'")
            began = time.perf_counter()
            cursor.execute(sql.CREATE_INDEX.format(index=index))
            built = time.perf_counter() - began
            cursor.execute(sql.SIZE)
            sizes = cursor.fetchone()
            full = full or sum(sizes)
            cursor.execute(
                "SET hnsw.ef_search = 400" if "400" in name else "SET hnsw.ef_search = 100"
            )
            run = Run()
            for query, true in zip(queries, truth, strict=True):
                vector = text(query)
                began = time.perf_counter()
                cursor.execute(statement, {"vector": vector})
                found = {n for (n,) in cursor.fetchall()}
                run.note(time.perf_counter() - began, found, true)
            recall, _, _, p95, _ = _figures(run)
            weights = [f"{size / MB:,.1f}" for size in sizes]
            table.add_row(
                column, name, *weights, f"{sum(sizes) / full:.0%}", f"{built:.0f}", recall, p95
            )
            cursor.execute(sql.DROP)
        cursor.execute(sql.DROP_SCHEMA)
    console.print(table)


def _binary_made(recipe: Recipe) -> bytes:
    dimensions = recipe.real.shape[1]
    layout = [
        ("fields", ">i2"), ("number_bytes", ">i4"), ("number", ">i8"), ("vector_bytes", ">i4"),
        ("dimensions", ">i2"), ("unused", ">i2"), ("vector", ">f4", dimensions),
    ]  # fmt: skip
    rows = np.zeros(recipe.count, dtype=layout)
    rows["fields"], rows["number_bytes"], rows["dimensions"] = 2, 8, dimensions
    rows["number"] = np.arange(1, recipe.count + 1)
    rows["vector_bytes"] = 4 + 4 * dimensions
    rows["vector"] = np.concatenate(list(recipe.blocks()))
    return _copied(rows)


# Real prompts


def _measure_real(console: Console, prompts: list[Prompt], real: Vectors) -> None:
    """The prompts themselves, in the scratch database for a moment."""
    sources = {prompt.text: prompt.source for prompt in prompts}
    choose = random.Random(1)
    with transaction.atomic():
        EmbeddingModel.objects.update(state="retired")
        embedder = embedders.current()
        model = EmbeddingModel.objects.create(name=embedder.id, dimensions=embedder.dimensions)
        rows = [Interaction(text=prompt.text) for prompt in prompts]
        Interaction.objects.bulk_create(rows)
        model.store(zip(rows, real, strict=True))
        indexing.build(model, concurrently=False)
        model.activate()
        same, recalls, shown = [], [], []
        for row in choose.sample(rows, min(len(rows), 300)):
            near = list(Interaction.objects.similar_to(row, NEIGHBOURS))
            exact = set(Interaction.objects.similar_to(row, NEIGHBOURS, mode="exact"))
            recalls.append(len(exact & set(near)) / NEIGHBOURS)
            same.append(np.mean([sources[found.text] == sources[row.text] for found in near]))
            shown.append((row, near))
        transaction.set_rollback(True)
    chance = sum(
        (list(sources.values()).count(s) / len(sources)) ** 2 for s in set(sources.values())
    )
    console.print(
        f"{len(rows):,} prompts by {embedder.id}: {np.mean(same):.1%} of the {NEIGHBOURS} nearest "
        f"are from the same source, {chance:.1%} would be by chance; recall {np.mean(recalls):.4f}"
    )
    table = Table("prompt", "nearest", "similarity", "source")
    for row, near in islice(shown, 5):
        for place, found in enumerate(near[:3]):
            cells = (_short(found.text), f"{found.similarity:.3f}", sources[found.text])
            table.add_row("" if place else _short(row.text), *cells)
        table.add_section()
    console.print(table)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
