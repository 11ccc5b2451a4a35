"""How the database is connected to: by which URL, from a pool or not, and under which limits.

What serves requests shares connections: those of a pool in each process, and those of a pooler such
as PgBouncer where `DATABASE_DIRECT_URL` is set, for then `DATABASE_URL` leads to one. It may hand
out another session of the server for each transaction, so nothing can be kept in a session: no
limit, no lock, no cursor.

Commands do keep things there: the locks of imports, temporary tables, settings while an index is
built. Each has a session of its own, directly.
"""

import sys
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper

from vibomat.environment import secret, whole_number

# Of one process: `gunicorn --threads=4` needs no more.
POOL_SIZE = 4
# Seconds that a request waits for a connection of the pool.
POOL_TIMEOUT = 10


def leads_to_pooler() -> bool:
    """Whether DATABASE_URL leads to a pooler, and not to the server."""
    return bool(secret("DATABASE_DIRECT_URL"))


def configuration(
    data_dir: Path, limits: dict[str, int], *, directly: bool, pool_size: int
) -> dict[str, Any]:
    """What DATABASES says of the database.

    `limits` are settings of PostgreSQL that every connection has, `directly` is for commands.
    `pool_size` is for what serves requests, unless the variable DATABASE_POOL_SIZE says another; 0
    is no pool, but a connection for each thread. Raises ImproperlyConfigured.
    """
    url = secret("DATABASE_URL")
    if url:
        pooled = leads_to_pooler()
        config = parsed("DATABASE_URL", url)
        if pooled and directly:
            config = parsed("DATABASE_DIRECT_URL", secret("DATABASE_DIRECT_URL"))
    elif leads_to_pooler():
        raise ImproperlyConfigured("DATABASE_DIRECT_URL needs the pooler's URL as DATABASE_URL.")
    else:
        pooled = False
        config = embedded(data_dir)
    options = config.setdefault("OPTIONS", {})
    options.setdefault("connect_timeout", 10)
    if pooled and not directly:
        # A pooler would refuse limits here. The role has them: vibomat/timeouts.py.
        config["DISABLE_SERVER_SIDE_CURSORS"] = True
    else:
        settings = " ".join(f"-c {name}={value}" for name, value in limits.items())
        # Options given in the URL come last, and so win.
        options["options"] = f"{settings} {options.get('options', '')}".strip()
    size = whole_number("DATABASE_POOL_SIZE", pool_size, "a number of connections, 0 for no pool")
    if size and not directly:
        options["pool"] = {"min_size": 1, "max_size": size, "timeout": POOL_TIMEOUT}
        return config | {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
    return config | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}


def shares_sessions(connection: BaseDatabaseWrapper) -> bool:
    """Whether a session of the server is this connection's for one transaction only."""
    return bool(connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"))


def require_session(connection: BaseDatabaseWrapper) -> None:
    """Refuse work that would change other clients' sessions, or lose what it keeps in its own."""
    if shares_sessions(connection):
        raise ImproperlyConfigured(
            "This needs a session of its own: run it by manage.py, which connects by "
            "DATABASE_DIRECT_URL."
        )


def parsed(name: str, url: str) -> dict[str, Any]:
    """What the URL in the variable `name` says, with DATABASE_PASSWORD where it has none."""
    try:
        config = environ.Env.db_url_config(url) if url.startswith("postgres") else {}
    except ValueError:
        config = {}
    if not config.get("NAME"):
        raise ImproperlyConfigured(
            f"{name} must look like postgresql://user:password@host:5432/name."
        )
    config["ENGINE"] = "vibomat.postgresql"
    config["PASSWORD"] = config["PASSWORD"] or secret("DATABASE_PASSWORD")
    return config


def embedded(data_dir: Path) -> dict[str, Any]:
    if sys.platform == "win32":
        raise ImproperlyConfigured(
            "The embedded PostgreSQL runs on Linux and macOS: set DATABASE_URL."
        )
    return {
        "ENGINE": "vibomat.embedded",
        "NAME": "vibomat",
        "USER": "postgres",
        "OPTIONS": {"folder": data_dir / "postgres"},
        "TEST": {"FOLDER": data_dir / "postgres-test"},
    }
