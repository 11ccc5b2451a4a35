"""The import itself: batches are read and checked in one thread and stored in another.

Each batch is one transaction, which also notes how far the import has come: one that was killed
at any point goes on behind the last batch that was committed.
"""

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils import timezone
from tqdm import tqdm

from search.importing import sql
from search.importing.columns import Columns, ValueProblem, recognise
from search.importing.pending_lists import PENDING_LIMIT, PendingLists
from search.importing.readers import CatalogueFile, SourceError
from search.models import CatalogueImport
from vibomat import timeouts

BATCH_ROWS = 20_000
# The first batch is small: it is stored without statistics, and straight into every index.
FIRST_BATCH_ROWS = 2_000
REJECTS_KEPT = 20
LOCK_SECONDS = 15.0
SAMPLE = Path(__file__).resolve().parent.parent / "sample"


class ImportRefused(Exception):
    """The import can't start; the message is one line for the user."""


@dataclass(frozen=True)
class Reject:
    """A row that wasn't imported, and why; `value` shows the value that is wrong."""

    line: int
    reason: str
    value: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}" + (f": {self.value}" if self.value else "")


@dataclass
class ImportReport:
    """What an import did. Rows skipped because an earlier run stored them count nowhere else."""

    kind: str = "tracks"
    rows: int = 0
    tracks_new: int = 0
    tracks_updated: int = 0
    artists_new: int = 0
    artists_updated: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)
    resumed_after_line: int = 0
    seconds: float = 0.0

    @property
    def unchanged(self) -> int:
        """Rows that were there already, or that a later row of the same identity repeats."""
        stored = self.rows - self.rejected
        if self.kind == "artists":
            return stored - self.artists_new - self.artists_updated
        return stored - self.tracks_new - self.tracks_updated

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0

    def __str__(self) -> str:
        if self.kind == "artists":
            counts = f"{self.artists_new:,} new, {self.artists_updated:,} updated"
        else:
            counts = f"{self.tracks_new:,} new, {self.tracks_updated:,} updated"
        artists = "" if self.kind == "artists" else f" {self.artists_new:,} artists new."
        return (
            f"{self.kind.capitalize()}: {counts}, {self.unchanged:,} unchanged, "
            f"{self.rejected:,} rejected.{artists} "
            f"{self.seconds:.1f} s, {self.rows_per_second:,.0f} rows/s."
        )


@dataclass
class Batch:
    """Rows ready for COPY: `data` its text, `rows` how many of the file's rows it stands for."""

    data: bytes
    rows: int
    last_line: int
    position: int
    rejects: list[tuple[Reject, str]]
    end: SourceError | None = None


