"""A database of the benchmarks' own, beside the project's, on the same server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from django.core.management import call_command
from django.db import DatabaseError, connection
from rich.console import Console

from vibomat import timeouts

WARM_UP = """
SELECT sum(pg_prewarm(oid)) FROM pg_class
WHERE relkind IN ('r', 'i', 't') AND relpersistence <> 't' AND pg_relation_size(oid) > 0
"""


def scratch_name(subject: str) -> str:
    return f"{connection.settings_dict['NAME']}_benchmark_{subject}"


@contextmanager
def scratch_database(subject: str, *, migrated: bool = True) -> Iterator[None]:
    """Inside the block the default connection is to that database, migrated; it stays after it."""
    project = connection.settings_dict["NAME"]
    name = scratch_name(subject)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if not cursor.fetchone():
            cursor.execute(f"CREATE DATABASE {connection.ops.quote_name(name)}")
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        if migrated:
            call_command("migrate", verbosity=0)
        with timeouts.lifted():
            yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = project


def warm_up(console: Console) -> None:
    """Have the server read the whole database into its memory, where one in use is."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
            cursor.execute(WARM_UP)
    except DatabaseError as error:
        console.print(f"It begins cold, without pg_prewarm: {str(error).splitlines()[0]}")


def connection_parameters() -> dict[str, Any]:
    """psycopg's parameters for further connections to the database that is the default one now."""
    parameters = connection.get_connection_params()
    keep = ("host", "port", "dbname", "user", "password")
    return {name: parameters[name] for name in keep if name in parameters}


def environment() -> dict[str, str]:
    """The environment of another program that works on the database that is the default one now,
    and on no other, whatever this one's own says."""
    parameters = connection_parameters()
    name, user = parameters.pop("dbname"), quote(parameters.pop("user"), safe="")
    url = f"postgresql://{user}@/{quote(name, safe='')}?{urlencode(parameters)}"
    files = {"DATABASE_URL_FILE": "", "DATABASE_DIRECT_URL_FILE": ""}
    return {**os.environ, "DATABASE_URL": url, "DATABASE_DIRECT_URL": url, **files}


def drop_scratch_database(subject: str) -> None:
    name = connection.ops.quote_name(scratch_name(subject))
    with timeouts.lifted(), connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
