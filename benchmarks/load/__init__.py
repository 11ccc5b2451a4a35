"""Many clients at once, asking for a mix of everything, and what gives way first."""

import json
import subprocess
import sys
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psutil
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from rich.console import Console
from rich.table import Table

from benchmarks.judging import percentile
from benchmarks.load.machine import MB, Watch, groups, watched
from benchmarks.load.preparing import plan as plan_of
from benchmarks.load.preparing import prepare
from benchmarks.scratch import drop_scratch_database, scratch_database, warm_up
from benchmarks.serving import NEVER_TOO_MANY, server

HELP = "many clients at once: latency, throughput, errors, what is saturated, what grows"
AIM = "16 clients: no error, p99 ≤ 200 ms; in ten minutes nothing grows"
WARM_UP_SECONDS = 10.0
STEADY_CLIENTS = 16

Address = tuple[str, int]


@dataclass(frozen=True)
class Met:
    """A request: when it was sent, how long it took, both in seconds."""

    at: float
    took: float
    kind: str
    status: int

    @property
    def is_error(self) -> bool:
        return not 200 <= self.status < 300


@dataclass
class Level:
    """What so many clients met."""

    clients: int
    seconds: float
    client_processor: float
    met: list[Met]
    watch: Watch

    @property
    def rate(self) -> float:
        return len(self.met) / self.seconds

    @property
    def errors(self) -> Counter[int]:
        return Counter(met.status for met in self.met if met.is_error)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--catalogue", type=Path, required=True, help="to import, as TSV or such")
    parser.add_argument("--queries", type=Path, required=True, help="judged queries, JSON Lines")
    parser.add_argument(
        "--prompts", type=Path, required=True, help="TSV with the columns source and text"
    )
    parser.add_argument("--playlists", type=Path, help="whose tracks the archives have first")
    parser.add_argument("--archives", type=int, default=20_000, metavar="N", help="to make")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 64], metavar="N")
    parser.add_argument("--seconds", type=float, default=30.0, help="for each number of clients")
    parser.add_argument(
        "--minutes", type=float, default=0, help=f"then {STEADY_CLIENTS} clients for so long"
    )
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="of gunicorn")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="of each worker")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="that load")
    parser.add_argument("--load-only", action="store_true", help="fill the database, and stop")
    parser.add_argument(
        "--drop", action="store_true", help="drop the database it was kept in, and stop"
    )


def measure(console: Console, options: dict[str, Any]) -> None:
    """Fill the database unless it is, and let clients at it. Raises CommandError on errors."""
    for name, least in (("archives", 1000), ("workers", 1), ("threads", 1), ("processes", 1)):
        if options[name] < least:
            raise CommandError(f"--{name} must be at least {least}.")
    if min(options["clients"]) < 1 or options["seconds"] <= 0:
        raise CommandError("--clients and --seconds must be above 0.")
    if options["drop"]:
        drop_scratch_database("load")
        return
    with scratch_database("load"):
        prepare(
            options["catalogue"],
            options["archives"],
            options["playlists"],
            options["prompts"],
            options["processes"],
        )
        if options["load_only"]:
            return
        plan = plan_of(options["queries"])
        warm_up(console)
        with under_load(options["workers"], options["threads"]) as (gunicorn, address):
            ask(plan, address, gunicorn, clients=STEADY_CLIENTS, seconds=WARM_UP_SECONDS)
            levels = [
                ask(plan, address, gunicorn, clients=clients, seconds=options["seconds"])
                for clients in options["clients"]
            ]
            print_levels(levels, console)
            if options["minutes"]:
                seconds = options["minutes"] * 60
                levels.append(ask(plan, address, gunicorn, clients=STEADY_CLIENTS, seconds=seconds))
                print_minutes(levels[-1], console)
    console.print(f"Aim: {AIM}.")
    if errors := sum((level.errors for level in levels), Counter[int]()):
        raise CommandError(f"Requests failed, by status: {dict(errors)}.")


@contextmanager
def under_load(workers: int, threads: int) -> Iterator[tuple[int, Address]]:
    """The site as in production, on the database at hand: gunicorn's pid and its address."""
    environment = {
        "DATABASE_URL": database_url(),
        "DATABASE_POOL_SIZE": str(threads),
        "THROTTLE_RATES": NEVER_TOO_MANY,
        "NUM_PROXIES": "1",
    }
    arguments = (f"--workers={workers}", "--worker-class=gthread", f"--threads={threads}")
    with server(*arguments, "--keep-alive=60", environment=environment) as (process, address):
        yield process.pid, address