def import_catalogue(
    path: Path | str,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    sample: bool = False,
    rejects: Path | str | None = None,
    restart: bool = False,
    progress: bool = False,
    notify: Callable[[str], None] = lambda message: None,
    using: str = DEFAULT_DB_ALIAS,
) -> ImportReport:
    """Import the artists or tracks of a file.

    `format` is one of `readers.FORMATS`, `columns` maps fields to the file's column names: both
    are found out when not given. `sample` marks what is new as part of the sample, and changes
    nothing that isn't. An earlier import of the same file that didn't finish is continued, unless
    `restart`. Rejected rows are written to the file `rejects`. `progress` shows a bar on a
    terminal; `notify` is told what someone watching may want to know.

    Raises `SourceError`, `ColumnsError` and `ImportRefused`.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        file = stack.enter_context(CatalogueFile(Path(path), format))
        mapping = recognise(file.columns, columns or {}, path)
        report = ImportReport(kind=mapping.kind)
        stack.enter_context(timeouts.lifted(using))
        stack.enter_context(_alone(using, notify))
        done = _progress_of(file, mapping, sample, restart, using)
        if done.line:
            report.resumed_after_line = done.line
            notify(f"Going on after line {done.line:,}, where an earlier run stopped.")
        reject_file = stack.enter_context(_reject_file(rejects, file.path, bool(done.line)))
        bar = stack.enter_context(_bar(file, disable=None if progress else True))
        store = _Store(using, mapping, sample, done)
        pending: PendingLists | None = None
        batches = stack.enter_context(closing(_ahead(_batches(file, mapping, done.line))))  # type: ignore[type-var]
        for batch in batches:
            store.batch(batch, report)
            report.rows += batch.rows
            _note_rejects(batch, report, reject_file)
            bar.update(batch.position - bar.n)
            bar.set_postfix_str(
                f"{report.rows / (time.monotonic() - started):,.0f} rows/s", refresh=False
            )
            if batch.end:
                raise SourceError(f"{batch.end} The rows before are stored.")
            if pending is None and batch.rows >= FIRST_BATCH_ROWS:
                pending = stack.enter_context(PendingLists(using))
            if pending is not None:
                pending.filed_soon()
            if store.batches == 1:
                # An empty catalogue's statistics make the statements read far too many rows.
                _analyze(using)
    done.finished = timezone.now()
    done.save(using=using, update_fields=["finished"])
    with timeouts.lifted(using):
        _analyze(using)
    report.seconds = time.monotonic() - started
    return report


def load_sample(
    notify: Callable[[str], None] = lambda message: None, using: str = DEFAULT_DB_ALIAS
) -> tuple[ImportReport, ImportReport]:
    """Import the sample catalogue that ships with the project: its artists, then its tracks."""
    artists, tracks = (
        import_catalogue(SAMPLE / name, sample=True, notify=notify, using=using)
        for name in ("artists.tsv", "catalogue.tsv")
    )
    return artists, tracks


def drop_sample(using: str = DEFAULT_DB_ALIAS) -> tuple[int, int]:
    """Delete what is left of the sample: its tracks, and artists of it that no track names.

    Gives the numbers of both.
    """
    with (
        timeouts.lifted(using),
        _alone(using, lambda message: None),
        transaction.atomic(using=using),
        connections[using].cursor() as cursor,
    ):
        cursor.execute(sql.DELETE_SAMPLE_LINKS)
        cursor.execute(sql.DELETE_SAMPLE_TRACKS)
        tracks = cursor.rowcount
        cursor.execute(sql.DELETE_SAMPLE_ARTISTS)
        return tracks, cursor.rowcount


@contextmanager
def _alone(using: str, notify: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of imports; a server needs a moment to notice that an import was killed."""
    give_up = time.monotonic() + LOCK_SECONDS
    waiting = False
    with connections[using].cursor() as cursor:
        while True:
            cursor.execute(sql.LOCK)
            if cursor.fetchone()[0]:
                break
            if time.monotonic() > give_up:
                raise ImportRefused("Another import is running; wait for it, or stop it.")
            if not waiting:
                notify("Waiting for another import to end.")
                waiting = True
            time.sleep(0.2)
    try:
        yield
    finally:
        if connections[using].is_usable():
            with connections[using].cursor() as cursor:
                cursor.execute(sql.UNLOCK)


def _progress_of(
    file: CatalogueFile, mapping: Columns, sample: bool, restart: bool, using: str
) -> CatalogueImport:
    options = [file.format, mapping.kind, sorted(mapping.by_field.items()), sample]
    key = hashlib.sha256((file.fingerprint() + json.dumps(options)).encode()).hexdigest()
    done, created = CatalogueImport.objects.using(using).get_or_create(
        file=key,
        # A file's name may be bytes that aren't UTF-8.
        defaults={"name": os.fsencode(file.path.name).decode(errors="replace")},
    )
    if not created and (done.finished or restart):
        done.line, done.finished, done.started = 0, None, timezone.now()
        done.save(using=using)
    return done


