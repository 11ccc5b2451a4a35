"""Statements that PostgreSQL parses and plans once for a connection."""

from collections.abc import Callable
from typing import Any, cast

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper

from vibomat.databases import shares_sessions


def prepared_cursor(
    using: str = DEFAULT_DB_ALIAS,
    cursor_on: Callable[[psycopg.Connection[Any]], psycopg.Cursor[Any]] = psycopg.Cursor,
) -> CursorWrapper:
    """A cursor that prepares what it executes, with parameters bound by the server.

    Behind a pooler, where the next transaction may meet another session, it is like any other.
    """
    connection = connections[using]
    if shares_sessions(connection):
        return connection.cursor()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        # Django's own cursors put parameters into the statement, and so never prepare it.
        connection.connection.prepare_threshold = 0
        cursor = cursor_on(connection.connection)
    return cast(CursorWrapper, connection._prepare_cursor(cursor))  # type: ignore[attr-defined]
