"""People at work while a database is migrated: they read, list, insert, change and delete rows by
whichever schema they find, remember what they wrote, and how long they were kept waiting."""

import gc
import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import errors

from benchmarks.migrations_sql import TABLES, Form

PAUSE_SECONDS = 0.01
# Of other tables only rows that the writer inserted: they are not referred to, and have no vector,
# which the database forgets when the text changes.
DELETED_FREELY = ("playlist", "prompt")
UPDATED_FREELY = ("user", "artist", "track", "playlist")
# The last: a user by the older columns where they follow the present ones, or the reverse.
OTHER_FORM = (errors.UndefinedColumn, errors.UndefinedTable, errors.NotNullViolation)


@dataclass(frozen=True)
class Wait:
    """A statement that took that long."""

    writes: bool
    table: str
    started: float
    seconds: float

    @property
    def ended(self) -> float:
        return self.started + self.seconds


@dataclass
class Person(threading.Thread):
    """Works on one table. `inserted` are the texts that rows were inserted with, `written` those
    they have had last, None for one that was deleted; `failures` statements that were refused."""

    parameters: dict[str, Any]
    table: str
    writes: bool
    ids: list[uuid.UUID]
    stop: threading.Event
    seed: int
    written: dict[uuid.UUID, str | None] = field(default_factory=dict)
    inserted: dict[uuid.UUID, str] = field(default_factory=dict)
    waits: list[Wait] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.forms = list(TABLES[self.table])
        self.choose = random.Random(self.seed)

    # Threads are in sets, and a dataclass's are not hashable.
    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        with psycopg.connect(**self.parameters, autocommit=True) as self.connection:
            while not self.stop.wait(PAUSE_SECONDS):
                started = time.monotonic()
                try:
                    self._write() if self.writes else self._read()
                except psycopg.Error as error:
                    self.failures.append(f"{self.table}: {' '.join(str(error).split())}")
                self.waits.append(
                    Wait(self.writes, self.table, started, time.monotonic() - started)
                )

    def _read(self) -> None:
        self._execute(self.choose.choice(("read", "list")), self.choose.choice(self.ids), None)

    def _write(self) -> None:
        n = self.choose.randrange(10**9)
        # JSON too, as content has to be.
        text = f'{{"n": {n}}}'
        action = self.choose.choices(("insert", "update", "delete"), (4, 5, 1))[0]
        if action == "insert":
            id = uuid.UUID(int=self.choose.getrandbits(128), version=4)
            self._execute(action, id, text)
            self.ids.append(id)
            self.inserted[id] = self.written[id] = text
            return
        place = self.choose.randrange(len(self.ids))
        id = self.ids[place]
        freely = DELETED_FREELY if action == "delete" else UPDATED_FREELY
        if id not in self.inserted and self.table not in freely:
            return
        self._execute(action, id, text)
        self.written[id] = None if action == "delete" else text
        if action == "delete":
            self.ids[place] = self.ids[-1]
            self.ids.pop()

    def _execute(self, action: str, id: uuid.UUID, text: str | None) -> None:
        """In the form that was the right one the last time, or else in the other."""
        try:
            self._execute_in(self.forms[0], action, id, text)
        except OTHER_FORM:
            self.forms.reverse()
            self._execute_in(self.forms[0], action, id, text)

    def _execute_in(self, form: Form, action: str, id: uuid.UUID, text: str | None) -> None:
        values = {"id": id, "text": text}
        done = self.connection.execute(getattr(form, action), values, prepare=False)
        if self.writes and done.rowcount != 1:
            self.failures.append(f"{form.table}: {action} found {done.rowcount} rows")


@contextmanager
def at_work(
    parameters: dict[str, Any], ids: dict[str, list[uuid.UUID]], seed: int
) -> Iterator[list[Person]]:
    """A reader and a writer of each table inside the block: a row has to be in the end what its
    one writer wrote last."""
    stop = threading.Event()
    # It would hold all of them up for a second, to look through what they noted, and be taken for
    # the database's doing.
    gc.disable()
    people = [
        Person(parameters, table, writes, list(ids[table]), stop, seed + number)
        for number, table in enumerate(TABLES)
        for writes in (False, True)
    ]
    for person in people:
        person.start()
    try:
        yield people
    finally:
        stop.set()
        for person in people:
            person.join()
        gc.enable()
