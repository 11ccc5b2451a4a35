"""The search against judged queries, beside the plain pg_trgm way."""

import http.client
import json
import random
import time
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from django.core.management.base import CommandError
from django.db import connection
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks import completion, name_parts
from benchmarks.judging import Judged, Measures, Ranked, judged_queries, percentile
from benchmarks.serving import served
from search.engine import search
from search.suggest import suggest

HELP = "quality and latency of the search"
TARGETS = "hit@1 ≥ .96, hit@10 ≥ .994; p50 ≤ 1.5 ms, p95 ≤ 5 ms in the database"


@dataclass
class Run:
    """One way of searching: its measures by kind of query and its milliseconds."""

    name: str
    measures: dict[str, Measures] = field(default_factory=lambda: defaultdict(Measures))
    took_ms: list[float] = field(default_factory=list)

    def note(self, query: Judged, rows: Sequence[Ranked], took_ms: float) -> None:
        rank = query.rank(rows)
        self.measures["all"].ranks.append(rank)
        self.measures[query.kind].ranks.append(rank)
        self.took_ms.append(took_ms)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--queries", type=Path, required=True, help="judged queries, JSON Lines")
    parser.add_argument("--first", type=int, help="only so many queries, drawn by a fixed seed")
    parser.add_argument(
        "--plain",
        type=int,
        default=10**9,
        metavar="N",
        help="ask only N queries of plain pg_trgm, which is slow (0: none)",
    )
    parser.add_argument("--no-http", action="store_true", help="leave the web server out")


def measure(console: Console, options: dict[str, Any]) -> None:
    queries = judged_queries(options["queries"])
    if options["first"]:
        queries = random.Random(42).sample(queries, min(options["first"], len(queries)))
    run(queries, plain=options["plain"], over_http=not options["no_http"], console=console)


def run(queries: list[Judged], *, plain: int, over_http: bool, console: Console) -> None:
    """Ask every query of each way and print the tables."""
    warm_up = random.Random(42).sample(queries, min(200, len(queries)))
    ours = Run("vibomat")
    _ask(ours, queries, _ask_engine, warm_up)
    runs = [ours]
    if over_http:
        with served() as address:
            connected = http.client.HTTPConnection(*address, timeout=60)
            http_run = Run("vibomat over HTTP")
            _ask(http_run, queries, lambda query: _ask_api(connected, query), warm_up)
            runs.append(http_run)
            connected.close()
    if plain:
        sample = queries if plain >= len(queries) else random.Random(7).sample(queries, plain)
        with _plain_trigrams():
            theirs = Run(f"plain pg_trgm % ({len(sample)} queries)")
            _ask(theirs, sample, _ask_trigrams, sample[:50])
        runs.append(theirs)
    completions = Run("suggest, every prefix of 300 queries")
    for query in random.Random(1).sample(queries, min(300, len(queries))):
        for end in range(1, len(query.text) + 1):
            beginning = query.text[:end]
            completions.took_ms.append(_timed_statements(partial(suggest, beginning)))
    _print_quality(runs, console)
    completion.print_quality(queries, console)
    name_parts.print_quality(console)
    _print_latency([*runs, completions], console)
    console.print(f"Aim: {TARGETS}.")
    if plain:
        ratio = percentile(runs[-1].took_ms, 0.95) / percentile(ours.took_ms, 0.95)
        console.print(f"At p95 plain pg_trgm takes [bold]{ratio:.1f} times[/bold] as long.")


def _ask(
    run: Run,
    queries: list[Judged],
    ask: Callable[[Judged], tuple[Sequence[Ranked], float]],
    warm_up: list[Judged],
) -> None:
    for query in warm_up:
        ask(query)
    for query in tqdm(queries, desc=run.name, unit=" queries", leave=False, disable=None):
        rows, took_ms = ask(query)
        run.note(query, rows, took_ms)


