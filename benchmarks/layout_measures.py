"""What is measured of layouts that hold the same archives."""

import json
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from django.core.management.base import CommandError
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from tqdm import tqdm

from benchmarks import sql
from benchmarks.judging import percentile
from benchmarks.layouts import Layout
from benchmarks.population import MOODS, Population, Row, first_of_month, lowest_uuid_at

FILL_STEPS = 20
WARM_UP = 20
PLANS = 50
COPIES = 10
NEW_CONNECTIONS = 10
VACUUMS = 3
MB = 1_000_000
COLUMNS = ", ".join(Row._fields)

T = TypeVar("T")


@dataclass(frozen=True)
class Question:
    """A statement that every layout is asked, once with each of the parameters; `{table}` stands
    for the layout's."""

    title: str
    statement: str
    parameters: Sequence[tuple[Any, ...]]


@dataclass
class Results:
    """What was measured at one size, by its title and by layout, in the order of measuring."""

    size: int
    milliseconds: dict[str, dict[Layout, list[float]]] = field(default_factory=dict)
    figures: dict[str, dict[Layout, str]] = field(default_factory=dict)
    plans: dict[str, dict[Layout, tuple[float, int]]] = field(default_factory=dict)
    bytes_per_archive: dict[Layout, float] = field(default_factory=dict)

    def note(self, title: str, layout: Layout, figure: float, digits: int = 1) -> None:
        self.figures.setdefault(title, {})[layout] = f"{round(figure, digits) + 0.0:,.{digits}f}"

    @contextmanager
    def timed(self, title: str, layout: Layout) -> Iterator[None]:
        start = time.perf_counter()
        yield
        took = (time.perf_counter() - start) * 1000
        self.milliseconds.setdefault(title, defaultdict(list))[layout].append(took)

    @contextmanager
    def timed_once(self, title: str, layout: Layout) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.note(title, layout, time.perf_counter() - start, digits=2)


