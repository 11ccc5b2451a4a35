"""What every change of partitions needs: its transaction, and foreign keys put out of the way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from django.db import connections
from django.db.backends.utils import CursorWrapper

from archives import sql
from vibomat.migration_operations import with_short_locks

Result = TypeVar("Result")


@dataclass(frozen=True)
class ValidateForeignKey:
    """Validate a foreign key that was created again when rows moved."""

    referrer: str
    name: str

    def __str__(self) -> str:
        return f"Validate the foreign key {self.name} of {self.referrer}"


def change(using: str, run: Callable[[CursorWrapper], Result]) -> Result:
    """Call `run` in a transaction in which nobody else changes partitions; again, if it does not
    get a lock at once."""

    def alone() -> Result:
        with connections[using].cursor() as cursor:
            cursor.execute(sql.LOCK)
            return run(cursor)

    return with_short_locks(connections[using], alone)


@contextmanager
def without_references(cursor: CursorWrapper, partition: str, condition: str) -> Iterator[None]:
    """Drop those foreign keys by which rows of the partition are referred to, and create them anew.

    PostgreSQL looks for a row that is referred to in the partition it was deleted from only. They
    are created unvalidated: reading whole tables is for later, without these locks.
    """
    cursor.execute(sql.FOREIGN_KEYS)
    quote = cursor.db.ops.quote_name
    dropped = []
    for name, referrer, column, is_inbound, _, definition in cursor.fetchall():
        words = {"referrer": referrer, "key": quote(name)}
        if is_inbound and refers(cursor, referrer, quote(column), partition, condition):
            cursor.execute(sql.DROP_FOREIGN_KEY.format(**words))
            dropped.append(words | {"definition": definition.removesuffix(" NOT VALID")})
    yield
    for words in dropped:
        cursor.execute(sql.ADD_FOREIGN_KEY.format(**words))


def refers(
    cursor: CursorWrapper, referrer: str, column: str, partition: str, condition: str
) -> bool:
    cursor.execute(
        sql.IS_REFERRED_TO.format(
            referrer=referrer, column=column, partition=partition, condition=condition
        )
    )
    return bool(cursor.fetchone()[0])


def columns(cursor: CursorWrapper) -> str:
    cursor.execute(sql.COLUMNS)
    return str(cursor.fetchone()[0])


def to_validate(using: str) -> list[ValidateForeignKey]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql.FOREIGN_KEYS)
        return [
            ValidateForeignKey(referrer, name)
            for name, referrer, _, _, is_valid, _ in cursor.fetchall()
            if not is_valid
        ]


def validate(step: ValidateForeignKey, using: str) -> None:
    def run(cursor: CursorWrapper) -> None:
        if step in to_validate(using):
            key = cursor.db.ops.quote_name(step.name)
            cursor.execute(sql.VALIDATE_FOREIGN_KEY.format(referrer=step.referrer, key=key))

    change(using, run)
