"""GIN indexes collect the entries of a long import, and a second connection files them.

Filing one row's entries at a time costs an import more than all the rest of it. So while it runs,
the indexes that file at once (`fastupdate=off`, for the sake of searches) use their pending lists,
and another connection empties those with `gin_clean_pending_list` behind each batch. A search sees
what is pending, only slower. An import that is killed leaves the lists in use: autovacuum empties
them, and the next import that finishes turns them off.
"""

import logging
import threading
from types import TracebackType
from typing import Self

from django.db import Error, connections, transaction

from vibomat import timeouts

logger = logging.getLogger(__name__)

# Indexes of the role's own, as nobody else may change or clean them. Only those that file at once
# have the option set, on where an import was killed.
FIND_INDEXES = """
SELECT c.oid::regclass::text,
    coalesce(c.reloptions && ARRAY['fastupdate=off', 'fastupdate=on'], false)
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am ON pg_am.oid = c.relam
WHERE i.indrelid = ANY (ARRAY['track', 'artist', 'search_lexeme']::regclass[])
    AND pg_am.amname = 'gin' AND i.indisvalid
    AND pg_has_role(c.relowner, 'USAGE')
"""

# How long a change of an index may wait for those who use it, and hold others up meanwhile.
LOCK_TIMEOUT = "500ms"

# More than a batch makes: the importing connection itself never stops to file.
PENDING_LIMIT = "SET LOCAL gin_pending_list_limit = '256MB'"


class PendingLists:
    """Use it in a `with` around a long import, and call `filed_soon()` after each batch."""

    def __init__(self, using: str) -> None:
        self.using = using
        self._indexes: list[str] = []
        self._immediate: list[str] = []
        self._wake = threading.Event()
        self._stop = False
        self._thread = threading.Thread(target=self._file, name="pending lists", daemon=True)

    def __enter__(self) -> Self:
        with connections[self.using].cursor() as cursor:
            cursor.execute(FIND_INDEXES)
            found = cursor.fetchall()
        self._indexes = [name for name, _ in found]
        self._immediate = [name for name, immediate in found if immediate]
        self._set_fastupdate("on")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop = True
        self._wake.set()
        self._thread.join()
        if connections[self.using].is_usable():
            self._set_fastupdate("off")
            # What came in between the last filing and now.
            with connections[self.using].cursor() as cursor:
                for index in self._indexes:
                    cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", [index])

    def filed_soon(self) -> None:
        """Have what is pending filed in the background."""
        self._wake.set()

    def _set_fastupdate(self, value: str) -> None:
        session = connections[self.using].connection
        for index in self._immediate:
            try:
                with (
                    transaction.atomic(using=self.using),
                    connections[self.using].cursor() as cursor,
                ):
                    cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
                    cursor.execute(f"ALTER INDEX {index} SET (fastupdate = {value})")
            except Error as error:
                # Django has opened another session by now if this one broke; the import's lock and
                # tables went with it.
                if connections[self.using].connection is not session:
                    raise
                # Slower, and right all the same.
                logger.warning("Can't set fastupdate = %s on %s: %s", value, index, error)

    def _file(self) -> None:
        try:
            with timeouts.lifted(self.using), connections[self.using].cursor() as cursor:
                while not self._stop:
                    self._wake.wait()
                    self._wake.clear()
                    for index in self._indexes:
                        if not self._stop:
                            cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", [index])
        except Error as error:
            # Of a server that is gone the import itself tells.
            if connections[self.using].is_usable():
                logger.warning("Can't file pending index entries in the background: %s", error)
        finally:
            connections[self.using].close()
