"""The limits on how long a statement may run and a transaction may idle, and how to lift them.

The limits come with every connection (DATABASES in the settings). Commands that do long work put
it under `lifted()`; `migrate` is under it by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

TIMEOUTS = ("statement_timeout", "idle_in_transaction_session_timeout")


@contextmanager
def lifted(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """No limits on this thread's connection inside the block, those it had before after it.

    They hold for the connection: one that is closed and opened again has its limits back.
    """
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


def lift_for_migrations(using: str, **kwargs: Any) -> None:
    _set(using, ["0"] * len(TIMEOUTS))


def restore_after_migrations(using: str, **kwargs: Any) -> None:
    with connections[using].cursor() as cursor:
        for name in TIMEOUTS:
            cursor.execute(f"RESET {name}")


def _set(using: str, values: list[str]) -> None:
    with connections[using].cursor() as cursor:
        for name, value in zip(TIMEOUTS, values, strict=True):
            cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
