"""Migrating back and forth, and being killed while at it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import connection

from vibomat.tests.databases import connected_to, database


def migrate(app: str, *target: str, **options: Any) -> str:
    """Migrate an app to that step, the last one by default; what was printed."""
    output = StringIO()
    call_command("migrate", app, *target, no_color=True, stdout=output, **options)
    return output.getvalue()


@contextmanager
def migrated_copy(app: str, target: str) -> Iterator[str]:
    """A copy of the default database, that app migrated to that step, to be copied in turn."""
    connection.close()
    with database("migrated", copied_from=connection.settings_dict["NAME"]) as name:
        with connected_to(name):
            migrate(app, target)
        yield name


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def killed_again_and_again(run: Callable[[], object], *, first: int, further: int) -> int:
    """Run it, killed after `first` statements, then after `further` more each time, until it gets
    through; how often it was killed."""
    for kills in range(200):
        left = first + further * kills

        def count(execute: Callable[..., Any], *arguments: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return execute(*arguments)

        try:
            with connection.execute_wrapper(count):
                run()
        except Killed:
            connection.close()
        else:
            return kills
    raise AssertionError("it never gets through")


WRITERS_WAIT = """
SELECT FROM pg_locks JOIN pg_class ON pg_class.oid = relation
WHERE pid = pg_backend_pid() AND relname = %s
    AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""
ROWS_TOUCHED = """
SELECT relid,
    seq_tup_read + coalesce(idx_tup_fetch, 0) + n_tup_ins + n_tup_upd + n_tup_del
FROM pg_stat_xact_user_tables WHERE starts_with(relname, %s)
"""


class WritersWait:
    """Wraps what a migration executes. Counts the `statements` in transactions that keep writers
    of a table out, and the `rows` that those read or write of tables whose names begin with its
    name. Where there are none, writers wait a moment only, however many rows there are."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.statements = self.rows = 0

    def __call__(self, run: Callable[..., Any], *arguments: Any) -> Any:
        if not connection.in_atomic_block:
            return run(*arguments)
        driver = connection.connection
        before = dict(driver.execute(ROWS_TOUCHED, [self.table]).fetchall())
        done = run(*arguments)
        if driver.execute(WRITERS_WAIT, [self.table]).fetchall():
            self.statements += 1
            # Earlier transactions' rows may be in both; a table that was dropped is in one.
            for table, rows in driver.execute(ROWS_TOUCHED, [self.table]):
                self.rows += rows - before.get(table, 0)
        return done
