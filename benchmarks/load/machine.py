"""What the server's processes take of the machine while they serve."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from django.db import connection

from vibomat.embedded.server import Server

MB = 1_000_000
CONNECTIONS = """
SELECT count(*), count(*) FILTER (WHERE state = 'active') FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""

Group = Callable[[], Iterable[psutil.Process]]


@dataclass
class Sample:
    """Bytes that are a group's own, and the database's connections, those at work among them."""

    memory: dict[str, int]
    connections: int
    active: int


@dataclass
class Watch:
    """`processor` is the seconds of a processor that each group took in the block."""

    samples: list[Sample] = field(default_factory=list)
    processor: dict[str, float] = field(default_factory=dict)


def groups(gunicorn: int) -> dict[str, Group]:
    """The processes of gunicorn, by the pid of the main one, and of an embedded database."""
    main = psutil.Process(gunicorn)
    found: dict[str, Group] = {"gunicorn": lambda: [main, *main.children(recursive=True)]}
    folder = connection.settings_dict["OPTIONS"].get("folder")
    if folder:
        found["PostgreSQL"] = Server(Path(folder)).processes
    return found


@contextmanager
def watched(by_name: dict[str, Group], every_seconds: float) -> Iterator[Watch]:
    """Sample inside the block, at its beginning, and every so many seconds."""
    watch = Watch()
    stop = threading.Event()

    def sample() -> None:
        try:
            while True:
                watch.samples.append(_sample(by_name))
                if stop.wait(every_seconds):
                    break
        finally:
            connection.close()

    before = {name: _processor_seconds(group()) for name, group in by_name.items()}
    thread = threading.Thread(target=sample, name="watch")
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()
        for name, group in by_name.items():
            watch.processor[name] = _processor_seconds(group()) - before[name]


def _sample(by_name: dict[str, Group]) -> Sample:
    memory = {name: sum(map(_own_bytes, group())) for name, group in by_name.items()}
    with connection.cursor() as cursor:
        cursor.execute(CONNECTIONS)
        return Sample(memory, *cursor.fetchone())


def _own_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0


def _processor_seconds(processes: Iterable[psutil.Process]) -> float:
    """Of these, and of those of theirs that have ended."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
