"""Migrating back and forth, being killed while at it, and keeping others waiting."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.state import ProjectState, StateApps
from psycopg.pq import TransactionStatus

from vibomat.tests.databases import connect, connected_to, database

# By what a state consists of: its models' classes, and the parts, which keep their ids so.
_rendered: dict[Any, tuple[StateApps, list[Any]]] = {}


def _key(part: Any) -> Any:
    """The same for equal containers of the same fields, indexes and managers."""
    if isinstance(part, dict):
        return tuple((name, _key(value)) for name, value in part.items())
    if isinstance(part, list | tuple):
        return tuple(map(_key, part))
    return part if isinstance(part, str | int | None) else (id(part),)


def _classes(state: ProjectState) -> StateApps:
    parts = [
        (name, dict(model.fields), dict(model.options), model.bases, list(model.managers))
        for name, model in state.models.items()
    ]
    key = _key(parts)
    if key not in _rendered:
        _rendered[key] = StateApps(list(state.real_apps), state.models), parts
    return _rendered[key][0]


def migrate(*target: str, **options: Any) -> str:
    """`manage.py migrate`, of an app to a step if they are told; what was printed.

    Most of its time Django makes classes of all models, anew for each operation and each run. Here
    states that are equal share them.
    """
    output = StringIO()
    with mock.patch.object(ProjectState, "apps", property(_classes, fdel=lambda state: None)):
        call_command("migrate", *target, no_color=True, stdout=output, **options)
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
        if driver.info.transaction_status == TransactionStatus.INERROR:
            # Rolling back after a lock that was not to be had.
            return run(*arguments)
        before = dict(driver.execute(ROWS_TOUCHED, [self.table]).fetchall())
        done = run(*arguments)
        if driver.execute(WRITERS_WAIT, [self.table]).fetchall():
            self.statements += 1
            # Earlier transactions' rows may be in both; a table that was dropped is in one.
            for table, rows in driver.execute(ROWS_TOUCHED, [self.table]):
                self.rows += rows - before.get(table, 0)
        return done


# Several times what a migration may keep others waiting for a lock, less than PostgreSQL's default.
PATIENCE = "1500ms"


class PassersBy(threading.Thread):
    """Run statements in turn, each of which is refused if it is kept waiting for `PATIENCE`."""

    def __init__(self, statements: list[str]) -> None:
        super().__init__(daemon=True)
        self.statements = statements
        self.stop = threading.Event()
        self.passed = 0
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            with connect() as others:
                others.execute("SELECT set_config('statement_timeout', %s, false)", [PATIENCE])
                while not self.stop.wait(0.01):
                    for statement in self.statements:
                        others.execute(statement, prepare=False)
                    self.passed += 1
        except psycopg.Error as error:
            self.failure = error


@contextmanager
def beside_a_long_reader(
    monkeypatch: pytest.MonkeyPatch, tables: str, statements: list[str]
) -> Iterator[None]:
    """Inside the block a transaction has read the tables, and ends once a migration has given way
    five times. Meanwhile others run the statements; none is kept waiting for long."""
    passers_by = PassersBy(statements)
    reader = connect()
    reader.autocommit = False
    reader.execute(f"LOCK TABLE {tables} IN ACCESS SHARE MODE")
    passed: list[int] = []

    def give_way(seconds: float) -> None:
        passed.append(passers_by.passed)
        if len(passed) == 5:
            reader.close()

    with monkeypatch.context() as patched:
        patched.setattr("vibomat.migration_operations.pause", give_way)
        passers_by.start()
        try:
            yield
        finally:
            reader.close()
            passers_by.stop.set()
            passers_by.join()
    assert passers_by.failure is None
    assert len(passed) >= 5
    assert passed[4] > passed[0]