class Measurement:
    """Builds the layouts at one size and measures them, in an existing empty schema."""

    def __init__(
        self, layouts: Sequence[Layout], population: Population, size: int, repeats: int
    ) -> None:
        self.layouts = layouts
        self.population = population
        self.size = size
        self.repeats = repeats
        self.samples: list[tuple[UUID, UUID]] = []
        self.results = Results(size)

    def run(self) -> Results:
        """Raise CommandError if the layouts don't answer alike."""
        with connection.cursor() as cursor:
            self._build(cursor)
            self._weigh(cursor)
            self._ask(cursor)
            self._plan(cursor)
            self._ask_prepared(cursor)
            self._ask_in_new_connections()
            self._insert(cursor)
            self._vacuum(cursor)
            self._drop_oldest_year(cursor)
        return self.results

    def _build(self, cursor: CursorWrapper) -> None:
        first = self.layouts[0]
        for layout in self.layouts:
            # In the transaction that creates a table its rows need not be logged.
            with transaction.atomic():
                layout.create(cursor)
                if layout is first:
                    rows = self.population.rows(self.size)
                    _copy(cursor, layout, self._sampled(self._bar("archives", rows, self.size)))
                else:
                    self._fill(cursor, layout, first)
                with self.results.timed_once("build the indexes, s", layout):
                    steps = layout.create_indexes(cursor)
                    for _ in self._bar(f"indexes, {layout.title}", steps, len(sql.INDEXES)):
                        pass
        for layout in self._bar("VACUUM ANALYZE", self.layouts):
            cursor.execute(sql.VACUUM_ANALYZE.format(table=layout.name))

    def _sampled(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The archives; of some, spread evenly, id and owner are kept to ask for."""
        every = max(1, self.size // 1_000)
        for number, row in enumerate(rows):
            if number % every == 0:
                self.samples.append((row.id, row.user_id))
            yield row

    def _fill(self, cursor: CursorWrapper, layout: Layout, source: Layout) -> None:
        """With what `source` has, whose values are parsed and compressed already."""
        statement = sql.FILL_FROM.format(table=layout.name, source=source.name)
        since = self.population.since
        step = (first_of_month(self.population.until, 1) - since) / FILL_STEPS
        for number in self._bar(f"archives, {layout.title}", range(FILL_STEPS)):
            lower, upper = since + step * number, since + step * (number + 1)
            cursor.execute(statement, [lowest_uuid_at(lower), lowest_uuid_at(upper)])

    def _weigh(self, cursor: CursorWrapper) -> None:
        for layout in self.layouts:
            found = layout.bytes(cursor)
            self.results.note("table, MB", layout, found.table / MB)
            self.results.note("three B-tree indexes, MB", layout, found.btree_indexes / MB)
            self.results.note("GIN index of paths, MB", layout, found.gin_index / MB)
            self.results.bytes_per_archive[layout] = sum(found) / self.size

    def _chosen(self) -> list[tuple[UUID, UUID]]:
        """Ids and owners to ask for, drawn from all archives: busy owners come often."""
        return random.Random(self.population.seed).choices(self.samples, k=self.repeats)

    def questions(self) -> list[Question]:
        rng = random.Random(self.population.seed)
        samples = self._chosen()
        recent = lowest_uuid_at(first_of_month(self.population.until, -1))
        artists = self.population.rare_artists(self.repeats)
        return [
            Question("owner's newest 20", sql.OWNER_NEWEST, [(owner,) for _, owner in samples]),
            Question("newest 20 public", sql.PUBLIC_NEWEST, [()] * self.repeats),
            Question(
                "newest 20 public, of two months",
                sql.PUBLIC_NEWEST_SINCE,
                [(recent,)] * self.repeats,
            ),
            Question("lookup by id", sql.BY_ID, [(id,) for id, _ in samples]),
            Question("lookup by id and owner", sql.BY_ID_AND_OWNER, samples),
            Question(
                "rare artist, newest 50",
                sql.BY_ARTIST,
                [(artist,) for artist in rng.choices(artists, k=self.repeats)],
            ),
            Question(
                "mood of one in 20, newest 50",
                sql.BY_MOOD,
                [(mood,) for mood in rng.choices(MOODS, k=self.repeats)],
            ),
        ]

    def _ask(self, cursor: CursorWrapper) -> None:
        """Each layout in turn, so that what disturbs one disturbs all."""
        for question in self.questions():
            for parameters in question.parameters[:WARM_UP]:
                for layout in self.layouts:
                    _answer(cursor, question.statement, layout, parameters)
            for parameters in self._bar(question.title, question.parameters):
                answers = []
                for layout in self.layouts:
                    with self.results.timed(question.title, layout):
                        answers.append(_answer(cursor, question.statement, layout, parameters))
                _compare(question.title, answers, parameters)

    def _plan(self, cursor: CursorWrapper) -> None:
        for question in self.questions():
            plans: dict[Layout, list[dict[str, Any]]] = defaultdict(list)
            for parameters in self._bar(f"plans, {question.title}", question.parameters[:PLANS]):
                for layout in self.layouts:
                    statement = sql.EXPLAIN + question.statement
                    ((found,),) = _answer(cursor, statement, layout, parameters)
                    plans[layout] += found
            self.results.plans[question.title] = {
                layout: (
                    percentile([plan["Planning Time"] for plan in found], 0.5),
                    _scans(found[0]["Plan"]),
                )
                for layout, found in plans.items()
            }

    def _ask_prepared(self, cursor: CursorWrapper) -> None:
        """Without planning, by one plan for all owners; also with a branch for each period."""
        prepared: dict[tuple[str, Layout], str] = {}
        for layout in self.layouts:
            statements = {"owner's newest 20, prepared": sql.OWNER_NEWEST}
            if branches := [
                sql.OWNER_NEWEST_IN.format(table="{table}", lower=lower, upper=upper)
                for lower, upper in layout.periods()
            ]:
                statements["owner's newest 20, in branches"] = sql.OF_BRANCHES.format(
                    branches=" UNION ALL ".join(branches)
                )
            for title, statement in statements.items():
                name = f"asked_{len(prepared)}"
                statement = statement.format(table=layout.name).replace("%s", "$1")
                cursor.execute(sql.PREPARE.format(name=name, statement=statement))
                prepared[title, layout] = sql.EXECUTE.format(name=name)
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        for statement in prepared.values():
            cursor.execute(statement, self.samples[0][1:])
        for _, owner in self._bar("prepared", self._chosen()):
            answers = []
            for (title, layout), statement in prepared.items():
                with self.results.timed(title, layout):
                    answers.append(_answer(cursor, statement, layout, [owner]))
            _compare("the prepared statements", answers, [owner])
        cursor.execute("RESET plan_cache_mode")
        cursor.execute(sql.DEALLOCATE)

    def _ask_in_new_connections(self) -> None:
        """The first statement of a connection reads the catalogues anew."""
        title = "owner's newest 20, new connection"
        for _ in self._bar(title, range(NEW_CONNECTIONS)):
            for layout in self.layouts:
                fresh = connection.copy()
                try:
                    with fresh.cursor() as cursor, self.results.timed(title, layout):
                        _answer(cursor, sql.OWNER_NEWEST, layout, self.samples[0][1:])
                finally:
                    fresh.close()

    def _insert(self, cursor: CursorWrapper) -> None:
        """New archives, with every index there. Commits don't wait for the disk: that would hide
        what differs."""
        cursor.execute("SET synchronous_commit = off")
        batch = max(1, min(1_000, self.size // 100))
        rows = self.population.new_rows(batch * (COPIES + 1), [owner for _, owner in self.samples])
        title = f"COPY of {batch:,} new archives"
        for number in self._bar(title, range(COPIES)):
            for layout in self.layouts:
                with self.results.timed(title, layout):
                    _copy(cursor, layout, rows[number * batch : (number + 1) * batch])
        for layout, took in self.results.milliseconds[title].items():
            self.results.note("COPY, archives/s", layout, batch / percentile(took, 0.5) * 1000, 0)
        values = ", ".join(["%s"] * len(Row._fields))
        for row in self._bar("single inserts", rows[-batch:]):
            for layout in self.layouts:
                statement = sql.INSERT.format(table=layout.name, columns=COLUMNS, values=values)
                with self.results.timed("insert of one archive", layout):
                    cursor.execute(statement, row)

    def _vacuum(self, cursor: CursorWrapper) -> None:
        """People edit what is new: here the archives of this month and the last."""
        recent = lowest_uuid_at(first_of_month(self.population.until, -1))
        for layout in self.layouts:
            cursor.execute(sql.VACUUM.format(table=layout.name))
        for number in self._bar("VACUUM", range(VACUUMS)):
            edit = json.dumps({"edited": number})
            for layout in self.layouts:
                cursor.execute(sql.UPDATE_SINCE.format(table=layout.name), [edit, recent])
            for layout in self.layouts:
                with self.results.timed("VACUUM, two months edited", layout):
                    cursor.execute(sql.VACUUM.format(table=layout.name))

    def _drop_oldest_year(self, cursor: CursorWrapper) -> None:
        until = first_of_month(self.population.since, 12)
        left = []
        for layout in self._bar("oldest year", self.layouts):
            before = sum(layout.bytes(cursor))
            logged = _wal_position(cursor)
            with self.results.timed_once("drop the oldest year, s", layout):
                layout.drop_before(cursor, until)
            with self.results.timed_once("and then VACUUM, s", layout):
                cursor.execute(sql.VACUUM.format(table=layout.name))
            logged = _wal_position(cursor) - logged
            freed = before - sum(layout.bytes(cursor))
            self.results.note("both write to the log, MB", layout, logged / MB)
            self.results.note("both give back to the disk, MB", layout, freed / MB)
            left += _answer(cursor, sql.COUNT, layout, ())
        if len(set(left)) > 1:
            raise CommandError(f"The layouts differ in the number of archives left: {left}.")

    def _bar(self, title: str, steps: Iterable[T], total: int | None = None) -> "tqdm[T]":
        return tqdm(steps, desc=f"{self.size:,}: {title}", total=total, leave=False, disable=None)


def _copy(cursor: CursorWrapper, layout: Layout, rows: Iterable[Row]) -> None:
    with cursor.copy(sql.COPY.format(table=layout.name, columns=COLUMNS)) as copy:
        for row in rows:
            copy.write_row(row)


def _answer(
    cursor: CursorWrapper, statement: str, layout: Layout, parameters: Sequence[Any]
) -> list[tuple[Any, ...]]:
    cursor.execute(statement.format(table=layout.name), parameters)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _compare(
    title: str, answers: Sequence[list[tuple[Any, ...]]], parameters: Sequence[Any]
) -> None:
    if any(answer != answers[0] for answer in answers):
        raise CommandError(f"The layouts give different answers to {title}: {parameters}.")


def _scans(plan: dict[str, Any]) -> int:
    """How many tables and partitions the plan reads."""
    here = int("Relation Name" in plan)
    return here + sum(_scans(child) for child in plan.get("Plans", ()))


def _wal_position(cursor: CursorWrapper) -> int:
    cursor.execute(sql.WAL_POSITION)
    return int(cursor.fetchone()[0])
