"""What PostgreSQL knows of the table of archives: its partitions, and how common a column's values
are. An outdated layout costs time only."""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connections

from archives import sql

LAYOUT_SECONDS = 300.0
LEAST = UUID(int=0)
# Where the partition of the random ids begins: no id of this century carries a later time.
END = UUID("04000000-0000-0000-0000-000000000000")
HOUR = 3_600_000

Ranges = tuple[tuple[UUID, UUID], ...]


@dataclass(frozen=True)
class Column:
    """The commonest values of a column with the share of rows that have each, and those in between
    which parts of equally many of the others lie."""

    common: Mapping[str, float]
    bounds: tuple[int, ...] = ()
    others: float = 0.0

    def share_of(self, value: str) -> float:
        """Of a column of few values, all of which are common but those that hardly any row has."""
        return self.common.get(value, 0.0)

    def share_between(self, least: int, most: int) -> float:
        """The share of rows with a number from `least` to `most`, both included."""
        share = sum(part for value, part in self.common.items() if least <= int(value) <= most)
        parts = bisect_right(self.bounds, most) - bisect_left(self.bounds, least)
        # A part in which the bounds lie counts whole.
        return share + self.others * min(1.0, (parts + 1) / max(1, len(self.bounds) - 1))


@dataclass(frozen=True)
class Layout:
    """Ranges of ids that leave nothing out, newest first; how many rows come in a millisecond; how
    many rows have ids that do not tell their time; the columns that there are statistics of."""

    ranges: Ranges
    density: float
    without_time: int
    columns: Mapping[str, Column]
    read: float = field(default_factory=time.monotonic)


_layouts: dict[tuple[str, str], Layout] = {}


def layout(using: str) -> Layout:
    """As it is, or was in the last minutes."""
    connection = connections[using]
    key = (using, str(connection.settings_dict["NAME"]))
    known = _layouts.get(key)
    if known is None or time.monotonic() - known.read > LAYOUT_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute(sql.RANGES)
            ranges, density = _ranges(cursor.fetchall())
            cursor.execute(sql.WITHOUT_TIME)
            (without_time,) = cursor.fetchone()
            cursor.execute(sql.COLUMNS_KNOWN)
            columns = dict(_columns(cursor.fetchall()))
        known = _layouts[key] = Layout(ranges, density, without_time, columns)
    return known


def forget_layouts() -> None:
    _layouts.clear()


def _ranges(partitions: list[tuple[UUID, UUID, float]]) -> tuple[Ranges, float]:
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
    return tuple(ranges), densest


Known = tuple[str, float, list[str] | None, list[float] | None, list[str] | None]


def _columns(known: list[Known]) -> Iterable[tuple[str, Column]]:
    for name, of_null, values, shares, bounds in known:
        common = dict(zip(values or (), shares or (), strict=True))
        numbers = tuple(map(int, bounds)) if bounds and bounds[0].isdecimal() else ()
        yield name, Column(common, numbers, 1 - of_null - sum(common.values()))
