"""A run of adopting, batch by batch. Each batch is a transaction, with the notes of its rows."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from tqdm import tqdm

from vibomat import timeouts

from . import sql
from .kinds import KINDS, Kind
from .source import Source, opened

# What becomes of a row that is new or has changed in the older database.
FATES = {
    "new": "new",
    "changed": "changed",
    "same": "as here already",
    "edited": "edited here since",
    "deleted": "deleted here since",
    "taken": "another row here has its id",
}
LOCK_SECONDS = 5
KEPT = ("edited", "deleted", "taken")
LINKED_AT_ONCE = 500


class AdoptingRefused(Exception):
    """Nothing can be adopted. The message is one line that says why."""


@dataclass
class Report:
    """What became of the rows of a kind: `counts` by fate, with "unchanged" and "unfit", and "gone"
    of those that the older database has no more. `checksum` is that of all rows there; `verified`
    how many are here as they came."""

    kind: str
    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    checksum: str = ""
    verified: int | None = None


def adopt(
    url: str,
    *,
    dry_run: bool = False,
    progress: bool = True,
    notify: Callable[[str], None] = lambda message: None,
    using: str = DEFAULT_DB_ALIAS,
) -> list[Report]:
    """Copy what is new or has changed in the database at that address since the last time.

    `notify` is told of each row that is not adopted as it is. Nothing is written in a dry run.

    Raises SourceError and AdoptingRefused.
    """
    with timeouts.lifted(using), _alone(using), opened(url) as source, _schema(using) as here:
        runs = [_Run(kind, source, here, using, dry_run, progress, notify) for kind in KINDS]
        for run in runs:
            run.copy()
        for run in runs:
            run.finish()
        if not dry_run:
            _execute(using, sql.ANALYZE)
    return [run.report for run in runs]


@contextmanager
def _alone(using: str) -> Iterator[None]:
    # A server needs a moment to notice that an adoption was killed.
    give_up = time.monotonic() + LOCK_SECONDS
    while not _execute(using, sql.TRY_LOCK)[0][0]:
        if time.monotonic() > give_up:
            raise AdoptingRefused("Another adoption is running; wait for it, or stop it.")
        time.sleep(0.2)
    try:
        yield
    finally:
        if connections[using].is_usable():
            _execute(using, sql.UNLOCK)


@contextmanager
def _schema(using: str) -> Iterator[str]:
    """The tables and functions that rows pass through; gives the schema of the application's."""
    here, is_migrated = _execute(using, sql.HERE)[0]
    if not is_migrated:
        raise AdoptingRefused("This database is not migrated: run manage.py migrate first.")
    here = connections[using].ops.quote_name(here)
    with transaction.atomic(using=using):
        _execute(using, sql.DROP)
        _execute(using, sql.filled(sql.CREATE, here=here))
        _execute(using, sql.filled(sql.CONVERTING, here=here))
        for kind in KINDS:
            _execute(using, sql.filled(kind.create, here=here, functions=kind.functions()))
    try:
        yield here
    finally:
        if connections[using].is_usable():
            _execute(using, sql.DROP)


