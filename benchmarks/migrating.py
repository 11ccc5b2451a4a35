"""The older schema migrated to today's and back while people work on it, also killed on the way."""

import random
import re
import signal
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from rich.console import Console
from rich.table import Table

from benchmarks import migrations_sql as sql
from benchmarks.made_archives import read_tracks
from benchmarks.older_schema import FIRST_MIGRATIONS, Older
from benchmarks.people import Person, Wait, at_work
from benchmarks.scratch import (
    connection_parameters,
    drop_scratch_database,
    environment,
    scratch_database,
)
from vibomat import timeouts

HELP = "the older schema migrated to today's and back while people read and write"
SUBJECT = "migrations"
SOME = 500
SHOWN = 8
# psycopg adapts what the people wrote.
TYPES = {"playlist": "json"}


def add_arguments(parser: ArgumentParser) -> None:
    for name, number in (("tracks", 5_000), ("archives", 2_000), ("prompts", 1_000)):
        parser.add_argument(f"--{name}", type=int, default=number, metavar="N")
    parser.add_argument("--playlists", type=Path, help="playlists to take real tracks from")
    parser.add_argument(
        "--kills",
        type=int,
        default=8,
        metavar="N",
        help="how often each way is killed; 0 for once and unhindered",
    )
    parser.add_argument("--seed", type=int, default=3, help="draws rows, writers and kills")


def measure(console: Console, options: dict[str, Any]) -> None:
    for name in ("tracks", "archives", "prompts"):
        if options[name] < SOME:
            raise CommandError(f"--{name}: it takes {SOME} or more.")
    older = Older(
        options["tracks"],
        options["archives"],
        options["prompts"],
        datetime(2026, 1, 1, tzinfo=UTC),
        read_tracks(options["playlists"]) if options["playlists"] else [],
        options["seed"],
    )
    drop_scratch_database(SUBJECT)
    try:
        with scratch_database(SUBJECT, migrated=False):
            older.build()
            _measure(console, random.Random(options["seed"]), options["kills"])
    except KeyboardInterrupt:
        raise CommandError("Interrupted.", returncode=130) from None
    finally:
        drop_scratch_database(SUBJECT)


def _measure(console: Console, choose: random.Random, kills: int) -> None:
    runs = {"forward": Run(FORWARD), "back": Run(BACK)}
    for title, run in runs.items():
        run.through(choose)
        _show(console, f"{title}, {run.seconds:,.0f} s", run)
    killed = (("forward, killed", Run(FORWARD)), ("back, killed", Run(BACK))) if kills else ()
    for title, run in killed:
        run.through(choose, kills, runs[title.split(",")[0]].seconds)
        _show(console, f"{title} {run.killed} times, {run.seconds:,.0f} s", run)


# Targets of `migrate`, one run each; none is everything.
FORWARD: Sequence[tuple[str, ...]] = ((),)
BACK: Sequence[tuple[str, ...]] = tuple(reversed(FIRST_MIGRATIONS))


