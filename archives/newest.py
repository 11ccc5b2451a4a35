"""The newest archives of a query, by index whether what is asked for is rare or common.

No plan fits both: an index gives far too many rows of a common value to sort, and walking back in
time until a rare one comes by takes for ever. Statistics would tell them apart, if they knew
combinations of values. So instead:

* The first branch of one statement takes the latest rows, about `WINDOW` of them. Where every
  fiftieth archive answers, that fills the page.
* A branch for each partition goes on before that, newest first. LIMIT stops at the one that fills
  the page. Only what is rare takes all, which have few rows.
* Archives whose ids do not tell their time, those of the older schema, come from a second statement
  if they are newer than the page's last; where they are many, from several, windows first.
* Of one owner's archives, which are few, no window is taken first.

The order is (created, id), both descending.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.db import connections
from django.db.models import BooleanField, Expression, F, Func, UUIDField, Value
from django.db.models.lookups import GreaterThanOrEqual, LessThan
from django.db.models.sql.compiler import SQLCompiler

from archives import sql
from archives.filters import IsTrue
from archives.prepared import PreparedCompiler, PreparedQuery, numbered, with_generic_plans

if TYPE_CHECKING:
    from archives.models import Archive
    from archives.querysets import ArchiveQuerySet

Place = tuple[datetime, UUID]
NEWEST = ("-created", "-id")
Settings = dict[str, str]

WINDOW = 2000
HOUR = 3_600_000
MOST_SPAN = 30 * 24 * HOUR
# For these limits statements are prepared; a page of the API and one row more to know of a next.
LIMITS = (21, 51, 101)
LAYOUT_SECONDS = 300.0
# So many archives whose ids do not tell their time are looked for in windows.
MANY = 20_000
LEAST = UUID(int=0)
# Where the partition of the random ids begins: no id of this century carries a later time.
END = UUID("04000000-0000-0000-0000-000000000000")
FOREVER = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


def carries_time() -> Func:
    """Whether an archive's id tells when it was created."""
    return _carries_time("%(function)s(%(expressions)s)")


def carries_no_time() -> Func:
    """The opposite: the condition of the index `archive_without_time`."""
    return _carries_time("NOT %(function)s(%(expressions)s)")


def _carries_time(template: str) -> Func:
    # Nothing but Django's own, which migrations can import.
    return Func(
        F("created"),
        F("id"),
        function="archive_carries_time",
        template=template,
        output_field=BooleanField(),
    )


class ComesAfter(Func):
    """Whether an archive comes after that place in the order."""

    template = "(%(expressions)s)"
    output_field = BooleanField()

    def __init__(self, place: Place) -> None:
        super().__init__(F("created"), F("id"), Value(place[0]), Value(place[1]))

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any, **context: Any
    ) -> Any:
        compiled = [compiler.compile(part) for part in self.get_source_expressions()]
        created, pk, of_created, of_pk = (sql for sql, _ in compiled)
        params = [param for _, values in compiled for param in values]
        return f"({created}, {pk}) < ({of_created}, {of_pk})", params


class OwnedBy(Func):
    """Whether an archive is that user's.

    With a path asked for, PostgreSQL is to AND the bitmaps of both indexes. For one owner it would
    expect about a row in a partition, not see what a second index gains, and evaluate the path for
    every archive of somebody who has many. Of an array it expects ten times as many.
    """

    output_field = BooleanField()

    def __init__(self, owner: UUID) -> None:
        super().__init__(F("owner"))
        self.owner = owner

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any, **context: Any
    ) -> Any:
        sql, params = compiler.compile(self.get_source_expressions()[0])
        if isinstance(compiler, PreparedCompiler) and compiler.query.settings:
            return f"{sql} = ANY(%s::uuid[])", [*params, [self.owner]]
        return f"{sql} = %s", [*params, self.owner]


class Bound(Expression):
    """A bound of ids, which differs by branch of the statement."""

    def __init__(self, name: str) -> None:
        super().__init__(output_field=UUIDField())
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> Any:
        return f"«{self.name}»", []


class BranchesQuery(PreparedQuery):
    """A prepared query repeated for ranges of ids, one after the other until its limit."""

    ranges: tuple[tuple[UUID, UUID], ...]
    window: UUID
    before: UUID

    def get_compiler(
        self, using: str | None = None, connection: Any = None, elide_empty: bool = True
    ) -> SQLCompiler:
        return BranchesCompiler(
            self, connection or connections[cast(str, using)], using, elide_empty
        )


