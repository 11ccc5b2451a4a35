"""Creating the periods to come."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper

from archives import sql

from .changes import ValidateForeignKey, change, columns, to_validate, validate, without_references
from .existing import COMMENT, DEFAULT, WIDTHS, Partition, PartitionError, Period, partitions

Report = Callable[[str], object]


@dataclass(frozen=True)
class CreatePeriod:
    """Create a period's partition; `rows` of its ids are in the default one and move."""

    period: Period
    rows: int

    def __str__(self) -> str:
        period = self.period
        move = f", and move {self.rows:,} rows there from {DEFAULT}" if self.rows else ""
        return f"Create {period.name} for ids from {period.lower} to before {period.upper}{move}"


Step = CreatePeriod | ValidateForeignKey


@dataclass(frozen=True)
class Plan:
    """Steps to do, in that order."""

    steps: tuple[Step, ...]
    using: str = DEFAULT_DB_ALIAS

    def __str__(self) -> str:
        return "\n".join(map(str, self.steps)) or "Nothing to do"

    def apply(self, report: Report = lambda line: None) -> None:
        """Do the steps, each a short transaction that waits for its locks a fifth of a second at a
        time.

        `report` is called with each step when it is done. What somebody else did since the plan
        was made is left as it is.
        """
        for step in self.steps:
            if isinstance(step, CreatePeriod):
                _create(step.period, self.using)
            report(str(step))
        # Beside those planned, those that the steps before left to be validated.
        for step in to_validate(self.using):
            validate(step, self.using)
            if step not in self.steps:
                report(str(step))


def plan(ahead: int | None = None, using: str = DEFAULT_DB_ALIAS) -> Plan:
    """What must be done so that every month from this one to `ahead` later has its partition.

    If the last partition ends before this month, those between come too. New ones have
    ARCHIVE_PARTITION_MONTHS months, or fewer where others are in their time already. `ahead` is by
    default ARCHIVE_MONTHS_AHEAD. Raise PartitionError if another partition is in the way.
    """
    if ahead is None:
        ahead = settings.ARCHIVE_MONTHS_AHEAD
    widest: int = settings.ARCHIVE_PARTITION_MONTHS
    existing = partitions(using)
    periods = [partition.period for partition in existing if partition.period]
    current = last = Period.now()
    for _ in range(ahead):
        last = last.next
    whole = Period.of(current.start, widest)
    if any(map(whole.overlaps, periods)):
        whole = current
    start = max((p.end for p in periods if p.start < current.start), default=whole.start)
    steps: list[Step] = []
    with connections[using].cursor() as cursor:
        while start <= last.start:
            known = next((period for period in periods if period.start == start), None)
            period = known or _widest(start, widest, periods)
            if not known:
                _refuse_overlap(period, existing)
                cursor.execute(sql.COUNT_IN_DEFAULT, [period.lower, period.upper])
                steps.append(CreatePeriod(period, cursor.fetchone()[0]))
            start = period.end
    return Plan((*steps, *to_validate(using)), using)


def _widest(start: date, months: int, others: list[Period]) -> Period:
    """The longest period from that day on, of at most so many months, that overlaps no other."""
    for width in WIDTHS:
        period = Period.of(start, width)
        if width <= months and period.start == start and not any(map(period.overlaps, others)):
            return period
    raise AssertionError("A month that another period has begun in does not begin one.")


def _refuse_overlap(period: Period, existing: list[Partition]) -> None:
    for other in existing:
        if other.name == DEFAULT:
            continue
        reaches = other.upper is None or other.upper > period.lower
        if reaches and (other.lower is None or other.lower < period.upper):
            raise PartitionError(
                f"{other.name} has ids that belong into {period.name} and is no partition of this "
                "project: detach it first."
            )


def _create(period: Period, using: str) -> None:
    if not change(using, lambda cursor: _attach_empty(cursor, period, using)):
        change(using, lambda cursor: _attach_with_rows(cursor, period, using))


def _attach_empty(cursor: CursorWrapper, period: Period, using: str) -> bool:
    """Create and attach the period if no row is to move, while others read all but the default
    partition; otherwise return False and leave all as it was."""
    words = _words(period)
    if _exists(period, using):
        return True
    cursor.execute(sql.LOCK_WRITERS)
    cursor.execute(sql.LOCK_DEFAULT)
    cursor.execute(sql.COUNT_IN_DEFAULT, [period.lower, period.upper])
    if cursor.fetchone()[0]:
        return False
    cursor.execute(sql.CREATE.format(**words))
    cursor.execute(sql.ATTACH.format(**words))
    return True


def _attach_with_rows(cursor: CursorWrapper, period: Period, using: str) -> None:
    """Move the period's rows while the whole table is locked: whatever refers to them has to look
    away."""
    words = _words(period)
    if _exists(period, using):
        return
    cursor.execute(sql.LOCK_ALL)
    cursor.execute(sql.CREATE.format(**words))
    with without_references(cursor, DEFAULT, sql.IN_PERIOD.format(**words)):
        cursor.execute(sql.MOVE_FROM_DEFAULT.format(**words, columns=columns(cursor)))
        cursor.execute(sql.ATTACH.format(**words))


def _exists(period: Period, using: str) -> bool:
    return any(partition.period == period for partition in partitions(using))


def _words(period: Period) -> dict[str, object]:
    return {
        "name": period.name,
        "lower": period.lower,
        "upper": period.upper,
        "comment": COMMENT,
    }
