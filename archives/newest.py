"""The newest archives of a query, by index whether what is asked for is rare or common.

No plan fits both: an index gives far too many rows of a common value to sort, and walking back in
time until a rare one comes by takes for ever. Statistics would tell them apart, if they knew
combinations of values. So instead:

* The first branch of one statement takes the latest rows, about `WINDOW` of them; or several
  branches do, in `STEPS`. Where every fiftieth archive answers, that fills the page.
* A branch for each partition goes on before those, newest first. LIMIT stops at the one that fills
  the page. Only what is rare takes all, which have few rows.
* Archives whose ids do not tell their time, those of the older schema, come from a second statement
  if they are newer than the page's last; where they are many, from several, windows first.
* Of one owner's archives, which are few, no window is taken first.

The order is (created, id), both descending: of ids that tell their time, that of the ids.
"""

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.db import connections
from django.db.models import BooleanField, Expression, F, Func, UUIDField, Value
from django.db.models.lookups import LessThan
from django.db.models.sql.compiler import SQLCompiler

from archives.filters import EARLIEST, IN_ORDER, LATEST, IsTrue
from archives.layout import END, HOUR, LEAST, Layout, Ranges, layout
from archives.prepared import PreparedCompiler, PreparedQuery, numbered, with_generic_plans

if TYPE_CHECKING:
    from archives.models import Archive
    from archives.querysets import ArchiveQuerySet

Place = tuple[datetime, UUID]
NEWEST = ("-created", "-id")
Settings = dict[str, str]

WINDOW = 2000
# Each costs as much as to look at a hundred rows, or at ten whose JSON is read.
STEPS = (500, 2000, 8000)
MOST_SPAN = 30 * 24 * HOUR
# For these limits statements are prepared; a page of the API and one row more to know of a next.
LIMITS = (21, 51, 101)
# So many archives whose ids do not tell their time are looked for in windows.
MANY = 20_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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


class FromBound(Func):
    """Whether an id is in or after its branch. PostgreSQL plans a window for the partitions after
    `least`, a constant, rather than for all."""

    output_field = BooleanField()

    def __init__(self) -> None:
        super().__init__(F("id"))

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any, **context: Any
    ) -> Any:
        pk, params = compiler.compile(self.get_source_expressions()[0])
        return f"({pk} >= «lower» AND {pk} >= «least»)", params * 2


class BranchesQuery(PreparedQuery):
    """A prepared query repeated for ranges of ids, one after the other until its limit: those from
    each of `windows` on, the latest first, then `ranges`. No window begins before `least`."""

    ranges: Ranges
    windows: tuple[UUID, ...]
    least: UUID
    before: UUID

    def get_compiler(
        self, using: str | None = None, connection: Any = None, elide_empty: bool = True
    ) -> SQLCompiler:
        return BranchesCompiler(
            self, connection or connections[cast(str, using)], using, elide_empty
        )


