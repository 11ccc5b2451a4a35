"""The older database, which is only read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import IsolationLevel
from psycopg.conninfo import conninfo_to_dict

from vibomat.checks import one_line

from .kinds import KINDS, Kind
from .sql import COLUMNS_OF, SUM_OF_DIGESTS, digest_of

CONNECT_SECONDS = 10
# As text these types look alike in both databases.
TYPES = {
    "uuid": {"uuid"},
    "text": {"character varying", "text"},
    "boolean": {"boolean"},
    "integer": {"integer", "smallint"},
    "json": {"json", "jsonb"},
    "timestamptz": {"timestamp with time zone"},
}
SETTINGS = """
SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL extra_float_digits = 1;
SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL client_encoding = 'UTF8'
"""


class SourceError(Exception):
    """The older database can't be read. The message is one line."""


@dataclass
class Source:
    connection: "psycopg.Connection[Any]"

    def checksum(self, kind: Kind) -> tuple[int, int]:
        """The number of rows, and a sum of their digests."""
        digests = f"SELECT {digest_of(kind)} AS digest FROM {kind.table}"
        with refused_in_one_line():
            found = self.connection.execute(SUM_OF_DIGESTS.format(digests=digests)).fetchone()
        return (found[0], int(found[1])) if found else (0, 0)

    def batches(self, kind: Kind, size: int) -> Iterator[list[bytes]]:
        """The rows with their digests, as lines for COPY."""
        columns = ", ".join(f"{name}::text" for name in kind.columns)
        query = (
            f"COPY (SELECT {columns}, {digest_of(kind)} FROM {kind.table} ORDER BY {kind.order})"
            " TO STDOUT"
        )
        lines: list[bytes] = []
        with refused_in_one_line(), self.connection.cursor().copy(query) as copy:
            for line in copy:
                lines.append(bytes(line))
                if len(lines) == size:
                    yield lines
                    lines = []
        if lines:
            yield lines

    def check(self) -> None:
        """Raise SourceError unless every table and column is there, with a type that fits."""
        if self.connection.info.parameter_status("server_encoding") == "SQL_ASCII":
            raise SourceError(
                "The older database's encoding is SQL_ASCII, so nobody knows what its letters are: "
                "dump it, and load it into a database in UTF8."
            )
        for kind in KINDS:
            with refused_in_one_line():
                found = dict(self.connection.execute(COLUMNS_OF, [kind.table]).fetchall())
            if not found:
                raise SourceError(
                    f"There is no table {kind.table} there: it is no older Vibomat's database."
                )
            for name, wanted in kind.columns.items():
                type = found.get(name, "missing")
                # The length of a text says nothing, that of a vector does.
                bare = type if "(" in wanted else type.split("(")[0]
                if bare not in TYPES.get(wanted, {wanted}):
                    raise SourceError(
                        f"{kind.table}.{name} there is {type}, and should be {wanted}: it is no "
                        "older Vibomat's database."
                    )


@contextmanager
def opened(url: str) -> Iterator[Source]:
    """The database at that address, in a transaction that can't write and sees one moment.

    Raises SourceError.
    """
    try:
        is_address = bool(conninfo_to_dict(url))
    except psycopg.ProgrammingError:
        is_address = False
    if not is_address:
        # It is not repeated, as it may have a password.
        raise SourceError("The address must look like postgresql://user@host:5432/name.")
    with refused_in_one_line():
        connection = psycopg.connect(
            url, connect_timeout=CONNECT_SECONDS, application_name="vibomat:adopt"
        )
    with connection:
        connection.read_only = True
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        with refused_in_one_line():
            connection.execute(SETTINGS)
        source = Source(connection)
        source.check()
        yield source
        connection.rollback()


@contextmanager
def refused_in_one_line() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise SourceError(f"The older database can't be read: {one_line(error)}") from error
