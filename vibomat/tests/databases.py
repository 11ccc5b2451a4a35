"""Databases besides the test's own, on the same server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections


@contextmanager
def database(name: str, copied_from: str = "template1", options: str = "") -> Iterator[str]:
    """Create a database, an empty one unless copied from another; gives its whole name.

    Nobody may be connected to the one it is copied from. `options` are those of CREATE DATABASE.
    """
    whole = f"{connection.settings_dict['NAME']}_{name}"
    quote = connection.ops.quote_name
    _on_server(f"DROP DATABASE IF EXISTS {quote(whole)} WITH (FORCE)")
    _on_server(f"CREATE DATABASE {quote(whole)} TEMPLATE {quote(copied_from)} {options}")
    try:
        yield whole
    finally:
        _on_server(f"DROP DATABASE {quote(whole)} WITH (FORCE)")


def _on_server(statement: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def connected_to(name: str) -> Iterator[None]:
    """That database in the place of the default one, in every thread."""
    usual = connections[DEFAULT_DB_ALIAS]
    usual_name = usual.settings_dict["NAME"]
    other = connections.create_connection(DEFAULT_DB_ALIAS)
    # The settings that both share, and whatever connection another thread makes.
    usual.settings_dict["NAME"] = name
    connections[DEFAULT_DB_ALIAS] = other
    try:
        yield
    finally:
        other.close()
        connections[DEFAULT_DB_ALIAS] = usual
        usual.settings_dict["NAME"] = usual_name


def connect() -> psycopg.Connection[Any]:
    """A connection of its own to the database that is the default one now."""
    parameters = connection.get_connection_params()
    keep = ("host", "port", "dbname", "user", "password")
    return psycopg.connect(
        **{key: parameters[key] for key in keep if key in parameters}, autocommit=True
    )


def execute(statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """The rows of a statement, none of one that has no result."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


# What migrate makes.
MADE = ("auth_permission", "django_content_type")


def empty() -> None:
    """Leave no row in any model's table, but what migrate makes."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    quoted = [connection.ops.quote_name(table) for table in tables if table not in MADE]
    filled = execute(
        " UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT FROM {t})" for t in quoted)
    )
    if filled:
        execute(f"TRUNCATE {', '.join(table for (table,) in filled)} CASCADE")