class BranchesCompiler(PreparedCompiler):
    query: BranchesQuery
    of_few = "«latest»"

    def named(self, sql: str, params: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        query = self.query
        key = (sql, query.ranges, len(query.windows), query.least, query.high_mark)
        return key, [query.before, *query.windows, *params]

    def statement(self, key: Any) -> str:
        branch, ranges, windows, least, limit = key
        pieces = re.split("«(.*?)»", numbered(branch, first=windows + 2))

        def of(**bounds: str) -> str:
            return "".join(bounds[p] if n % 2 else p for n, p in enumerate(pieces))

        before, *edges = (f"${number}::uuid" for number in range(1, windows + 2))
        branches = []
        for edge in edges:
            window = {"lower": edge, "upper": before, "least": f"'{least}'::uuid"}
            branches.append(of(**window, before=before, latest=" IS TRUE"))
            before = edge
        for lower, upper in (map("'{}'::uuid".format, bounds) for bounds in ranges):
            branches.append(of(lower=lower, upper=upper, least=lower, before=before, latest=""))
        return " UNION ALL ".join(f"({branch})" for branch in branches) + f" LIMIT {limit}"


def first_id(milliseconds: int) -> UUID:
    """The least id that carries a time from then on, in milliseconds of Unix time."""
    return min(UUID(int=max(0, milliseconds) << 80), END)


def milliseconds(moment: datetime) -> int:
    """Of Unix time, rounded down."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def newest(
    rows: "ArchiveQuerySet", limit: int, after: Place | None, settings: Settings
) -> "list[Archive]":
    """What `ArchiveQuerySet.newest` returns for archives that are asked for by paths."""
    known = layout(rows.db)
    since, until = rows.path_times or (EARLIEST, LATEST)
    if after:
        rows = rows.filter(ComesAfter(after))
        until = min(until, after[0])
    # Whether bounds of time are what an index is to be read by, rather than something rarer.
    by_time = settings == IN_ORDER and rows.path_times not in (None, (EARLIEST, LATEST))
    is_before = LessThan(F("id"), Bound("before"))
    before = first_id(milliseconds(until) + 1)
    with_time = rows.filter(
        carries_time(),
        FromBound(),
        LessThan(F("id"), Bound("upper")),
        is_before if by_time else IsTrue(is_before),
        LessThan(Bound("lower"), Bound("before")),
    )
    if since > EARLIEST:
        least = first_id(milliseconds(since))
        with_time = with_time.filter(id__gte=least).filter(LessThan(Value(least), Bound("upper")))
    page = _page(with_time, limit, settings, BranchesQuery, "-id")
    page.query.ranges = known.ranges
    page.query.before = before
    page.query.windows = windows = _windows(rows, until, known.density)
    page.query.least = _least(windows, known)

    def run() -> "list[Archive]":
        found = list(page.all())
        others = rows.filter(carries_no_time())
        if by_time:
            others = others.filter(created__range=rows.path_times)
        last = found[-1] if len(found) >= limit else None
        if last and (rows.is_of_one_owner or by_time or last.pk >= windows[-1]):
            others = others.filter(created__range=(last.created, FOREVER))
        elif known.without_time > MANY and not (rows.is_of_one_owner or by_time):
            last_time = last.created if last else None
            return found + _by_windows(others, limit, last_time, after, settings)
        return found + list(_page(others, limit, settings))

    found = with_generic_plans(rows.db, run)
    found.sort(key=lambda row: (row.created, row.pk), reverse=True)
    return found[:limit]


def _windows(rows: "ArchiveQuerySet", until: datetime, density: float) -> tuple[UUID, ...]:
    """The ids from which on there are about as many rows as a window has."""
    if rows.is_of_one_owner:
        return ()
    latest = min(milliseconds(until), int(time.time() * 1000))
    sizes = STEPS if rows.path_in_steps else (WINDOW,)
    spans = (min(MOST_SPAN, int(size / density)) if density else MOST_SPAN for size in sizes)
    return tuple(first_id(latest - span) for span in spans)


def _least(windows: tuple[UUID, ...], known: Layout) -> UUID:
    """Where the earliest partition begins that today's windows may need, and all these ones lie
    behind; else the least of all ids."""
    if not windows:
        return LEAST
    earliest = first_id(int(time.time() * 1000) - MOST_SPAN)
    recent = max(lower for lower, _ in known.ranges if lower <= earliest)
    return recent if recent <= windows[-1] else LEAST


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
    page = _page(rows, limit, {}, PreparedQuery, *order)
    return with_generic_plans(rows.db, lambda: list(page.all()))[:limit]


def _page(
    rows: "ArchiveQuerySet",
    limit: int,
    settings: Settings,
    klass: type[PreparedQuery] = PreparedQuery,
    *order: str,
) -> Any:
    page: Any = rows.order_by(*(order or NEWEST))[: next((n for n in LIMITS if n >= limit), limit)]
    return _prepared(page, settings, klass)


def _prepared(rows: Any, settings: Settings, klass: type[PreparedQuery] = PreparedQuery) -> Any:
    rows_as = rows._iterable_class
    # Django gives rows of another query with columns of its own as dictionaries.
    rows.query = rows.query.chain(klass=klass)
    rows._iterable_class = rows_as
    rows.query.settings = settings
    return rows
