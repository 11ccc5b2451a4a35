"""Clients of the site, in a process of their own: run with a plan, it prints what they met.

It imports nothing of Django, and asks by kept connections: the machine is the server's.
"""

import json
import random
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from benchmarks.calling import Answer, Caller

# What clients ask, of a hundred requests.
MIX = {
    "search": 35,
    "suggest": 35,
    "archive": 10,
    "archives by path": 5,
    "own archives": 5,
    "create archive": 2,
    "change archive": 3,
    "similar prompts": 5,
}
TRACKS_OF_A_NEW_ARCHIVE = 20


class Client:
    """Somebody with a token. `plan` has texts and ids to ask for; `met` gets for each request its
    time since the start and its length, both in seconds, its kind, and its status."""

    def __init__(self, plan: dict[str, Any], number: int) -> None:
        self.plan = plan
        self.draw = random.Random(plan["seed"] * 1000 + number)
        tokens = plan["tokens"]
        self.caller = Caller((plan["host"], plan["port"]), tokens[number % len(tokens)])
        # As a proxy in front tells it: each has an address of its own.
        self.caller.headers["X-Forwarded-For"] = f"198.18.{number // 250}.{number % 250 + 1}"
        self.own: dict[str, str] = {}
        self.met: list[tuple[float, float, str, int]] = []
        self.asks: dict[str, Callable[[], Answer]] = {
            "search": self.search,
            "suggest": self.suggest,
            "archive": lambda: self.get(f"/api/archives/{self.any('archives')}/"),
            "archives by path": lambda: self.get("/api/archives/", artist=self.any("artists")),
            "own archives": lambda: self.get("/api/archives/", owner="me", limit="20"),
            "create archive": self.create,
            "change archive": self.change,
            "similar prompts": self.similar,
        }

    def run(self, started: float, seconds: float) -> None:
        kinds, weights = zip(*MIX.items(), strict=True)
        # They don't all begin in the same moment.
        time.sleep(self.draw.random() * min(1.0, seconds / 10))
        while (began := time.monotonic()) - started < seconds:
            kind = self.draw.choices(kinds, weights)[0]
            status = self.asks[kind]().status
            self.met.append((began - started, time.monotonic() - began, kind, status))
        self.caller.close()

    def any(self, what: str) -> str:
        return str(self.draw.choice(self.plan[what]))

    def get(self, path: str, **asked: str) -> Answer:
        return self.caller("GET", f"{path}?{urlencode(asked)}" if asked else path)

    def search(self) -> Answer:
        return self.get("/api/search/", q=self.any("queries"), limit="10")

    def suggest(self) -> Answer:
        query = self.any("queries")
        return self.get("/api/search/suggest/", q=query[: self.draw.randint(1, len(query))])

    def similar(self) -> Answer:
        return self.caller("POST", "/api/prompts/similar/", {"text": self.any("prompts"), "k": 10})

    def create(self) -> Answer:
        tracks = [
            {"artist": self.any("artists"), "track": self.any("queries"), "duration_ms": 200_000}
            for _ in range(TRACKS_OF_A_NEW_ARCHIVE)
        ]
        body = {"name": "Made under load", "content": {"tracks": tracks}}
        return self._noted(self.caller("POST", "/api/archives/", body))

    def change(self) -> Answer:
        """Change one of those made here, which nobody else does, over the revision known."""
        if not self.own:
            return self.create()
        id = self.draw.choice(list(self.own))
        body = {"name": f"Changed at {time.time():.0f}"}
        return self._noted(self.caller("PATCH", f"/api/archives/{id}/", body, self.own[id]))

    def _noted(self, answer: Answer) -> Answer:
        if answer.status in (200, 201):
            self.own[answer.json["id"]] = answer.etag
        return answer


def run(plan: dict[str, Any]) -> dict[str, Any]:
    clients = [Client(plan, number) for number in range(plan["clients"])]
    started = time.monotonic()
    threads = [
        threading.Thread(target=client.run, args=(started, plan["seconds"])) for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "seconds": time.monotonic() - started,
        "processor_seconds": time.process_time(),
        "met": [met for client in clients for met in client.met],
    }


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
