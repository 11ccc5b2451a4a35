"""Every indexed path of archives, for rare and for common values, beside the same without index."""

import json
import random
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import OperationalError, connection, transaction
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from archives.models import Archive
from archives.paths import INDEXES
from benchmarks import archives_sql as sql
from benchmarks.judging import percentile
from benchmarks.loading import load, prepared_for, row
from benchmarks.made_archives import CHUNK, Recipe, read_tracks
from benchmarks.scratch import drop_scratch_database, scratch_database, warm_up

HELP = "the indexed paths of archives"
PAGE = 50
RARE_SHARE = 0.001
WITHOUT_INDEX_MS = 5000
AIM = (
    "newest 50: p95 ≤ 3 ms where at most 0.1% of archives answer and 200 times faster than without "
    "index, ≤ 15 ms where more do; own newest 20 ≤ 1 ms; insert ≤ 5 ms; indexes ≤ 45% of the table"
)

Asked = dict[str, Any]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--archives", type=int, default=100_000, metavar="N", help="how many")
    parser.add_argument(
        "--playlists", type=Path, help="playlists as JSON Lines, whose tracks are used first"
    )
    parser.add_argument("--queries", type=int, default=200, metavar="N", help="of each kind")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="that load")
    parser.add_argument("--seed", type=int, default=3, help="draws the archives")
    parser.add_argument(
        "--drop", action="store_true", help="drop the database it was kept in, and stop"
    )
    parser.add_argument("--load-only", action="store_true", help="load, and stop")


def measure(console: Console, options: dict[str, Any]) -> None:
    for name, least in (("archives", 1000), ("queries", 1), ("processes", 1)):
        if options[name] < least:
            raise CommandError(f"--{name} must be at least {least}.")
    if options["drop"]:
        drop_scratch_database("archives")
        return
    run(
        count=options["archives"],
        playlists=options["playlists"],
        seed=options["seed"],
        processes=options["processes"],
        queries=options["queries"],
        load_only=options["load_only"],
        console=console,
    )


@dataclass
class Measured:
    """What was asked of one path: for rare or for common values."""

    path: str
    kind: str
    answering: list[int] = field(default_factory=list)
    statements_ms: list[float] = field(default_factory=list)
    call_ms: list[float] = field(default_factory=list)
    without_index_ms: float = 0.0

    @property
    def times_faster(self) -> float:
        return self.without_index_ms / max(0.001, percentile(self.statements_ms, 0.95))


class Stopwatch:
    """The milliseconds in statements while it is inside `connection.execute_wrapper`."""

    def __init__(self) -> None:
        self.ms = 0.0

    def __call__(
        self, execute: Callable[..., Any], statement: str, params: Any, many: bool, context: Any
    ) -> Any:
        start = time.perf_counter()
        try:
            return execute(statement, params, many, context)
        finally:
            self.ms += (time.perf_counter() - start) * 1000


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """The milliseconds of a call in statements, and in all."""
    watch = Stopwatch()
    start = time.perf_counter()
    with connection.execute_wrapper(watch):
        call()
    return watch.ms, (time.perf_counter() - start) * 1000


