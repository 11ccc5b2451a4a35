"""How fast `q=` finds archives, and whether it finds what was typed badly."""

import random
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.management.base import CommandError
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from archives import listing
from archives.models import Archive
from archives.text_search import search
from benchmarks.judging import percentile
from benchmarks.loading import load, prepared_for
from benchmarks.made_archives import Recipe, read_tracks
from benchmarks.scratch import scratch_database

HELP = "latency of the search for archives, and whether it finds what was typed badly"
PAGE = 21
AIM_P95_MS = 15.0
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass
class Run:
    """Queries of one kind: milliseconds, and whether the first page has what is looked for."""

    took_ms: list[float] = field(default_factory=list)
    hits: list[bool] = field(default_factory=list)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--archives", type=int, default=100_000, metavar="N", help="how many")
    parser.add_argument(
        "--playlists", type=Path, help="playlists as JSON Lines, whose tracks are used first"
    )
    parser.add_argument("--count", type=int, default=300, help="queries of each kind")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="that load")
    parser.add_argument("--load-only", action="store_true", help="load, and stop")


def measure(console: Console, options: dict[str, Any]) -> None:
    """Load what `benchmark archives` loads, unless it is there, and ask."""
    for name, least in (("archives", 1000), ("count", 1), ("processes", 1)):
        if options[name] < least:
            raise CommandError(f"--{name} must be at least {least}.")
    real = read_tracks(options["playlists"]) if options["playlists"] else []
    count = options["archives"]
    with scratch_database("archives"):
        load(
            prepared_for(Recipe(count, count // 10, datetime.now(UTC), real)), options["processes"]
        )
        if not options["load_only"]:
            console.print(f"{count:,} archives")
            _ask_all(options["count"], console)


def _ask_all(count: int, console: Console) -> None:
    """Queries of each kind, as anybody and as an owner."""
    pool = list(Archive.objects.public().order_by("?").defer("search_vector")[: 2 * count])
    for warm_up in pool[count : count + 30]:
        for _, whose, text, artist in _queries(warm_up):
            _ask(Run(), whose, warm_up, text, artist)
    runs: dict[str, Run] = {}
    for archive in tqdm(pool[:count], desc="queries", disable=None, leave=False):
        for kind, whose, text, artist in _queries(archive):
            _ask(runs.setdefault(kind, Run()), whose, archive, text, artist)
    table = Table("queries", "found", "p50 ms", "p95 ms", "max ms")
    for kind, measured in runs.items():
        took = measured.took_ms
        table.add_row(
            kind,
            f"{sum(measured.hits) / len(measured.hits):.3f}",
            f"{percentile(took, 0.5):.2f}",
            f"{percentile(took, 0.95):.2f}",
            f"{max(took):.0f}",
        )
    console.print(table)
    console.print(f"Aim: p95 ≤ {AIM_P95_MS:g} ms.")


def _queries(archive: Archive) -> Iterator[tuple[str, str, str, str]]:
    """The kind, whose archives, what is typed, and an artist that what is found should have."""
    choose = random.Random(str(archive.pk))
    yield "a name, an edit away", "public", misspelt(archive.name, choose), ""
    artists = [t["artist"] for t in archive.content.get("tracks", ()) if t.get("artist")]
    if artists:
        artist = choose.choice(artists)
        yield "an artist", "public", artist, artist
        yield "an artist, an edit away", "public", misspelt(artist, choose), artist
        yield "one's own, an artist an edit away", "me", misspelt(artist, choose), artist
        yield "half an artist", "public", artist[: max(3, len(artist) // 2)], artist
    yield "nothing like it", "public", "".join(choose.choices(LETTERS, k=9)), ""


def misspelt(text: str, choose: random.Random) -> str:
    """The text with a letter exchanged, left out, added or swapped, not the first one."""
    places = [i for i in range(1, len(text)) if text[i].isalpha() and text[i - 1].isalpha()]
    if not places:
        return text
    place = choose.choice(places)
    before, letter, after = text[:place], text[place], text[place + 1 :]
    match choose.randrange(4):
        case 0:
            return before + choose.choice(LETTERS) + after
        case 1:
            return before + after
        case 2:
            return before + choose.choice(LETTERS) + letter + after
        case _:
            return before[:-1] + letter + before[-1] + after


def _ask(run: Run, whose: str, archive: Archive, text: str, artist: str) -> None:
    found = Archive.objects.defer("content", "search_vector")
    user = archive.owner if whose == "me" and archive.owner else AnonymousUser()
    parts = listing.listed_for(user, found, "me" if whose == "me" else "public")
    start = time.perf_counter()
    rows = search(text, parts, PAGE)
    run.took_ms.append((time.perf_counter() - start) * 1000)
    ids = [row.archive.pk for row in rows]
    by_artist = Archive.objects.filter(pk__in=ids).by_paths({"artist": artist} if artist else {})
    run.hits.append(by_artist.exists() if artist else archive.pk in ids)