@dataclass
class Run:
    """The chain of migrations run once, from one end to the other, with people at work."""

    targets: Sequence[tuple[str, ...]]
    people: list[Person] = field(default_factory=list)
    steps: list[tuple[float, str]] = field(default_factory=list)
    seconds: float = 0
    killed: int = 0

    def through(self, choose: random.Random, kills: int = 0, expected: float = 0) -> None:
        """Run it, killed up to so often, about evenly over the seconds expected; then bring what
        people wrote into what rows are compared with."""
        forms = 0 if self.targets is FORWARD else 1
        started = time.monotonic()
        with at_work(connection_parameters(), _some_ids(forms), choose.randrange(10**6)) as people:
            for target in self.targets:
                while not self._migrate(target, choose, kills, expected):
                    self.killed += 1
        self.seconds = time.monotonic() - started
        self.people = people
        _write_before(people)

    def _migrate(
        self, target: tuple[str, ...], choose: random.Random, kills: int, expected: float
    ) -> bool:
        """Whether it got through, rather than being killed."""
        process = subprocess.Popen(
            [sys.executable, "-u", "manage.py", "migrate", "--no-color", *target],
            cwd=settings.BASE_DIR,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        killer = threading.Timer(
            choose.uniform(1, 2 * expected / kills) if kills else 0, process.send_signal,
            [signal.SIGKILL],
        )  # fmt: skip
        if self.killed < kills:
            killer.start()
        output = ""
        try:
            for text in process.stdout or ():
                output += text
                for name in re.findall(r"pplying (\S+)\.\.\.", text):
                    self.steps.append((time.monotonic(), name))
            status = process.wait()
        finally:
            killer.cancel()
            process.kill()
        if status not in (0, -signal.SIGKILL):
            raise CommandError(f"migrate failed: {output.strip().splitlines()[-1]}")
        return status == 0

    def step_at(self, time: float) -> str:
        """The migration that was at work then."""
        return next((name for at, name in reversed(self.steps) if at <= time), "before any")

    def longest(self, *, writes: bool) -> list[Wait]:
        waits = [w for p in self.people for w in p.waits if w.writes == writes]
        return sorted(waits, key=lambda wait: -wait.seconds)


def _some_ids(form: int) -> dict[str, list[Any]]:
    with connection.cursor() as cursor:
        found = {}
        for name, forms in sql.TABLES.items():
            cursor.execute(sql.SOME_IDS.format(table=forms[form].table), [SOME])
            found[name] = [id for (id,) in cursor.fetchall()]
    return found


def _write_before(people: list[Person]) -> None:
    with timeouts.lifted(), connection.cursor() as cursor:
        for person in people:
            form, name = sql.TABLES[person.table][0], f'"{person.table}"'
            gone = [id for id, text in person.written.items() if text is None]
            kept = {id: text for id, text in person.written.items() if text is not None}
            cursor.execute(sql.DELETE_BEFORE.format(name=name), [gone])
            insert = form.insert.replace(form.table, f"before.{name}", 1)
            for id, text in person.inserted.items():
                if id in kept:
                    cursor.execute(insert, {"id": id, "text": text})
            update = sql.UPDATE_BEFORE.format(
                name=name, text=form.text, type=TYPES.get(person.table, "text")
            )
            cursor.execute(update, [list(kept), list(kept.values())])


def _show(console: Console, title: str, run: Run) -> None:
    table = Table(title=title)
    for heading in ("", "statements", "longest, ms", "p99.9, ms", "refused"):
        table.add_column(heading, justify="right" if heading else "left")
    for heading, writes in (("readers", False), ("writers", True)):
        longest = run.longest(writes=writes)
        people = [person for person in run.people if person.writes == writes]
        table.add_row(
            heading,
            f"{len(longest):,}",
            f"{longest[0].seconds * 1000:,.0f}",
            f"{longest[len(longest) // 1000].seconds * 1000:,.0f}",
            f"{sum(len(person.failures) for person in people):,}",
        )
    console.print(table)
    table = Table(title="The longest waits")
    for heading in ("while", "who", "ms"):
        table.add_column(heading, justify="right" if heading == "ms" else "left")
    worst: dict[tuple[str, str], float] = defaultdict(float)
    for writes in (False, True):
        for wait in run.longest(writes=writes):
            who = f"{'writer' if writes else 'reader'} of {wait.table}"
            key = (run.step_at(wait.ended), who)
            worst[key] = max(worst[key], wait.seconds)
    for (step, who), seconds in sorted(worst.items(), key=lambda item: -item[1])[:SHOWN]:
        table.add_row(step, who, f"{seconds * 1000:,.0f}")
    console.print(table)
    refused = Counter(failure for person in run.people for failure in person.failures)
    for failure, count in refused.most_common(SHOWN):
        console.print(f"refused {count} times: {failure}")
    _compare(console, older=run.targets is BACK)


def _compare(console: Console, *, older: bool) -> None:
    table = Table(title="Rows, compared with what they were and what people wrote")
    for heading in ("", "rows", "lost", "too many", "changed"):
        table.add_column(heading, justify="right" if heading else "left")
    # The connection may be another one than that which the scratch database began with.
    with timeouts.lifted(), connection.cursor() as cursor:
        for name, forms in sql.TABLES.items():
            before, after = (
                (sql.WHOLE[name],) * 2 if older else [", ".join(form.compared) for form in forms]
            )
            rows = forms[0].rows if older else forms[1].rows
            cursor.execute(sql.COUNT.format(rows=rows))
            (count,) = cursor.fetchone()
            cursor.execute(
                sql.COMPARE.format(name=f'"{name}"', before=before, after=after, rows=rows)
            )
            table.add_row(name, *(f"{number:,}" for number in (count, *cursor.fetchone())))
    console.print(table)
