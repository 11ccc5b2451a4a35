"""Whether a PostgreSQL server can hold Vibomat: run by `migrate` and `check --database default`.

And by `check --deploy`: whether limits count for visitors, not for the proxy they come by.
"""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import OperationalError, connections
from django.db.backends.utils import CursorWrapper

OLDEST_POSTGRESQL = 18
# The extensions and the oldest version of each that will do, None for any.
EXTENSIONS: dict[str, tuple[int, ...] | None] = {
    "fuzzystrmatch": None,
    "pg_trgm": None,
    "unaccent": None,
    "vector": (0, 8),
}
GET_CONTRIB = (
    "It is part of PostgreSQL's contrib modules (Debian: in postgresql-18; Red Hat: "
    "postgresql18-contrib; managed services offer it: docs/tech-stack.md)."
)
GET_VECTOR = (
    "Install pgvector 0.8 or newer (Debian: postgresql-18-pgvector; Red Hat: pgvector_18; Docker: "
    "the image pgvector/pgvector:pg18; managed services: docs/tech-stack.md)."
)
# Words of letters that a character type knowing only ASCII takes for punctuation.
WORDS = ["Björk", "Цой", "방탄소년단", "椎名林檎", "فيروز"]


@register(Tags.database)
def check_databases(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    return [message for alias in databases or () for message in check_database(alias)]


@register(Tags.security, deploy=True)
def check_proxies(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A proxy that is trusted to tell HTTPS is a proxy that addresses are behind."""
    is_behind_one = settings.SECURE_PROXY_SSL_HEADER is not None
    if not is_behind_one or not settings.THROTTLE_RATES or settings.REST_FRAMEWORK["NUM_PROXIES"]:
        return []
    text = "TRUST_X_FORWARDED_PROTO tells of a proxy, and NUM_PROXIES of none: all visitors share "
    text += "one limit on requests."
    hint = "Set NUM_PROXIES to how many proxies are in front, such as 1."
    return [Warning(text, hint=hint, id="vibomat.W001")]


def check_database(alias: str) -> list[CheckMessage]:
    """Everything that keeps this database from being used, each with what to do about it."""
    connection = connections[alias]
    try:
        with connection.cursor() as cursor:
            return [*problems_of_server(cursor), *_check_extensions(cursor)]
    except OperationalError as error:
        hint = "Start the server, correct DATABASE_URL, or unset it for the embedded server."
        return [Error(f"Can't use the database: {one_line(error)}", hint=hint, id="vibomat.E001")]


def problems_of_server(cursor: CursorWrapper) -> list[CheckMessage]:
    """What is wrong with the server's version, and with how the database keeps text."""
    version = cursor.connection.info.server_version
    return [*_check_version(version), *_check_text(cursor)]


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def missing_extensions(cursor: CursorWrapper) -> list[str]:
    """The extensions which the database lacks, or has in a version that is too old."""
    cursor.execute("SELECT extname, extversion FROM pg_extension")
    installed = dict(cursor.fetchall())
    return [
        name
        for name, oldest in EXTENSIONS.items()
        if name not in installed or _is_older(installed[name], oldest)
    ]


def _check_version(version: int) -> list[CheckMessage]:
    if version // 10_000 >= OLDEST_POSTGRESQL:
        return []
    return [
        Error(
            f"PostgreSQL {version // 10_000} is too old: Vibomat needs {OLDEST_POSTGRESQL}.",
            hint="Upgrade the server, or unset DATABASE_URL for the embedded one.",
            id="vibomat.E002",
        )
    ]


def _check_extensions(cursor: CursorWrapper) -> list[CheckMessage]:
    cursor.execute("SELECT name, default_version, installed_version FROM pg_available_extensions")
    versions = {name: (available, installed) for name, available, installed in cursor}
    messages: list[CheckMessage] = []
    for name, oldest in EXTENSIONS.items():
        get = GET_VECTOR if name == "vector" else GET_CONTRIB
        available, installed = versions.get(name, (None, None))
        if available is None:
            text = f"The server has no extension {name}."
            messages.append(Error(text, hint=get, id="vibomat.E003"))
        elif _is_older(available, oldest):
            text = f"The server's extension {name} is {available}, which is too old."
            messages.append(Error(text, hint=get, id="vibomat.E004"))
        elif installed is not None and _is_older(installed, oldest):
            text = f"The database's extension {name} is {installed}, which is too old."
            hint = f"As a superuser in this database: ALTER EXTENSION {name} UPDATE;"
            messages.append(Error(text, hint=hint, id="vibomat.E004"))
    return messages


def _check_text(cursor: CursorWrapper) -> list[CheckMessage]:
    create = (
        "CREATE DATABASE ... TEMPLATE template0 ENCODING 'UTF8' "
        "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
    )
    cursor.execute("SHOW server_encoding")
    (encoding,) = cursor.fetchone()
    if encoding != "UTF8":
        text = f"The database's encoding is {encoding}: it can't hold every script."
        return [Error(text, hint=create, id="vibomat.E005")]
    cursor.execute(
        "SELECT bool_and(word ~ '^[[:alpha:]]+$') AND lower('ÀЦΩ') = 'àцω' "
        "FROM unnest(%s::text[]) AS word",
        [WORDS],
    )
    (knows_letters,) = cursor.fetchone()
    if knows_letters:
        return []
    text = "The database's character type knows no letters beyond ASCII: search would lose words."
    return [Error(text, hint=create, id="vibomat.E006")]


def _is_older(version: str, oldest: tuple[int, ...] | None) -> bool:
    if oldest is None:
        return False
    parts = (int(part) for part in version.split(".")[: len(oldest)] if part.isdigit())
    return tuple(parts) < oldest
