"""The partitions as they are."""

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from archives import sql

COMMENT = "A month of archives"
DEFAULT = "playlist_default"
FIXED = (DEFAULT, "playlist_random")
BOUNDS = re.compile(r"FOR VALUES FROM \('(.+)'\) TO \('(.+)'\)")


class PartitionError(Exception):
    """The partitions are not as they must be for this, or are never to be treated so."""


@dataclass(frozen=True, order=True)
class Month:
    """A month of UTC; `start` is its first day."""

    start: date

    @classmethod
    def of(cls, day: date) -> "Month":
        return cls(day.replace(day=1))

    @classmethod
    def now(cls) -> "Month":
        return cls.of(timezone.now().astimezone(UTC).date())

    @property
    def next(self) -> "Month":
        year, month = divmod(self.start.year * 12 + self.start.month, 12)
        return Month(date(year, month + 1, 1))

    @property
    def name(self) -> str:
        return f"playlist_{self.start:%Y_%m}"

    @property
    def lower(self) -> uuid.UUID:
        """The least UUID of version 7 that this month can make, less its version's bits."""
        midnight = datetime.combine(self.start, time(), UTC)
        return uuid.UUID(int=int(midnight.timestamp()) * 1000 << 80)

    @property
    def upper(self) -> uuid.UUID:
        return self.next.lower


@dataclass(frozen=True)
class Partition:
    """A partition as it is. `month` is that whose partition this is, made by this project."""

    name: str
    lower: uuid.UUID | None
    upper: uuid.UUID | None
    month: Month | None
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


def missing_months(cursor: CursorWrapper, ahead: int) -> list[Month]:
    """Of this month and the `ahead` next, those without a partition."""
    cursor.execute(sql.NAMES_OF_PARTITIONS, [COMMENT])
    names = {name for (name,) in cursor.fetchall()}
    months = [Month.now()]
    for _ in range(ahead):
        months.append(months[-1].next)
    return [month for month in months if month.name not in names]


def _partition(name: str, bounds: str, comment: str | None, rows: int, size: int) -> Partition:
    lower, upper = (None, None)
    if found := BOUNDS.fullmatch(bounds):
        lower, upper = (uuid.UUID(text) for text in found.groups())
    elif found := re.fullmatch(r"FOR VALUES FROM \('(.+)'\) TO \(MAXVALUE\)", bounds):
        lower = uuid.UUID(found[1])
    month = None
    if comment == COMMENT and (found := re.fullmatch(r"playlist_(\d{4})_(0[1-9]|1[0-2])", name)):
        claimed = Month(date(int(found[1]), int(found[2]), 1))
        if (lower, upper) == (claimed.lower, claimed.upper):
            month = claimed
    return Partition(name, lower, upper, month, rows, size)