class BranchesCompiler(PreparedCompiler):
    query: BranchesQuery
    of_latest = "«latest»"

    def named(self, sql: str, params: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        key = (sql, self.query.ranges, self.query.high_mark)
        return key, [self.query.window, self.query.before, *params]

    def statement(self, key: Any) -> str:
        branch, ranges, limit = key
        pieces = re.split("«(.*?)»", numbered(branch, first=3))

        def of(lower: str, upper: str, before: str, latest: str = "") -> str:
            bounds = {"lower": lower, "upper": upper, "before": before, "latest": latest}
            return "".join(bounds[p] if n % 2 else p for n, p in enumerate(pieces))

        window, before = "$1::uuid", "$2::uuid"
        branches = [of(window, before, before, latest=" IS TRUE")]
        for lower, upper in ranges:
            branches.append(of(f"'{lower}'::uuid", f"'{upper}'::uuid", window))
        return " UNION ALL ".join(f"({branch})" for branch in branches) + f" LIMIT {limit}"


@dataclass(frozen=True)
class Layout:
    """What the partitions are like: ranges of ids that leave nothing out, newest first; in how
    many milliseconds about `WINDOW` rows come; how many rows have ids that do not tell their time.
    An outdated one costs time only."""

    ranges: tuple[tuple[UUID, UUID], ...]
    span: int
    without_time: int
    read: float


_layouts: dict[tuple[str, str], Layout] = {}


def layout(using: str) -> Layout:
    """As it is, or was in the last minutes."""
    connection = connections[using]
    key = (using, str(connection.settings_dict["NAME"]))
    known = _layouts.get(key)
    if known is None or time.monotonic() - known.read > LAYOUT_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute(sql.RANGES)
            ranges = cursor.fetchall()
            cursor.execute(sql.WITHOUT_TIME)
            (without_time,) = cursor.fetchone()
        known = _layouts[key] = _layout(ranges, without_time)
    return known


def _layout(partitions: list[tuple[UUID, UUID, float]], without_time: int) -> Layout:
    ranges = []
    end, densest, now = END, 0.0, int(time.time() * 1000)
    for lower, upper, rows in partitions:
        if upper < end:
            ranges.append((upper, end))
        ranges.append((lower, upper))
        end = lower
        first, last = lower.int >> 80, min(upper.int >> 80, now)
        if last - first > HOUR:
            densest = max(densest, rows / (last - first))
    ranges.append((LEAST, end))
    span = min(MOST_SPAN, int(WINDOW / densest)) if densest else MOST_SPAN
    return Layout(tuple(ranges), span, without_time, time.monotonic())


def first_id(milliseconds: int) -> UUID:
    """The least id that carries a time from then on, in milliseconds of Unix time."""
    return min(UUID(int=max(0, milliseconds) << 80), END)


def newest(
    rows: "ArchiveQuerySet", limit: int, after: Place | None, settings: Settings
) -> "list[Archive]":
    """What `ArchiveQuerySet.newest` returns for archives that are asked for by paths."""
    known = layout(rows.db)
    now = int(time.time() * 1000)
    place = int(after[0].timestamp() * 1000) if after else now
    window = first_id(min(place, now) - known.span)
    before = first_id(place + 1) if after else END
    if after:
        rows = rows.filter(ComesAfter(after))
    with_time = rows.filter(
        carries_time(),
        GreaterThanOrEqual(F("id"), Bound("lower")),
        LessThan(F("id"), Bound("upper")),
        IsTrue(LessThan(F("id"), Bound("before"))),
        LessThan(Bound("lower"), Bound("before")),
    )
    if rows.is_of_one_owner:
        window = before
    page = _page(with_time, limit, settings, BranchesQuery)
    page.query.ranges = known.ranges
    page.query.window = window
    page.query.before = before

    def run() -> "list[Archive]":
        found = list(page.all())
        others = rows.filter(carries_no_time())
        since = found[-1].created if len(found) >= limit else None
        if since and (rows.is_of_one_owner or found[-1].pk >= window):
            others = others.filter(created__range=(since, FOREVER))
        elif known.without_time > MANY and not rows.is_of_one_owner:
            return found + _by_windows(others, limit, since, after, settings)
        return found + list(_page(others, limit, settings))

    found = with_generic_plans(rows.db, run)
    found.sort(key=lambda row: (row.created, row.pk), reverse=True)
    return found[:limit]


def _by_windows(
    others: "ArchiveQuerySet",
    limit: int,
    since: datetime | None,
    after: Place | None,
    settings: Settings,
) -> "list[Archive]":
    """The newest of archives whose ids do not tell their time, looked for in the newest of all such
    ones first. Those before `since` need not be found."""
    every = others.model._base_manager.using(others.db).filter(carries_no_time())
    upper = after[0] + timedelta(microseconds=1) if after else FOREVER
    found: list[Archive] = []
    for size in (WINDOW, 16 * WINDOW):
        edges = every.filter(created__lt=upper).order_by(*NEWEST).values_list("created", flat=True)
        edge = next(iter(_prepared(edges[size - 1 : size], settings)), None)
        if edge is None:
            break
        window = others.filter(created__gte=edge, created__lt=upper)
        found += _page(window, limit, settings)
        if len(found) >= limit or (since and edge <= since):
            return found
        upper = edge
    return found + list(_page(others.filter(created__lt=upper), limit, settings))


def newest_of_all(rows: "ArchiveQuerySet", limit: int, after: Place | None) -> "list[Archive]":
    """The same for archives that are not: an index of each partition has them in order."""
    if after:
        rows = rows.filter(ComesAfter(after))
    return prepared_page(rows, limit, *NEWEST)


def prepared_page(rows: "ArchiveQuerySet", limit: int, *order: str) -> "list[Archive]":
    """The first rows in that order, by a plan that PostgreSQL makes once for a connection."""
    page = _page(rows, limit, {}, order=order)
    return with_generic_plans(rows.db, lambda: list(page.all()))[:limit]


def _page(
    rows: "ArchiveQuerySet",
    limit: int,
    settings: Settings,
    klass: type[PreparedQuery] = PreparedQuery,
    order: Sequence[str] = NEWEST,
) -> Any:
    page: Any = rows.order_by(*order)[: next((n for n in LIMITS if n >= limit), limit)]
    return _prepared(page, settings, klass)


def _prepared(rows: Any, settings: Settings, klass: type[PreparedQuery] = PreparedQuery) -> Any:
    rows_as = rows._iterable_class
    # Django gives rows of another query with columns of its own as dictionaries.
    rows.query = rows.query.chain(klass=klass)
    rows._iterable_class = rows_as
    rows.query.settings = settings
    return rows
