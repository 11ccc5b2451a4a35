"""Reading under settings of PostgreSQL that nothing else runs under."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, transaction

Rows = list[tuple[Any, ...]]


def rows_under(
    settings: Mapping[str, str], statement: str, params: Sequence[Any], using: str
) -> Rows:
    """What a statement gives that only reads; the settings are as before afterwards.

    They are sent together. PostgreSQL makes one transaction of what comes at once, and such
    settings end with it; inside another transaction a savepoint is rolled back.
    """
    if not connections[using].in_atomic_block:
        return _sent(settings, statement, params, using)
    with transaction.atomic(using=using):
        rows = _sent(settings, statement, params, using)
        transaction.set_rollback(True, using=using)
        return rows


def _sent(settings: Mapping[str, str], statement: str, params: Sequence[Any], using: str) -> Rows:
    names = ", ".join(["set_config(%s, %s, true)"] * len(settings))
    values = [part for setting in settings.items() for part in setting]
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT {names}; {statement}", [*values, *params])
        cursor.nextset()
        rows: Rows = cursor.fetchall()
        return rows