def _ask_engine(query: Judged) -> tuple[Sequence[Ranked], float]:
    results = search(query.text, limit=10)
    return results.hits, results.took_ms


def _ask_api(
    connected: http.client.HTTPConnection, query: Judged
) -> tuple[Sequence[Ranked], float]:
    start = time.perf_counter()
    connected.request("GET", "/api/search/?" + urlencode({"q": query.text, "limit": 10}))
    response = connected.getresponse()
    body = response.read()
    took_ms = (time.perf_counter() - start) * 1000
    if response.status != 200:
        raise CommandError(f"HTTP {response.status} for {query.text!r}: {body[:200]!r}")
    rows = [
        SimpleNamespace(
            kind=row["type"],
            external_id=row["external_id"],
            name=row.get("name") or row.get("title"),
            artist_credit=row.get("artist"),
        )
        for row in json.loads(body)["results"]
    ]
    return rows, took_ms


def _timed_statements(call: Callable[[], object]) -> float:
    """The milliseconds spent in the database while `call` runs."""
    took = 0.0

    def timed(execute, statement, parameters, many, context):  # type: ignore[no-untyped-def]
        nonlocal took
        start = time.perf_counter()
        try:
            return execute(statement, parameters, many, context)
        finally:
            took += (time.perf_counter() - start) * 1000

    with connection.execute_wrapper(timed):
        call()
    return took


@contextmanager
def _plain_trigrams() -> Iterator[None]:
    """What an application usually does well: one text a row, a trigram index, the % operator."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("DROP TABLE IF EXISTS benchmark_plain_trigrams")
        cursor.execute(
            "CREATE UNLOGGED TABLE benchmark_plain_trigrams AS"
            " SELECT external_id, title, artist_credit, popularity,"
            " search_normalise(title || ' ' || artist_credit) AS names FROM track"
        )
        cursor.execute("CREATE INDEX ON benchmark_plain_trigrams USING gin (names gin_trgm_ops)")
        cursor.execute("VACUUM ANALYZE benchmark_plain_trigrams")
        cursor.execute("SET pg_trgm.similarity_threshold = 0.3")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS benchmark_plain_trigrams")


def _ask_trigrams(query: Judged) -> tuple[Sequence[Ranked], float]:
    start = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id, title, artist_credit FROM benchmark_plain_trigrams,"
            " search_normalise(%s) AS typed WHERE names %% typed"
            " ORDER BY similarity(names, typed) DESC, popularity DESC LIMIT 10",
            [query.text],
        )
        rows = cursor.fetchall()
    took_ms = (time.perf_counter() - start) * 1000
    return [
        SimpleNamespace(kind="track", external_id=id, name=title, artist_credit=credit)
        for id, title, credit in rows
    ], took_ms


def _print_quality(runs: list[Run], console: Console) -> None:
    table = Table(title="Quality")
    for column in ("kind", "way", "queries", "hit@1", "hit@10", "MRR@10"):
        table.add_column(column, justify="left" if column in ("kind", "way") else "right")
    for kind in sorted({kind for run in runs for kind in run.measures}):
        for run in runs:
            if measures := run.measures.get(kind):
                table.add_row(
                    kind,
                    run.name,
                    str(len(measures.ranks)),
                    f"{measures.hit_at(1):.4f}",
                    f"{measures.hit_at(10):.4f}",
                    f"{measures.mrr:.4f}",
                )
    console.print(table)


def _print_latency(runs: list[Run], console: Console) -> None:
    table = Table(
        title="Milliseconds, one client (statements only, or the whole request over HTTP)"
    )
    table.add_column("way")
    for column in ("p50", "p95", "p99", "max", "mean"):
        table.add_column(column, justify="right")
    for run in runs:
        table.add_row(
            run.name,
            *(f"{percentile(run.took_ms, share):.2f}" for share in (0.5, 0.95, 0.99, 1)),
            f"{sum(run.took_ms) / max(1, len(run.took_ms)):.2f}",
        )
    console.print(table)
