"""The partitions as they are."""

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from archives import sql

COMMENT = "A period of archives"
# What the comment was when every period was a month.
COMMENTS = [COMMENT, "A month of archives"]
# Months in a partition.
WIDTHS = (12, 3, 1)
DEFAULT = "playlist_default"
FIXED = (DEFAULT, "playlist_random")
NAME = re.compile(r"playlist_(\d{4})(?:_(0[1-9]|1[0-2])|_q([1-4]))?")
BOUNDS = re.compile(r"FOR VALUES FROM \('(.+)'\) TO \('(.+)'\)")


class PartitionError(Exception):
    """The partitions are not as they must be for this, or are never to be treated so."""


@dataclass(frozen=True, order=True)
class Period:
    """A month, a quarter or a year of UTC; `start` is its first day, `months` 1, 3 or 12."""

    start: date
    months: int = 1

    @classmethod
    def of(cls, day: date, months: int = 1) -> "Period":
        """The period of so many months that has this day."""
        return cls(date(day.year, day.month - (day.month - 1) % months, 1), months)

    @classmethod
    def now(cls) -> "Period":
        """This month."""
        return cls.of(timezone.now().astimezone(UTC).date())

    @classmethod
    def named(cls, name: str) -> "Period | None":
        """That whose partition has this name."""
        if not (found := NAME.fullmatch(name)):
            return None
        year, month, quarter = (int(part or 0) for part in found.groups())
        if quarter:
            return cls(date(year, 3 * quarter - 2, 1), 3)
        return cls(date(year, month, 1)) if month else cls(date(year, 1, 1), 12)

    @property
    def end(self) -> date:
        """The first day after it."""
        year, month = divmod(self.start.year * 12 + self.start.month - 1 + self.months, 12)
        return date(year, month + 1, 1)

    @property
    def next(self) -> "Period":
        return Period(self.end, self.months)

    @property
    def name(self) -> str:
        year = f"playlist_{self.start:%Y}"
        if self.months == 12:
            return year
        return (
            f"{year}_q{self.start.month // 3 + 1}"
            if self.months == 3
            else f"{year}_{self.start:%m}"
        )

    @property
    def lower(self) -> uuid.UUID:
        """The least UUID of version 7 that it can make, less its version's bits."""
        return _first_id(self.start)

    @property
    def upper(self) -> uuid.UUID:
        return _first_id(self.end)

    def overlaps(self, other: "Period") -> bool:
        return self.start < other.end and other.start < self.end


def _first_id(day: date) -> uuid.UUID:
    midnight = datetime.combine(day, time(), UTC)
    return uuid.UUID(int=int(midnight.timestamp()) * 1000 << 80)


@dataclass(frozen=True)
class Partition:
    """A partition as it is. `period` is that whose partition this is, made by this project."""

    name: str
    lower: uuid.UUID | None
    upper: uuid.UUID | None
    period: Period | None
    rows: int
    size: int


def is_ready(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Whether there are partitions, and no migration is on its way from or to the older schema."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql.IS_READY)
        return bool(cursor.fetchone()[0])


def partitions(using: str = DEFAULT_DB_ALIAS) -> list[Partition]:
    """All partitions, by name. Raise PartitionError where there are none."""
    if not is_ready(using):
        raise PartitionError("The archives are not partitioned (yet): run migrate.")
    with connections[using].cursor() as cursor:
        cursor.execute(sql.PARTITIONS)
        return [_partition(*row) for row in cursor.fetchall()]


def missing_months(cursor: CursorWrapper, ahead: int) -> list[Period]:
    """Of this month and the `ahead` next, those without a partition."""
    cursor.execute(sql.NAMES_OF_PARTITIONS, [COMMENTS])
    periods = [found for (name,) in cursor.fetchall() if (found := Period.named(name))]
    months = [Period.now()]
    for _ in range(ahead):
        months.append(months[-1].next)
    return [month for month in months if not any(map(month.overlaps, periods))]


def _partition(name: str, bounds: str, comment: str | None, rows: int, size: int) -> Partition:
    lower, upper = (None, None)
    if found := BOUNDS.fullmatch(bounds):
        lower, upper = (uuid.UUID(text) for text in found.groups())
    elif found := re.fullmatch(r"FOR VALUES FROM \('(.+)'\) TO \(MAXVALUE\)", bounds):
        lower = uuid.UUID(found[1])
    period = Period.named(name) if comment in COMMENTS else None
    if period and (lower, upper) != (period.lower, period.upper):
        period = None
    return Partition(name, lower, upper, period, rows, size)
