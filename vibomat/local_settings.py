"""Reading under settings of PostgreSQL that nothing else runs under."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, LiteralString, Self

import psycopg
from django.db import connections, transaction

from vibomat.databases import shares_sessions
from vibomat.postgresql.prepared import prepared_cursor

Rows = list[tuple[Any, ...]]


def rows_under(
    settings: Mapping[str, str],
    statement: str,
    params: Sequence[Any],
    using: str,
    *,
    prepared: bool = False,
) -> Rows:
    """What a statement gives that only reads; the settings are as before afterwards.

    They are sent together. PostgreSQL makes one transaction of what comes at once, and such
    settings end with it; inside another transaction a savepoint is rolled back.

    `prepared`: by a prepared cursor, which binds the parameters by the server.
    """
    send = _sent_prepared if prepared and not shares_sessions(connections[using]) else _sent
    if not connections[using].in_atomic_block:
        return send(settings, statement, params, using)
    with transaction.atomic(using=using):
        rows = send(settings, statement, params, using)
        transaction.set_rollback(True, using=using)
        return rows


def _sent(settings: Mapping[str, str], statement: str, params: Sequence[Any], using: str) -> Rows:
    with connections[using].cursor() as cursor:
        select, values = _selected(settings)
        cursor.execute(f"{select}; {statement}", [*values, *params])
        cursor.nextset()
        rows: Rows = cursor.fetchall()
        return rows


def _sent_prepared(
    settings: Mapping[str, str], statement: str, params: Sequence[Any], using: str
) -> Rows:
    with prepared_cursor(using, partial(_UnderSettings, settings)) as cursor:
        cursor.execute(statement, params)
        rows: Rows = cursor.fetchall()
        return rows


class _UnderSettings(psycopg.Cursor[tuple[Any, ...]]):
    """A cursor whose statements are executed under settings."""

    def __init__(
        self, settings: Mapping[str, str], connection: psycopg.Connection[tuple[Any, ...]]
    ) -> None:
        super().__init__(connection)
        self.settings = settings

    def execute(self, *args: Any, **kwargs: Any) -> Self:
        """The statements are executed together, and this returns when they are done."""
        with self.connection.pipeline():
            psycopg.Cursor(self.connection).execute(*_selected(self.settings))
            super().execute(*args, **kwargs)
        return self


def _selected(settings: Mapping[str, str]) -> tuple[LiteralString, list[str]]:
    names = ", ".join(["set_config(%s, %s, true)"] * len(settings))
    return f"SELECT {names}", [part for setting in settings.items() for part in setting]
