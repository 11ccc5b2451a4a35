"""What every change of partitions needs: its transaction, and foreign keys put out of the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from archives import sql
from vibomat.migration_operations import retry_while_locked


@dataclass(frozen=True)
class ValidateForeignKey:
    """Validate a foreign key that was created again when rows moved."""

    referrer: str
    name: str

    def __str__(self) -> str:
        return f"Validate the foreign key {self.name} of {self.referrer}"


@contextmanager
def change(using: str) -> Iterator[CursorWrapper]:
    """A transaction in which nobody else changes partitions."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(sql.SETTINGS)
        cursor.execute(sql.LOCK)
        yield cursor


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
    retry_while_locked(lambda: _validate(step, using))


def _validate(step: ValidateForeignKey, using: str) -> None:
    quote = connections[using].ops.quote_name
    with change(using) as cursor:
        if step in to_validate(using):
            cursor.execute(
                sql.VALIDATE_FOREIGN_KEY.format(referrer=step.referrer, key=quote(step.name))
            )