def _execute(using: str, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


@dataclass
class _Run:
    """A kind's part of a run."""

    kind: Kind
    source: Source
    here: str
    using: str
    dry: bool
    progress: bool
    notify: Callable[[str], None]

    @cached_property
    def report(self) -> Report:
        return Report(self.kind.name)

    def copy(self) -> None:
        """Store the rows, batch by batch, and give them what came after them: owners, sources,
        addresses that others had."""
        rows, checksum = self.source.checksum(self.kind)
        self.report.rows, self.report.checksum = rows, f"{checksum:x}"
        disable = None if self.progress else True
        bar = tqdm(desc=self.kind.name, total=rows, unit=" rows", disable=disable, leave=False)
        with bar:
            for lines in self.source.batches(self.kind, self.kind.batch):
                with transaction.atomic(using=self.using):
                    self._batch(lines)
                bar.update(len(lines))
        if self.kind.ready_to_link:
            self._run(self.kind.ready_to_link)
        if self.kind.link and not self.dry:
            self._link()
        if self.kind.notices_at_end:
            for id, message in self._run(self.kind.notices_at_end):
                self._note(id, message)

    def finish(self) -> None:
        """Look for what is gone from the older database, and compare."""
        for (id,) in self._run(sql.GONE):
            self._tell(id, "gone", "it is not in the older database any more; kept here")
        arrived = self._run(sql.SUM_OF_DIGESTS, digests=self._filled(sql.SEEN))[0]
        if (arrived[0], f"{int(arrived[1]):x}") != (self.report.rows, self.report.checksum):
            raise AdoptingRefused(
                f"Of {self.report.rows:,} {self.kind.name} {arrived[0]:,} arrived, or they "
                "changed on the way: run it again."
            )
        if self.dry:
            return
        verified, edited, deleted, unknown = self._run(sql.VERIFY)[0]
        self.report.verified = verified
        left = self.report.counts["unfit"] + self.report.counts["taken"]
        if verified + edited + deleted + unknown != self.report.rows or unknown != left:
            raise AdoptingRefused(
                f"Of {self.report.rows:,} {self.kind.name} only {verified:,} are here as they "
                "came: run it again."
            )

    def _batch(self, lines: list[bytes]) -> None:
        self._run(sql.SETTINGS)
        self._run(sql.CONVERTING)
        staging = [f"adopting.{table}" for table in (*self.kind.staging, "fate")]
        self._run(sql.TRUNCATE, tables=", ".join(staging))
        statement = self._filled(sql.COPY, columns=", ".join(self.kind.arriving_columns))
        with (
            connections[self.using].cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            copy.write(b"".join(lines))
        digest = sql.digest_of(self.kind, self.kind.arriving_columns)
        for (id,) in self._run(sql.CHANGED_ON_THE_WAY, digest=digest):
            raise AdoptingRefused(
                f"{self.kind.name} {id} arrived other than it was there: are both servers' "
                "versions of pgvector alike?"
            )
        self._run(sql.NOTE_SEEN)
        with connections[self.using].cursor() as cursor:
            cursor.execute(self._filled(sql.DROP_AS_BEFORE))
            self.report.counts["unchanged"] += cursor.rowcount
        if self.kind.unfit:
            for id, reason in self._run(self.kind.unfit):
                self._tell(id, "unfit", f"it doesn't fit: {reason}")
        self._run(self.kind.convert)
        self._run(sql.WRITING)
        self._run(sql.LOCK)
        self._run(sql.DECIDE, coming=sql.digest_here(self.kind, "c", "adopting"))
        for id, fate in self._run(sql.FATES):
            self.report.counts[fate] += 1
            if fate in KEPT:
                self._note(id, f"{FATES[fate]}; kept as it is")
        if self.kind.notices:
            for id, message in self._run(self.kind.notices):
                self._note(id, message)
        if self.dry:
            if self.kind.instead_of_writing:
                self._run(self.kind.instead_of_writing)
            return
        assignments = ", ".join(f"{name} = c.{name}" for name in self.kind.written)
        for statement in self.kind.before_writing:
            self._run(statement)
        self._run(sql.INSERT, columns=", ".join((*self.kind.written, *self.kind.inserted)))
        self._run(sql.UPDATE, assignments=assignments)
        for statement in self.kind.after_writing:
            self._run(statement)
        self._run(sql.NOTE)

    def _link(self) -> None:
        linked = sql.digest_here(self.kind, "p", self.here)
        ids = [id for (id,) in self._run(self.kind.linkable, present=linked)]
        for start in range(0, len(ids), LINKED_AT_ONCE):
            some = ids[start : start + LINKED_AT_ONCE]
            with transaction.atomic(using=self.using):
                rows = self._run(sql.STILL_AS_NOTED, parameters=[some], present=linked)
                some = [id for (id,) in rows]
                self._run(self.kind.link, parameters=[some])
                self._run(sql.NOTE_LINKED, parameters=[some])

    def _tell(self, id: UUID, fate: str, message: str) -> None:
        self.report.counts[fate] += 1
        self._note(id, message)

    def _note(self, id: UUID, message: str) -> None:
        self.notify(f"{self.kind.name} {id}: {message}")

    def _filled(self, statement: str, **words: str) -> str:
        known = {
            "here": self.here,
            "kind": self.kind.name,
            "table": self.kind.here,
            "arriving": self.kind.arriving,
            "converted": self.kind.converted,
            "present": sql.digest_here(self.kind, "present", self.here),
        }
        return sql.filled(statement, **known | words)

    def _run(self, statement: str, parameters: Any = None, **words: str) -> list[tuple[Any, ...]]:
        return _execute(self.using, self._filled(statement, **words), parameters)
