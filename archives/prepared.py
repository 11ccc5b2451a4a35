"""Queries whose plan PostgreSQL makes once for a connection.

Planning a query of sixty partitions takes ten times as long as running it by index. So these are
prepared, with a generic plan: one that knows no value. Whoever writes one sees to it that the plan
is right for any value; see `archives.newest`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from django.core.exceptions import EmptyResultSet
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Expression, Func, Value
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.constants import MULTI
from psycopg import Cursor

SETTINGS = {
    "plan_cache_mode": "force_generic_plan",
    # The plan stays for a connection's life, and a partition that is empty today fills.
    "enable_seqscan": "off",
    # Workers and compiling take longer to start than these queries to run.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}


class Constant(Value):
    """A value written into the statement, as what an index was created with has to be."""

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        quoted = "'" + str(self.value).replace("'", "''") + "'"
        return quoted.replace("%", "%%"), []


class Once(Func):
    """An expression of constants, which a prepared query evaluates once instead of for each
    partition; `type` is its type in PostgreSQL."""

    def __init__(self, expression: Expression, type: str) -> None:
        super().__init__(expression, output_field=expression.output_field)
        self.type = type

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any, **context: Any
    ) -> tuple[str, Sequence[Any]]:
        (expression,) = self.get_source_expressions()
        sql, params = compiler.compile(expression)
        if isinstance(compiler, PreparedCompiler):
            return f"%s::{self.type}", [Pending(sql, tuple(params), self.type)]
        return sql, params


class Pending:
    """A parameter that is still to be evaluated."""

    def __init__(self, sql: str, params: tuple[Any, ...], type: str) -> None:
        # psycopg knows no tsquery; all of these have a text form.
        self.sql = f"({sql})::text" if type == "tsquery" else sql
        self.params = params


class PreparedCursor(Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]
        return super().execute(query, params, **{**kwargs, "prepare": True})


class PreparedQuery(Query):
    """A query that has to be run inside `generic_plans`."""

    def get_compiler(
        self, using: str | None = None, connection: Any = None, elide_empty: bool = True
    ) -> SQLCompiler:
        return PreparedCompiler(
            self, connection or connections[cast(str, using)], using, elide_empty
        )


class PreparedCompiler(SQLCompiler):
    def execute_sql(
        self, result_type: str = MULTI, chunked_fetch: bool = False, chunk_size: int = 100
    ) -> list[list[Any]]:
        try:
            sql, params = self.named_sql()
        except EmptyResultSet:
            return []
        params = _evaluated(params, self.connection)
        with _prepared_cursor(self.connection) as cursor:
            cursor.execute(sql, params)
            return [cursor.fetchall()]

    def named_sql(self) -> tuple[str, dict[str, Any]]:
        """The statement with the names of its parameters, and these."""
        sql, params = self.as_sql()
        return with_names(sql, params)


def with_names(sql: str, params: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """Names for the parameters of a statement, so that it can be repeated with the same ones."""
    named = {f"p{number}": value for number, value in enumerate(params)}
    parts = iter(named)
    pieces = []
    for piece in sql.split("%%"):
        head, *rest = piece.split("%s")
        pieces.append(head + "".join(f"%({next(parts)})s{text}" for text in rest))
    return "%%".join(pieces), named


def _evaluated(params: dict[str, Any], connection: Any) -> dict[str, Any]:
    pending = {name: value for name, value in params.items() if isinstance(value, Pending)}
    if not pending:
        return params
    sql = ", ".join(value.sql for value in pending.values())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql}", [p for value in pending.values() for p in value.params])
        return params | dict(zip(pending, cursor.fetchone(), strict=True))


def _prepared_cursor(connection: Any) -> CursorWrapper:
    connection.ensure_connection()
    return cast(CursorWrapper, connection.make_cursor(PreparedCursor(connection.connection)))


@contextmanager
def generic_plans(using: str) -> Iterator[None]:
    """A transaction, or the one there is, with the settings of prepared queries inside the block."""
    connection = connections[using]
    nested = connection.in_atomic_block
    with transaction.atomic(using=using, savepoint=False), connection.cursor() as cursor:
        _set(cursor, [f"SET LOCAL {name} = {value}" for name, value in SETTINGS.items()])
        yield
        if nested:
            _set(cursor, [f"SET LOCAL {name} TO DEFAULT" for name in SETTINGS])


def _set(cursor: CursorWrapper, statements: list[str]) -> None:
    cursor.execute("; ".join(statements))
