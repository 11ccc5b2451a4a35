"""Creating the months to come."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from archives import sql
from vibomat.migration_operations import retry_while_locked

from .changes import ValidateForeignKey, change, columns, to_validate, validate, without_references
from .existing import COMMENT, DEFAULT, Month, Partition, PartitionError, partitions

Report = Callable[[str], object]


@dataclass(frozen=True)
class CreateMonth:
    """Create a month's partition; `rows` of its ids are in the default one and move."""

    month: Month
    rows: int

    def __str__(self) -> str:
        month = self.month
        move = f", and move {self.rows:,} rows there from {DEFAULT}" if self.rows else ""
        return f"Create {month.name} for ids from {month.lower} to before {month.upper}{move}"


Step = CreateMonth | ValidateForeignKey


@dataclass(frozen=True)
class Plan:
    """Steps to do, in that order."""

    steps: tuple[Step, ...]
    using: str = DEFAULT_DB_ALIAS

    def __str__(self) -> str:
        return "\n".join(map(str, self.steps)) or "Nothing to do"

    def apply(self, report: Report = lambda line: None) -> None:
        """Do the steps, each a short transaction that waits two seconds at a time for its locks.

        `report` is called with each step when it is done. What somebody else did since the plan
        was made is left as it is.
        """
        for step in self.steps:
            if isinstance(step, CreateMonth):
                _create(step.month, self.using)
            report(str(step))
        # Beside those planned, those that the steps before left to be validated.
        for step in to_validate(self.using):
            validate(step, self.using)
            if step not in self.steps:
                report(str(step))


def plan(ahead: int | None = None, using: str = DEFAULT_DB_ALIAS) -> Plan:
    """What must be done so that every month from this one to `ahead` later has its partition.

    If the last partition is of an earlier month, those between come too. `ahead` is by default
    ARCHIVE_MONTHS_AHEAD. Raise PartitionError if another partition is in the way.
    """
    if ahead is None:
        ahead = settings.ARCHIVE_MONTHS_AHEAD
    existing = partitions(using)
    months = {partition.month for partition in existing if partition.month}
    current = Month.now()
    month = max((m for m in months if m < current), default=current)
    if month < current:
        month = month.next
    last = current
    for _ in range(ahead):
        last = last.next
    steps: list[Step] = []
    with connections[using].cursor() as cursor:
        while month <= last:
            if month not in months:
                _refuse_overlap(month, existing)
                cursor.execute(sql.COUNT_IN_DEFAULT, [month.lower, month.upper])
                steps.append(CreateMonth(month, cursor.fetchone()[0]))
            month = month.next
    return Plan((*steps, *to_validate(using)), using)


def _refuse_overlap(month: Month, existing: list[Partition]) -> None:
    for other in existing:
        if other.name == DEFAULT:
            continue
        reaches = other.upper is None or other.upper > month.lower
        if reaches and (other.lower is None or other.lower < month.upper):
            raise PartitionError(
                f"{other.name} has ids of {month.start:%B %Y} and is no month of this project: "
                "detach it first."
            )


def _create(month: Month, using: str) -> None:
    if not retry_while_locked(lambda: _attach_empty(month, using)):
        retry_while_locked(lambda: _attach_with_rows(month, using))


def _attach_empty(month: Month, using: str) -> bool:
    """Create and attach the month if no row is to move, while nothing but the default partition is
    locked; otherwise return False and leave all as it was."""
    words = _words(month)
    with change(using) as cursor:
        if _exists(month, using):
            return True
        cursor.execute(sql.LOCK_DEFAULT)
        cursor.execute(sql.COUNT_IN_DEFAULT, [month.lower, month.upper])
        if cursor.fetchone()[0]:
            return False
        cursor.execute(sql.CREATE.format(**words))
        cursor.execute(sql.ATTACH.format(**words))
    return True


def _attach_with_rows(month: Month, using: str) -> None:
    """Move the month's rows while the whole table is locked: whatever refers to them has to look
    away."""
    words = _words(month)
    with change(using) as cursor:
        if _exists(month, using):
            return
        cursor.execute(sql.LOCK_ALL)
        cursor.execute(sql.CREATE.format(**words))
        with without_references(cursor, DEFAULT, sql.IN_MONTH.format(**words)):
            cursor.execute(sql.MOVE_FROM_DEFAULT.format(**words, columns=columns(cursor)))
            cursor.execute(sql.ATTACH.format(**words))


def _exists(month: Month, using: str) -> bool:
    return any(partition.month == month for partition in partitions(using))


def _words(month: Month) -> dict[str, object]:
    return {
        "name": month.name,
        "lower": month.lower,
        "upper": month.upper,
        "comment": COMMENT,
    }
