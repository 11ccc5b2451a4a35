"""What ways of keeping the same vectors weigh, and what they lose."""

import time

import numpy as np
from django.db import connection
from rich.console import Console
from rich.table import Table

from benchmarks import vectors_sql as sql
from benchmarks.made_vectors import Recipe, described
from benchmarks.vector_runs import Run, copied, truth
from embeddings.vectors import as_half_text, as_text

MB = 1_000_000


def measure_ways(console: Console, recipe: Recipe, count: int) -> None:
    queries = recipe.others(count)
    true_numbers = truth(recipe, queries, {"all": lambda n: n > 0})["all"]
    dimensions = recipe.real.shape[1]
    half = f"(v::halfvec({dimensions})) halfvec_cosine_ops"
    bits = f"(binary_quantize(v)::bit({dimensions})) bit_hamming_ops"
    by_half = f"%(vector)s::halfvec({dimensions})"
    nearest = sql.NEAREST.format
    console.print(described(recipe))
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
            for query, true in zip(queries, true_numbers, strict=True):
                vector = text(query)
                began = time.perf_counter()
                cursor.execute(statement, {"vector": vector})
                found = {n for (n,) in cursor.fetchall()}
                run.note(time.perf_counter() - began, found, true)
            recall, _, _, p95, _ = run.figures()
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
    return copied(rows)
