"""The archives' table in several layouts, in a schema of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.core.management.base import CommandError
from django.db import connection
from django.db.backends.utils import CursorWrapper

from benchmarks import sql
from benchmarks.population import MONTHS, first_of_month, lowest_uuid_at
from vibomat import timeouts

HASH_PARTITIONS = 16


@dataclass(frozen=True)
class Partition:
    """One partition: its bounds as SQL, and from and before which time its ids were made, if that
    is so."""

    name: str
    bounds: str
    since: datetime | None = None
    until: datetime | None = None


class Bytes(NamedTuple):
    """What a layout takes on the disk."""

    table: int
    btree_indexes: int
    gin_index: int


@dataclass(frozen=True)
class Layout:
    """How a table of archives is stored; `partition_by` is empty for a table that is whole."""

    title: str
    table: str
    primary_key: str = "id"
    partition_by: str = ""
    partitions: tuple[Partition, ...] = ()

    @property
    def name(self) -> str:
        """The table's name as SQL wants it."""
        return qualified(self.table)

    def create(self, cursor: CursorWrapper) -> None:
        """Create the empty table, without its indexes.

        Autovacuum is off, or it would do some layouts' work outside of what is measured.
        """
        by = f"PARTITION BY {self.partition_by}" if self.partition_by else ""
        cursor.execute(sql.CREATE.format(table=self.name, by=by))
        for partition in self.partitions:
            cursor.execute(
                sql.CREATE_PARTITION.format(
                    partition=qualified(partition.name), table=self.name, bounds=partition.bounds
                )
            )
        for leaf in self.leaves(cursor):
            cursor.execute(sql.DISABLE_AUTOVACUUM.format(table=leaf))

    def create_indexes(self, cursor: CursorWrapper) -> Iterator[None]:
        """Create one index each time this is advanced."""
        for statement in sql.INDEXES:
            cursor.execute(statement.format(table=self.name, primary_key=self.primary_key))
            yield

    def leaves(self, cursor: CursorWrapper) -> list[str]:
        """The tables that hold rows."""
        cursor.execute(sql.LEAVES, {"table": self.name})
        return [leaf for (leaf,) in cursor.fetchall()]

    def bytes(self, cursor: CursorWrapper) -> Bytes:
        cursor.execute(sql.BYTES, {"table": self.name})
        return Bytes(*cursor.fetchone())

    def periods(self) -> list[tuple[UUID, UUID]]:
        """The ranges of ids of the partitions by time, the newest first."""
        return [
            (lowest_uuid_at(partition.since), lowest_uuid_at(partition.until))
            for partition in reversed(self.partitions)
            if partition.since and partition.until
        ]

    def drop_before(self, cursor: CursorWrapper, time: datetime) -> None:
        """Take out what was made before `time`: whole partitions if there are such, else rows."""
        if old := [qualified(p.name) for p in self.partitions if p.until and p.until <= time]:
            cursor.execute(f"DROP TABLE {', '.join(old)}")
        else:
            cursor.execute(f"DELETE FROM {self.name} WHERE id < %s", [lowest_uuid_at(time)])


def unpartitioned() -> Layout:
    return Layout("unpartitioned", "whole")


def by_months(since: datetime, months: int) -> Layout:
    """RANGE of the id, `months` to a partition, from `since` until the month after the last, with a
    default partition for ids that are of no such month."""
    partitions = [Partition(f"months_{months}_default", "DEFAULT")]
    for number in range(0, MONTHS + 1, months):
        start, end = first_of_month(since, number), first_of_month(since, number + months)
        partitions.append(
            Partition(
                f"months_{months}_{start:%Y_%m}",
                f"FOR VALUES FROM ('{lowest_uuid_at(start)}') TO ('{lowest_uuid_at(end)}')",
                start,
                end,
            )
        )
    width = "month" if months == 1 else f"{months} months"
    return Layout(
        f"RANGE id, {width} ({len(partitions)})",
        f"months_{months}",
        partition_by="RANGE (id)",
        partitions=tuple(partitions),
    )


def by_owner(count: int = HASH_PARTITIONS) -> Layout:
    """HASH of the owner. A primary key must hold the owner then; so ids are not known unique."""
    return Layout(
        f"HASH owner ({count})",
        "owners",
        primary_key="id, user_id",
        partition_by="HASH (user_id)",
        partitions=tuple(
            Partition(f"owners_{rest}", f"FOR VALUES WITH (MODULUS {count}, REMAINDER {rest})")
            for rest in range(count)
        ),
    )


def qualified(name: str) -> str:
    return f"{sql.SCHEMA}.{name}"


@contextmanager
def schema() -> Iterator[None]:
    """An empty schema for the layouts, which is gone afterwards, however the block ends.

    Raise CommandError if another process has it. Statements have no time limit in the block.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql.TRY_LOCK)
        if cursor.fetchone() != (True,):
            raise CommandError("Another benchmark of partitions is running; wait for its end.")
    try:
        with timeouts.lifted():
            with connection.cursor() as cursor:
                # One that was killed left it.
                cursor.execute(sql.DROP_SCHEMA)
                cursor.execute(sql.CREATE_SCHEMA)
                cursor.execute(sql.CREATE_KEYS)
            yield
    finally:
        # After an interruption the connection may be amid a statement.
        connection.close()
        with timeouts.lifted(), connection.cursor() as cursor:
            cursor.execute(sql.LOCK)
            cursor.execute(sql.DROP_SCHEMA)
            cursor.execute(sql.UNLOCK)