def _analyze(using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(sql.ANALYZE)


def _reject_file(
    path: Path | str | None, source: Path, append: bool
) -> AbstractContextManager[TextIO | None]:
    if path is None:
        return nullcontext()
    path = Path(path)
    try:
        if path.exists() and path.samefile(source):
            raise ImportRefused(f"{path} is the file to import: write rejected rows to another.")
        # Rejected text may be what UTF-8 can't write, as a lone surrogate.
        return path.open("a" if append else "w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ImportRefused(f"Can't write {path}: {error.strerror}.") from error
    except ValueError as error:
        raise ImportRefused(f"{str(path)!r} is no path.") from error


def _bar(file: CatalogueFile, disable: bool | None) -> "tqdm[Any]":
    return tqdm(
        total=file.size,
        desc=file.path.name,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        disable=disable,
        leave=False,
    )


def _note_rejects(batch: Batch, report: ImportReport, file: TextIO | None) -> None:
    report.rejected += len(batch.rejects)
    for reject, text in batch.rejects:
        report.reasons[reject.reason] += 1
        if len(report.rejects) < REJECTS_KEPT:
            report.rejects.append(reject)
        if file is not None:
            file.write(f"{reject}\t{' '.join(text[:1000].splitlines())}\n")
    if file is not None:
        file.flush()


def _batches(file: CatalogueFile, mapping: Columns, after_line: int) -> Iterator[Batch]:
    lines: list[str] = []
    rejects: list[tuple[Reject, str]] = []
    last_line = after_line
    size = FIRST_BATCH_ROWS

    def batch(end: SourceError | None = None) -> Batch:
        data = "\n".join([*lines, ""]).encode()
        return Batch(data, len(lines) + len(rejects), last_line, file.position, rejects, end)

    end = None
    try:
        for line, last_line, values, problem, text in file.records(after_line):  # noqa: B007
            if problem:
                rejects.append((Reject(line, f"the line {problem}"), text))
            else:
                try:
                    lines.append(mapping.copy_line(line, values))
                except ValueProblem as error:
                    reject = Reject(line, error.reason, error.value)
                    rejects.append((reject, "\t".join(map(str, values))))
            if len(lines) + len(rejects) >= size:
                yield batch()
                lines, rejects, size = [], [], BATCH_ROWS
    except SourceError as error:
        end = error
    yield batch(end)


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, each made while the one before is in use."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader") as reader:
        following = reader.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = reader.submit(next, batches, None)
            yield batch


class _Store:
    """Stores batches in the database."""

    def __init__(self, using: str, mapping: Columns, sample: bool, done: CatalogueImport) -> None:
        self.using = using
        self.mapping = mapping
        self.parameters = {"sample": sample}
        self.sample = sample
        self.done = done
        self.batches = 0
        with connections[using].cursor() as cursor:
            cursor.execute(sql.CREATE_STAGING)
            cursor.execute(sql.DROP_SAMPLE_TRACKS)
            cursor.execute(sql.READ_SAMPLE_TRACKS)

    def batch(self, batch: Batch, report: ImportReport) -> None:
        with transaction.atomic(using=self.using), connections[self.using].cursor() as cursor:
            cursor.execute(sql.SETTINGS)
            cursor.execute(PENDING_LIMIT)
            with cursor.copy(sql.COPY[self.mapping.kind]) as copy:
                copy.write(batch.data)
            if self.mapping.kind == "artists":
                self._artists(cursor, report)
            else:
                self._tracks(cursor, report)
            self.done.line = batch.last_line
            self.done.save(using=self.using, update_fields=["line"])
        self.batches += 1

    def _tracks(self, cursor: Any, report: ImportReport) -> None:
        run = self._runner(cursor)
        run(sql.RECEIVE_TRACKS)
        run(sql.FIND_BY_EXTERNAL_ID)
        run(sql.KEY_BY_NAMES)
        run(sql.DROP_REPEATED)
        if self.sample:
            run(sql.FIND_FOR_SAMPLE)
        else:
            run(sql.FIND_BY_NAMES)
            run(sql.TAKE_OVER_SAMPLE)
        run(sql.DROP_REPEATED_FOUND)
        run(sql.UPDATE_TRACKS)
        changed = {row[0] for row in cursor.fetchall()}
        report.tracks_new += run(sql.INSERT_TRACKS)
        run(sql.FORGET_TAKEN_SAMPLE)
        run(sql.READ_CREDITED)
        run(sql.READ_NAMES)
        if "artist_musicbrainz" in self.mapping.by_field:
            run(sql.GIVE_MUSICBRAINZ_IDS)
            report.artists_new += run(sql.INSERT_ARTISTS_BY_MUSICBRAINZ_ID)
        report.artists_new += run(sql.INSERT_ARTISTS_BY_NAME)
        run(sql.LINK)
        run(sql.RAISE_ARTISTS)
        run(sql.KEEP_SAME_LINKS)
        run(sql.DELETE_LINKS)
        run(sql.CHANGED_LINKS)
        changed |= {row[0] for row in cursor.fetchall()}
        report.tracks_updated += len(changed)
        run(sql.INSERT_LINKS)

    def _artists(self, cursor: Any, report: ImportReport) -> None:
        run = self._runner(cursor)
        run(sql.RECEIVE_ARTISTS)
        run(sql.FIND_ARTISTS)
        run(sql.ADOPT_ONCE)
        run(sql.DROP_REPEATED_FOUND)
        report.artists_updated += run(sql.UPDATE_ARTISTS)
        report.artists_new += run(sql.INSERT_ARTISTS)

    def _runner(self, cursor: Any) -> Callable[[str], int]:
        def run(statement: str) -> int:
            cursor.execute(statement, self.parameters)
            return int(cursor.rowcount)

        return run