def database_url() -> str:
    """The URL of the database that this process is connected to."""
    connection.ensure_connection()
    info = connection.connection.info
    login = quote(info.user, safe="")
    if info.password:
        login += f":{quote(info.password, safe='')}"
    name = quote(info.dbname, safe="")
    return f"postgresql://{login}@/{name}?{urlencode({'host': info.host, 'port': info.port})}"


def ask(
    plan: Mapping[str, Any], address: Address, gunicorn: int, *, clients: int, seconds: float
) -> Level:
    """Let so many clients ask for so long."""
    host, port = address
    whole = {**plan, "host": host, "port": port, "clients": clients, "seconds": seconds}
    with watched(groups(gunicorn), max(1.0, seconds / 60)) as watch:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.load_clients"],
            cwd=settings.BASE_DIR,
            input=json.dumps(whole),
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise CommandError(f"The clients failed: {done.stderr.strip().splitlines()[-1]}")
    result = json.loads(done.stdout)
    met = [Met(*each) for each in result["met"]]
    return Level(clients, result["seconds"], result["processor_seconds"], met, watch)


def print_levels(levels: list[Level], console: Console) -> None:
    table = Table("clients", "requests/s", "p50 ms", "p95 ms", "p99 ms", "max ms", "errors")
    names = list(levels[0].watch.processor)
    for name in [*names, "clients'"]:
        table.add_column(f"{name} CPUs", justify="right")
    table.add_column("connections (at work)", justify="right")
    for level in levels:
        most = max(sample.connections for sample in level.watch.samples)
        at_work = sum(sample.active for sample in level.watch.samples) / len(level.watch.samples)
        table.add_row(
            str(level.clients),
            f"{level.rate:,.0f}",
            *_latencies(level.met),
            _told(level.errors),
            *(f"{level.watch.processor[name] / level.seconds:.2f}" for name in names),
            f"{level.client_processor / level.seconds:.2f}",
            f"{most} ({at_work:.1f})",
        )
    console.print(table)
    console.print(f"Processors: {psutil.cpu_count()}.")
    by_kind: dict[str, list[Met]] = defaultdict(list)
    chosen = next((level for level in levels if level.clients == STEADY_CLIENTS), levels[-1])
    for met in chosen.met:
        by_kind[met.kind].append(met)
    kinds = Table("request", "count", "p50 ms", "p95 ms", "p99 ms", "max ms", "errors")
    for kind, some in by_kind.items():
        errors = Counter(met.status for met in some if met.is_error)
        kinds.add_row(kind, f"{len(some):,}", *_latencies(some), _told(errors))
    console.print(f"{chosen.clients} clients:")
    console.print(kinds)


def print_minutes(level: Level, console: Console) -> None:
    """What was met minute by minute, and what the server's processes held at its end."""
    names = list(level.watch.processor)
    table = Table("minute", "requests/s", "p50 ms", "p95 ms", "p99 ms", "max ms", "errors")
    for name in names:
        table.add_column(f"{name} MB", justify="right")
    table.add_column("connections", justify="right")
    minutes = max(1, round(level.seconds / 60))
    length = level.seconds / minutes
    for minute in range(minutes):
        some = [met for met in level.met if minute * length <= met.at < (minute + 1) * length]
        last = len(level.watch.samples) * (minute + 1) // minutes - 1
        sample = level.watch.samples[last]
        table.add_row(
            str(minute + 1),
            f"{len(some) / length:,.0f}",
            *_latencies(some),
            _told(Counter(met.status for met in some if met.is_error)),
            *(f"{sample.memory[name] / MB:,.0f}" for name in names),
            str(sample.connections),
        )
    console.print(table)


def _latencies(met: list[Met]) -> list[str]:
    took = [each.took * 1000 for each in met]
    return [f"{percentile(took, share):.1f}" for share in (0.5, 0.95, 0.99, 1)]


def _told(errors: Counter[int]) -> str:
    return ", ".join(f"{count} × {status}" for status, count in errors.items()) or "0"
