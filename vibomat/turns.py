"""Work that only one process at a time may do on a database: the others take turns."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from vibomat.databases import require_session

# Asked for again and again, not waited for by the server: an index that is built concurrently waits
# for every statement that has begun before it.
LOCK = "SELECT pg_try_advisory_lock(hashtext(%s), 0)"
UNLOCK = "SELECT pg_advisory_unlock(hashtext(%s), 0)"
BETWEEN_TRIES_SECONDS = 0.2


@contextmanager
def turn(work: str, using: str, waiting: Callable[[], object]) -> Iterator[None]:
    """Be the only one at that work inside the block; `waiting` is called if others are at it first.

    The session holds the lock, so it ends however the process does. Raise ImproperlyConfigured
    behind a pooler, where there is none.
    """
    connection = connections[using]
    require_session(connection)
    is_told = False
    while not _scalar(using, LOCK, work):
        if not is_told:
            waiting()
            is_told = True
        time.sleep(BETWEEN_TRIES_SECONDS)
    try:
        yield
    finally:
        # A connection that broke has lost the lock with everything else.
        if not connection.needs_rollback and connection.is_usable():
            _scalar(using, UNLOCK, work)


def _scalar(using: str, statement: str, work: str) -> Any:
    with connections[using].cursor() as cursor:
        cursor.execute(statement, [work])
        return cursor.fetchone()[0]
