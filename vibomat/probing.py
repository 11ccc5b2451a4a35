"""Asking the database how it is, in bounded time, whatever else it is busy with.

The questions have a connection of their own: a pool that is exhausted must not make them wait, and
must not make a service look dead which is only busy.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.utils import CursorWrapper

ALIAS = "probe"
SECONDS = 2

Bounded = Callable[[], AbstractContextManager[CursorWrapper]]


@contextmanager
def probe() -> Iterator[Bounded]:
    """Open a connection for a moment, in this thread under the alias "probe".

    What it gives is called for each question, and gives a cursor inside a transaction of that
    question's own. Connecting has SECONDS seconds, and so has each statement.
    """
    connection = connections[DEFAULT_DB_ALIAS].copy(ALIAS)
    options = {**connection.settings_dict["OPTIONS"], "connect_timeout": SECONDS}
    options.pop("pool", None)
    connection.settings_dict = {**connection.settings_dict, "OPTIONS": options}
    connections[ALIAS] = connection
    try:
        yield _bounded
    finally:
        connection.close()
        del connections[ALIAS]


@contextmanager
def _bounded() -> Iterator[CursorWrapper]:
    with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SECONDS}s"])
        yield cursor