def run(
    *,
    count: int,
    playlists: Path | None,
    seed: int,
    processes: int,
    queries: int,
    load_only: bool,
    console: Console,
) -> None:
    """Load made archives into a database of their own unless they are there, measure, and print."""
    real = read_tracks(playlists) if playlists else []
    recipe = Recipe(count, count // 10, datetime.now(UTC), real, seed)
    with scratch_database("archives"):
        recipe = prepared_for(recipe)
        load(recipe, processes)
        if not load_only:
            _measure_all(recipe, queries, console)


def _measure_all(recipe: Recipe, queries: int, console: Console) -> None:
    choose = random.Random(recipe.seed)
    sample = list(_sample(recipe.count))
    choose.shuffle(sample)
    console.print(f"{recipe.count:,} archives")
    _print_sizes(recipe.count, console)
    warm_up(console)
    _print_first_call(sample[0], console)
    scans = _sequential_scans()
    measured = [
        _measure(path, kind, values, queries)
        for path, kind, values in tqdm(
            list(_values(sample, recipe.count, queries)), unit=" paths", disable=None, leave=False
        )
    ]
    owners = [partial(_newest, {}, 20, owner=archive["user_id"]) for archive in sample[:200]]
    own, again = ([timed(ask) for ask in owners] for _ in range(2))
    scans = _sequential_scans() - scans
    for each in measured:
        _measure_without_index(each)
    new = _new(recipe, 600)
    inserts = [timed(partial(_insert, archive)) for archive in islice(new, 300)]
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    unawaited = [timed(partial(_insert, archive)) for archive in new]
    _print(measured, console)
    console.print(_line("own newest 20", own))
    console.print(_line("– the same once more", again))
    console.print(_line("insert of one archive", inserts))
    console.print(_line("– not waiting for the disk", unawaited))
    console.print(f"Sequential scans of a filled partition: {scans}. Aim: {AIM}.")


def _sample(count: int) -> Iterator[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql.SAMPLE, [min(100, 300_000 / count)])
        names = [column.name for column in cursor.description]
        for values in cursor.fetchall():
            archive = dict(zip(names, values, strict=True))
            yield archive | {"content": json.loads(archive["content"])}


def _candidates(path: str, archive: dict[str, Any], choose: random.Random) -> Asked:
    """What that archive answers."""
    content = archive["content"]
    track = choose.choice(content["tracks"])
    tags = content["metadata"]["tags"]
    tracks, duration = archive["track_count"], archive["total_duration_ms"]
    day = archive["created"]
    asked: dict[str, Asked] = {
        "artist": {"artist": track["artist"].lower()},
        "track (title)": {"track": track["track"].lower()},
        "track": {"track": track["track"].lower(), "artist": track["artist"].lower()},
        "album": {"album": track["album"]},
        "mood": {"mood": content["metadata"]["mood"]},
        "tags": {"tags": tags[:2]},
        "tags_any": {"tags_any": tags},
        "provider": {"provider": archive["provider"]},
        "provider_id": {"provider_id": archive["provider_id"]},
        "status": {"status": archive["status"]},
        "tracks": choose.choice(
            [{"min_tracks": tracks}, {"max_tracks": tracks}, {"min_tracks": 45 + tracks % 10}]
        ),
        "duration": choose.choice(
            [
                {
                    "min_duration_ms": duration,
                    "max_duration_ms": duration + choose.choice((500, 10**6)),
                },
                {"min_duration_ms": duration},
                {"max_duration_ms": duration // 40},
            ]
        ),
        "created": choose.choice(
            [
                {
                    "created_after": day,
                    "created_before": day + timedelta(hours=choose.choice((1, 99))),
                },
                {"created_before": day},
                {"created_after": day},
            ]
        ),
        "contains": {
            "contains": choose.choice(
                [
                    {"tracks": [{"artist": track["artist"], "track": track["track"]}]},
                    {"metadata": {"mood": content["metadata"]["mood"]}},
                    {"metadata": {"tags": tags[:1]}} if tags else {"name": content["name"]},
                ]
            )
        },
        "artist, tags": {"artist": track["artist"], "tags": tags[:1]},
        "mood, status, tracks": {
            "mood": content["metadata"]["mood"],
            "status": archive["status"],
            "min_tracks": tracks,
        },
    }
    values = asked[path]
    return values if all(values.values()) else {}


SUBJECTS = (
    "artist", "track", "track (title)", "album", "mood", "tags", "tags_any", "provider",
    "provider_id", "status", "tracks", "duration", "created", "contains", "artist, tags",
    "mood, status, tracks",
)  # fmt: skip
EXTRA: dict[str, list[Asked]] = {
    "status": [{"status": "failed"}],
    "provider": [{"provider": "deezer"}],
}


def _values(
    sample: list[dict[str, Any]], count: int, queries: int
) -> Iterator[tuple[str, str, list[tuple[Asked, int]]]]:
    """Values of each path that the archives have, by how many have them."""
    choose = random.Random(7)
    for path in SUBJECTS:
        kinds: dict[str, list[tuple[Asked, int]]] = {"rare": [], "common": []}
        seen: set[object] = set()
        candidates = [*EXTRA.get(path, []), *(_candidates(path, a, choose) for a in sample)]
        for asked in candidates:
            key = json.dumps(asked, default=str)
            if not asked or key in seen or len(seen) > 20 * queries:
                continue
            seen.add(key)
            answering = len(Archive.objects.by_paths(asked).newest(int(count * RARE_SHARE) + 1))
            values = kinds["rare" if answering <= count * RARE_SHARE else "common"]
            if len(values) < queries:
                values.append((asked, answering))
            if all(len(found) == queries for found in kinds.values()):
                break
        for kind, values in kinds.items():
            if values:
                yield path, kind, values


def _newest(asked: Asked, limit: int = PAGE, owner: Any = None) -> list[Archive]:
    rows = Archive.objects.filter(deleted=None).defer("content")
    if owner:
        rows = rows.filter(owner=owner)
    return rows.by_paths(asked).newest(limit)


def _measure(path: str, kind: str, values: list[tuple[Asked, int]], queries: int) -> Measured:
    measured = Measured(path, kind)
    measured.values = values  # type: ignore[attr-defined]
    for asked, _ in values[:3]:
        _newest(asked)
    for asked, answering in (values * -(-queries // len(values)))[:queries]:
        statements_ms, call_ms = timed(partial(_newest, asked))
        measured.answering.append(answering)
        measured.statements_ms.append(statements_ms)
        measured.call_ms.append(call_ms)
    return measured


def _measure_without_index(measured: Measured) -> None:
    asked = measured.values[0][0]  # type: ignore[attr-defined]
    rows = Archive.objects.filter(deleted=None).defer("content").by_paths(asked)
    start = time.perf_counter()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql.WITHOUT_INDEXES, [WITHOUT_INDEX_MS])
            list(rows.order_by("-created", "-id")[:PAGE])
    except OperationalError:
        pass
    measured.without_index_ms = (time.perf_counter() - start) * 1000


def _insert(values: tuple[Any, ...]) -> None:
    _, owner, name, description, visibility, status, provider, provider_id, *_, content = values
    Archive.objects.create(
        owner_id=owner, name=name, description=description, visibility=visibility, status=status,
        provider=provider, provider_id=provider_id, content=json.loads(str(content)),
    )  # fmt: skip


def _new(recipe: Recipe, count: int) -> Iterator[tuple[object, ...]]:
    """Archives that a longer recipe would make after the last."""
    longer = replace(recipe, count=(recipe.chunks + 1) * CHUNK)
    for made in islice(longer.chunk(recipe.chunks), count):
        yield row(made)


def _sequential_scans() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(sql.SEQUENTIAL_SCANS)
        return int(cursor.fetchone()[0] or 0)


def _print_sizes(count: int, console: Console) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.TABLE_BYTES)
        table_bytes = cursor.fetchone()[0]
        cursor.execute(sql.INDEX_BYTES)
        sizes = dict(cursor.fetchall())
    names = [index.name for index in INDEXES] + ["archive_without_time"]
    table = Table(title=f"Sizes; the table has {table_bytes / 1e6:,.0f} MB")
    for column in ("index", "MB", "bytes an archive", "% of the table"):
        table.add_column(column, justify="left" if column == "index" else "right")
    rows = [(name, sizes[name]) for name in sizes if name in names]
    for name, size in [*rows, ("all path indexes", sum(size for _, size in rows))]:
        table.add_row(
            name, f"{size / 1e6:,.1f}", f"{size / count:,.0f}", f"{100 * size / table_bytes:.1f}"
        )
    console.print(table)


def _print_first_call(archive: dict[str, Any], console: Console) -> None:
    connection.close()
    artist = archive["content"]["tracks"][0]["artist"]
    statements_ms, _ = timed(lambda: _newest({"artist": artist}))
    console.print(f"First call of a connection, which plans: {statements_ms:.0f} ms")


def _print(measured: list[Measured], console: Console) -> None:
    table = Table(title="Newest 50, milliseconds; one client")
    for column in (
        "path", "values", "queries", "answering", "p50", "p95", "p99", "call p95",
        "without index", "times",
    ):  # fmt: skip
        table.add_column(column, justify="left" if column in ("path", "values") else "right")
    for each in measured:
        capped = each.without_index_ms >= WITHOUT_INDEX_MS
        table.add_row(
            each.path,
            each.kind,
            str(len(each.statements_ms)),
            f"{percentile(each.answering, 0.5):,.0f}",
            *(f"{percentile(each.statements_ms, share):.2f}" for share in (0.5, 0.95, 0.99)),
            f"{percentile(each.call_ms, 0.95):.2f}",
            f"{'> ' if capped else ''}{each.without_index_ms:,.0f}",
            f"{'> ' if capped else ''}{each.times_faster:,.0f}",
        )
    console.print(table)


def _line(title: str, times: list[tuple[float, float]]) -> str:
    statements, whole = zip(*times, strict=True)
    shares = " ".join(
        f"p{share * 100:.0f} {percentile(statements, share):.2f}" for share in (0.5, 0.95, 0.99)
    )
    return f"{title}: {shares} ms in statements, p95 {percentile(whole, 0.95):.2f} ms in all"
