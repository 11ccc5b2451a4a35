"""Requests while the database's connections break, while it restarts, and while it is locked."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.calling import Caller
from benchmarks.faults.outcomes import Outcome
from benchmarks.faults.site import Site
from benchmarks.faults.works import OWNER
from benchmarks.serving import served

CLIENTS = 8
WORKERS = ("--workers", "2", "--threads", "4")
TIMEOUT_MS = 500
# Long enough for the limit of the statement and a busy machine, too short for a hanging worker.
ANSWER_SECONDS = 5.0

TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
STORED = "SELECT id::text, (content ->> 'n')::int FROM playlist WHERE deleted_at IS NULL"
# What is asked once the fault is over.
PAGES = ("/api/archives/?owner=me", "/api/search/?q=love", "/?q=love", "/health/ready/")


def terminate(site: Site) -> None:
    with site.connect() as connection:
        connection.execute(TERMINATE)


# What is done to the database, and how many seconds apart.
DISTURBANCES: dict[str, tuple[Callable[[Site], None], float]] = {
    "connections cut": (terminate, 0.1),
    "server restarted": (Site.restart_server, 0.5),
    "server killed": (Site.kill_server, 0.5),
}


@dataclass
class Written:
    """What clients were told: the statuses, and of each archive the number last written."""

    statuses: Counter[int] = field(default_factory=Counter)
    numbers: dict[str, int] = field(default_factory=dict)


def disturbed(disturbance: str, start: Site, folder: Path, tries: int) -> Outcome:
    """Clients write archives by the API while the database is disturbed. Each request is answered,
    by success or by 503; what was acknowledged is there afterwards."""
    outcome = Outcome(f"{disturbance}, requests")
    disturb, pause = DISTURBANCES[disturbance]
    with start.copy(folder) as site:
        token = site.run("create_token", OWNER).strip()
        with served(*WORKERS, environment=site.served) as address:
            stop = threading.Event()
            all_at_it = threading.Barrier(CLIENTS + 1)

            def write() -> Written:
                caller = Caller(address, token)
                caller("GET", PAGES[0])
                all_at_it.wait()
                return _write(caller, stop)

            with ThreadPoolExecutor(CLIENTS) as pool:
                written = [pool.submit(write) for _ in range(CLIENTS)]
                all_at_it.wait()
                try:
                    for _ in range(tries):
                        time.sleep(pause)
                        disturb(site)
                        outcome.tries += 1
                    time.sleep(pause)
                finally:
                    stop.set()
                results = [each.result() for each in written]
            caller = Caller(address, token)
            for path in PAGES:
                answer = caller("GET", path)
                outcome.expect(answer.status == 200, f"afterwards {path} answers {answer.status}")
        statuses = sum((each.statuses for each in results), Counter[int]())
        for status, number in statuses.items():
            expected = status in (200, 201, 503)
            outcome.expect(expected, f"{disturbance}: {number} requests were answered {status}")
        stored = dict(site.execute(STORED))
        for each in results:
            for id, number in each.numbers.items():
                there = stored.get(id, -1)
                outcome.expect(there >= number, f"{id} was acknowledged with {number}, has {there}")
        outcome.seen = ", ".join(f"{number:,} × {status}" for status, number in statuses.items())
    return outcome


def _write(caller: Caller, stop: threading.Event) -> Written:
    """Make an archive, change it a few times, make the next."""
    written = Written()
    id = ""
    for number in count():
        if stop.is_set():
            break
        if not id or number % 10 == 0:
            answer = caller("POST", "/api/archives/", {"name": "Late", "content": {"n": number}})
        else:
            content = {"content": {"n": number}}
            answer = caller("PATCH", f"/api/archives/{id}/", content, if_match="*")
        written.statuses[answer.status] += 1
        if answer.status in (200, 201):
            id = answer.json["id"]
            written.numbers[id] = number
    return written


def locked(start: Site, folder: Path, tries: int) -> Outcome:
    """Somebody holds what requests need for longer than a statement may wait."""
    outcome = Outcome("statement past its limit, requests")
    limit = {"STATEMENT_TIMEOUT_MS": str(TIMEOUT_MS)}
    slowest = 0.0
    with start.copy(folder) as site:
        token = site.run("create_token", OWNER).strip()
        with served(*WORKERS, environment=site.served | limit) as address:
            caller = Caller(address, token)
            made = caller("POST", "/api/archives/", {"name": "Late", "content": {"n": 0}})
            path = f"/api/archives/{made.json['id']}/"
            for number in range(1, tries + 1):
                change = ("PATCH", path, {"content": {"n": number}}, "*")
                with site.connect() as other, other.transaction():
                    _hold(other, made.json["id"])
                    for ask in (change, ("GET", "/api/search/?q=love"), ("GET", "/?q=love")):
                        began = time.monotonic()
                        answer = caller(*ask)
                        slowest = max(slowest, time.monotonic() - began)
                        told = answer.status == 503 and b"too long" in answer.body
                        outcome.expect(told, f"{ask}: {answer.status} {answer.body[:200]!r}")
                        alive = caller("GET", "/health/").status
                        outcome.expect(alive == 200, f"beside it /health/ answers {alive}")
                outcome.tries += 1
                answer = caller(*change)
                outcome.expect(answer.status == 200, f"afterwards: {answer.status}")
    outcome.expect(slowest < ANSWER_SECONDS, f"an answer took {slowest:.1f} s")
    outcome.seen = f"answers within {slowest:.1f} s"
    return outcome


def _hold(connection: "psycopg.Connection[Any]", id: str) -> None:
    connection.execute("SELECT FROM playlist WHERE id = %s FOR UPDATE", [id])
    connection.execute("LOCK TABLE track, artist, search_lexeme")
