"""The limits on how long a statement may run and a transaction may idle, and how to lift them.

The limits come with every connection (vibomat/databases.py), but for those through a pooler, which
have them from the role. Commands that do long work put it under `lifted()`; `migrate` is under it
by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper

from vibomat.databases import require_session

TIMEOUTS = ("statement_timeout", "idle_in_transaction_session_timeout")


@contextmanager
def lifted(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """No limits on this thread's connection inside the block, those it had before after it.

    They hold for the connection: one that is closed and opened again has its limits back. Raise
    ImproperlyConfigured behind a pooler, where others would have none.
    """
    require_session(connections[using])
    with connections[using].cursor() as cursor:
        before = []
        for name in TIMEOUTS:
            cursor.execute("SELECT current_setting(%s)", [name])
            before.append(cursor.fetchone()[0])
    _set(using, ["0"] * len(TIMEOUTS))
    try:
        yield
    finally:
        if connections[using].is_usable():
            _set(using, before)


def limits() -> dict[str, int]:
    """The limits that the settings want, in milliseconds; 0 is none."""
    values = (settings.STATEMENT_TIMEOUT_MS, settings.IDLE_IN_TRANSACTION_TIMEOUT_MS)
    return dict(zip(TIMEOUTS, values, strict=True))


def give_to_role(using: str = DEFAULT_DB_ALIAS) -> None:
    """Let every new session of this role in this database begin with the limits, unless it says
    otherwise. A role may do so for itself."""
    with connections[using].cursor() as cursor:
        for statement in statements_for_role(cursor):
            cursor.execute(statement)


def statements_for_role(cursor: CursorWrapper) -> list[str]:
    """What `give_to_role` executes."""
    cursor.execute("SELECT quote_ident(current_user), quote_ident(current_database())")
    role, database = cursor.fetchone()
    alter = f"ALTER ROLE {role} IN DATABASE {database} SET"
    return [f"{alter} {name} = {value}" for name, value in limits().items()]


def are_missing(cursor: CursorWrapper) -> bool:
    """Whether sessions like this one begin without a limit that the settings want."""
    wanted = [name for name, value in limits().items() if value]
    # What RESET would make of it, whatever this transaction made of it.
    cursor.execute(
        "SELECT count(*) FROM pg_settings WHERE name = ANY(%s) AND reset_val = '0'", [wanted]
    )
    return bool(cursor.fetchone()[0])


def lift_for_migrations(using: str, **kwargs: Any) -> None:
    require_session(connections[using])
    _set(using, ["0"] * len(TIMEOUTS))


def restore_after_migrations(using: str, **kwargs: Any) -> None:
    with connections[using].cursor() as cursor:
        for name in TIMEOUTS:
            cursor.execute(f"RESET {name}")


def _set(using: str, values: list[str]) -> None:
    with connections[using].cursor() as cursor:
        for name, value in zip(TIMEOUTS, values, strict=True):
            cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
