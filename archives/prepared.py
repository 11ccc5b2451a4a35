"""Queries whose plan PostgreSQL makes once for a connection.

Planning a query of sixty partitions takes many times as long as running it by index. So these are
prepared, with a generic plan: one that knows no value. Whoever writes one sees to it that this plan
is right for any value, as `archives.newest` does.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar, cast
from weakref import WeakKeyDictionary

from django.core.exceptions import EmptyResultSet
from django.db import ProgrammingError, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Expression, Func, Value
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.constants import MULTI
from psycopg.errors import InvalidSqlStatementName

from vibomat.databases import shares_sessions
from vibomat.local_settings import rows_under

SETTINGS = {
    "plan_cache_mode": "force_generic_plan",
    # The plan stays for a connection's life, and a partition that is empty today fills.
    "enable_seqscan": "off",
    # Workers and compiling take longer to start than these queries to run.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}
# A plan of five years takes about a megabyte.
MOST_STATEMENTS = 30

Result = TypeVar("Result")

# By psycopg's connection: the names of its prepared statements, the last used last.
_prepared: WeakKeyDictionary[Any, OrderedDict[str, None]] = WeakKeyDictionary()


class Constant(Value):
    """A value written into the statement, as it is in the index that the statement is to use."""

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        quoted = "'" + str(self.value).replace("'", "''") + "'"
        return quoted.replace("%", "%%"), []


class Once(Func):
    """An expression of constants, which a prepared query evaluates once and not for each partition.
    `type` is its type in PostgreSQL."""

    def __init__(self, expression: Expression, type: str) -> None:
        super().__init__(expression, output_field=expression.output_field)
        self.type = type

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any, **context: Any
    ) -> tuple[str, Sequence[Any]]:
        (expression,) = self.get_source_expressions()
        sql, params = compiler.compile(expression)
        if isinstance(compiler, PreparedCompiler):
            return f"%s::{self.type}", [Argument(f"({sql})", tuple(params))]
        return sql, params


class Argument(NamedTuple):
    """An expression that a prepared statement is executed with."""

    sql: str
    params: tuple[Any, ...]


class PreparedQuery(Query):
    """A query that runs inside `with_generic_plans`, under those settings and its own, which have
    to be the same each time."""

    settings: dict[str, str]

    def get_compiler(
        self, using: str | None = None, connection: Any = None, elide_empty: bool = True
    ) -> SQLCompiler:
        return PreparedCompiler(
            self, connection or connections[cast(str, using)], using, elide_empty
        )


class PreparedCompiler(SQLCompiler):
    query: PreparedQuery
    # What follows a condition that no index is to answer where rows are few anyway.
    of_few = " IS TRUE"

    def execute_sql(  # type: ignore[override]
        self, result_type: str = MULTI, chunked_fetch: bool = False, chunk_size: int = 100
    ) -> list[list[Any]]:
        try:
            sql, given = self.as_sql()
        except EmptyResultSet:
            return []
        key, params = self.named(sql, given)
        arguments = [p if isinstance(p, Argument) else Argument("%s", (p,)) for p in params]
        listed = f"({', '.join(argument.sql for argument in arguments)})" if arguments else ""
        return [
            rows_under(
                SETTINGS | self.query.settings,
                f"EXECUTE {self._name(key)} {listed}",
                [param for argument in arguments for param in argument.params],
                self.connection.alias,
            )
        ]

    def named(self, sql: str, params: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        """What tells this statement from others, and its parameters."""
        return sql, params

    def statement(self, key: Any) -> str:
        """The statement as PREPARE takes it."""
        return numbered(key)

    def _name(self, key: Any) -> str:
        """The name by which the session has prepared the statement."""
        name = _name_of(key)
        with self.connection.cursor() as cursor:
            names = _names(self.connection, cursor)
            if name not in names:
                if len(names) >= MOST_STATEMENTS:
                    oldest, _ = names.popitem(last=False)
                    cursor.execute(f"DEALLOCATE {oldest}")
                cursor.execute(f"PREPARE {name} AS {self.statement(key)}")
        names[name] = None
        names.move_to_end(name)
        return name


@lru_cache(maxsize=256)
def _name_of(key: Any) -> str:
    """The same in every process, as a pooler gives one's sessions to another."""
    return f"archives_{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}"


def _names(connection: Any, cursor: CursorWrapper) -> OrderedDict[str, None]:
    """The statements that the session has prepared, the one to forget first first."""
    if shares_sessions(connection):
        # Only the server knows what the one at hand has prepared.
        cursor.execute(
            "SELECT name FROM pg_prepared_statements WHERE starts_with(name, 'archives_') "
            "ORDER BY prepare_time, name"
        )
        return OrderedDict.fromkeys(name for (name,) in cursor.fetchall())
    return _prepared.setdefault(connection.connection, OrderedDict())


def numbered(sql: str, first: int = 1) -> str:
    """Django's placeholders as PostgreSQL's."""
    pieces = []
    for piece in sql.split("%%"):
        head, *rest = piece.split("%s")
        pieces.append(head)
        for text in rest:
            pieces[-1] += f"${first}{text}"
            first += 1
    return "%".join(pieces)


def with_generic_plans(using: str, run: Callable[[], Result]) -> Result:
    """Call `run`, which runs prepared queries and only reads.

    Behind a pooler they run in a transaction, so that the session which prepares is the one that
    executes. Otherwise who stands between may still have given the connection to another server
    process, which knows none of its statements: then they are prepared again.
    """
    if shares_sessions(connections[using]):
        with transaction.atomic(using=using):
            return run()
    try:
        return run()
    except ProgrammingError as error:
        if not isinstance(error.__cause__, InvalidSqlStatementName):
            raise
    _prepared.pop(connections[using].connection, None)
    return run()
