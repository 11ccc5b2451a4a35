"""The same archives unpartitioned, by RANGE of the id and by HASH of the owner, side by side."""

import shutil
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from rich.console import Console
from rich.table import Table

from archives.models import Archive
from benchmarks.judging import percentile
from benchmarks.layout_measures import Measurement, Results
from benchmarks.layouts import Layout, by_months, by_owner, schema, unpartitioned
from benchmarks.population import (
    ARCHIVES_PER_OWNER,
    MONTHS,
    Population,
    first_of_month,
    make_entries,
    read_entries,
)

HELP = "the archives' table whole, by RANGE of the id, by HASH of the owner"
SIZES = range(100, 5_000_001)
TRACKS = range(1, 201)
REPEATS = range(1, 10_001)
PROJECTED_USERS = (1_000, 100_000, 10_000_000)
GB = 1_000_000_000


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--playlists", type=Path, help="playlists to make archives of, JSON Lines or .gz of it"
    )
    parser.add_argument(
        "--sizes", default="20000,100000", metavar="N,…", help="how many archives, in each run"
    )
    parser.add_argument(
        "--tracks", type=int, default=20, metavar="N", help="an archive's tracks on average"
    )
    parser.add_argument(
        "--months",
        default="1",
        metavar="N,…",
        help="months in a partition by RANGE; several numbers, several layouts",
    )
    parser.add_argument(
        "--repeats", type=int, default=200, metavar="N", help="how often each query is asked"
    )
    parser.add_argument("--seed", type=int, default=42, help="draws the archives")


def measure(console: Console, options: dict[str, Any]) -> None:
    names = ("playlists", "sizes", "tracks", "months", "repeats", "seed")
    run(**{name: options[name] for name in names}, console=console)


def run(
    *,
    playlists: Path | None,
    sizes: str,
    tracks: int,
    months: str,
    repeats: int,
    seed: int,
    console: Console,
) -> None:
    """Build, measure and drop the layouts at each size, and print a table of each."""
    wanted = _numbers("--sizes", sizes, SIZES)
    widths = _numbers("--months", months, range(1, 13))
    if unfit := [width for width in widths if 12 % width]:
        raise CommandError(f"--months: {unfit[0]} months don't divide a year.")
    _check("--tracks", tracks, TRACKS)
    _check("--repeats", repeats, REPEATS)
    if Archive._meta.db_table not in connection.introspection.table_names():
        raise CommandError("There is no table of archives: run manage.py migrate first.")
    now = datetime.now(UTC)
    since = first_of_month(now, 1 - MONTHS)
    layouts = [unpartitioned(), *(by_months(since, width) for width in widths), by_owner()]
    try:
        entries = read_entries(playlists) if playlists else make_entries(seed)
        _announce_disk(max(wanted) * len(layouts), tracks, console)
        population = Population(entries, tracks, since, now, seed)
        for size in wanted:
            with schema():
                results = Measurement(layouts, population, size, repeats).run()
            _print(results, layouts, console)
    except KeyboardInterrupt:
        raise CommandError(
            "Interrupted; what was built for measuring is dropped.", returncode=130
        ) from None
    except DatabaseError as error:
        raise CommandError(f"The database refused: {str(error).splitlines()[0]}.") from error
    _print_projection(results, layouts, console)


def _numbers(option: str, text: str, allowed: range) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise CommandError(
            f"{option}: {text!r} is no list of whole numbers like 100,300."
        ) from None
    for number in numbers:
        _check(option, number, allowed)
    return list(dict.fromkeys(numbers))


def _check(option: str, number: int, allowed: range) -> None:
    if number not in allowed:
        raise CommandError(
            f"{option}: {number:,} is not between {allowed[0]:,} and {allowed[-1]:,}."
        )


def _announce_disk(archives: int, tracks: int, console: Console) -> None:
    """Say how much disk is needed at most; raise CommandError where it is known not to be there."""
    needed = archives * (900 + 150 * tracks) / GB
    console.print(
        f"Takes up to {needed:,.1f} GB of the database's disk until the end,"
        " beside PostgreSQL's log."
    )
    folder = connection.settings_dict["OPTIONS"].get("folder")
    if folder and (free := shutil.disk_usage(folder).free / GB) < needed:
        raise CommandError(
            f"Only {free:,.1f} GB of {needed:,.1f} are free: choose smaller --sizes or --tracks."
        )


def _print(results: Results, layouts: Sequence[Layout], console: Console) -> None:
    table = Table(title=f"{results.size:,} archives: p50 / p95, ms")
    _add_columns(table, layouts)
    for title, took in results.milliseconds.items():
        table.add_row(title, *(_percentiles(took[layout]) for layout in layouts))
    console.print(table)
    table = Table(title=f"{results.size:,} archives: planning, median ms (tables in the plan)")
    _add_columns(table, layouts)
    for title, plans in results.plans.items():
        table.add_row(
            title, *(f"{plans[layout][0]:,.2f} ({plans[layout][1]})" for layout in layouts)
        )
    console.print(table)
    table = Table(title=f"{results.size:,} archives: sizes, and what is done once")
    _add_columns(table, layouts)
    for title, figures in results.figures.items():
        table.add_row(title, *(figures[layout] for layout in layouts))
    console.print(table)


def _percentiles(milliseconds: Sequence[float]) -> str:
    if not milliseconds:
        return "–"
    return " / ".join(f"{percentile(milliseconds, share):,.2f}" for share in (0.5, 0.95))


def _print_projection(results: Results, layouts: Sequence[Layout], console: Console) -> None:
    table = Table(
        title=f"Projection: {ARCHIVES_PER_OWNER} archives a user, as large as the last ones"
    )
    _add_columns(table, layouts, "users")
    for users in PROJECTED_USERS:
        archives = users * ARCHIVES_PER_OWNER
        table.add_row(
            f"{users:,}: {archives:,} archives, {archives // MONTHS:,} a month",
            *(f"{archives * results.bytes_per_archive[layout] / GB:,.2f} GB" for layout in layouts),
        )
    console.print(table)


def _add_columns(table: Table, layouts: Sequence[Layout], first: str = "") -> None:
    table.add_column(first)
    for layout in layouts:
        table.add_column(layout.title, justify="right")
