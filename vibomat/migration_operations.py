"""Migration operations that leave a busy database usable and can be run again after a failure.

Three rules keep a migration harmless:

* A change of schema stands in an atomic migration, inside `WithLockTimeout`: it waits for its
  locks a fifth of a second at a time, so nobody queues behind it for longer, and a failure undoes
  all. It is tried again until whoever reads or writes for longer has ended.
* A move of data stands in a migration with `atomic = False`, as `RunInBatches`: each batch is
  committed within a fraction of a second, and statements that skip finished rows continue after a
  kill.
* An index or unique constraint on a filled table stands in a migration with `atomic = False`, as
  `AddIndexSafely`, `RemoveIndexSafely` or `AddUniqueConstraintSafely`: they are built
  concurrently, and the invalid index that an interrupted build leaves is replaced.
  `makemigrations` writes them by itself (vibomat/autodetector.py).

Every operation lifts the connection's `statement_timeout` while it works and restores it after.
Migrations may import this module: its behaviour is kept for the migrations already written.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import psycopg.errors
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import (
    AddIndexConcurrently,
    NotInTransactionMixin,
    RemoveIndexConcurrently,
)
from django.db import OperationalError, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import truncate_name
from django.db.migrations import AddConstraint, AddIndex, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Index, Model
from tqdm import tqdm

# Far below PostgreSQL's deadlock_timeout, a second: a writer that waits for a migration which waits
# for that writer is let pass before either is chosen to fail.
LOCK_TIMEOUT = "200ms"
ATTEMPTS = 600
PAUSE_SECONDS = 1.0
# Those who wait for a row of a batch wait no longer than its transaction takes.
BATCH_SECONDS = 0.2
FIRST_BATCH_ROWS = 20
# Beyond deadlock_timeout.
VACUUM_TIMEOUT = "3s"

Result = TypeVar("Result")


@contextmanager
def _settings(
    connection: BaseDatabaseWrapper, *, in_transaction: bool, **settings: str
) -> Iterator[None]:
    """Run the block under PostgreSQL settings, and restore the earlier ones if it succeeds or
    stands outside a transaction (a rollback restores them by itself)."""

    def apply(values: dict[str, str]) -> None:
        calls = ", ".join(["set_config(%s, %s, %s)"] * len(values))
        parameters = [part for item in values.items() for part in (*item, in_transaction)]
        cursor.execute(f"SELECT {calls}", parameters)

    with connection.cursor() as cursor:
        calls = ", ".join(["current_setting(%s)"] * len(settings))
        cursor.execute(f"SELECT {calls}", list(settings))
        earlier = dict(zip(settings, cursor.fetchone(), strict=True))
        apply(settings)
        try:
            yield
        except BaseException:
            if not in_transaction and connection.is_usable():
                apply(earlier)
            raise
        apply(earlier)


def retry_while_locked(run: Callable[[], Result]) -> Result:
    """Call `run` again while another session holds a lock it needs; `run` undoes its failures."""
    for attempt in range(ATTEMPTS - 1):
        try:
            return run()
        except OperationalError as error:
            if not isinstance(
                error.__cause__,
                psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected,
            ):
                raise
        # Soon where two met by chance, and less often where somebody stays.
        pause(min(PAUSE_SECONDS, 0.1 * 2**attempt))
    return run()


def pause(seconds: float) -> None:
    """Let those pass who have queued behind."""
    time.sleep(seconds)


def with_short_locks(connection: BaseDatabaseWrapper, change: Callable[[], Result]) -> Result:
    """Do the change in a transaction that waits at most `LOCK_TIMEOUT` for each lock, and again
    while it does not get them. Inside a transaction it is a savepoint."""
    attempts = 0

    def attempt() -> Result:
        nonlocal attempts
        attempts += 1
        with (
            transaction.atomic(using=connection.alias),
            _settings(
                connection, in_transaction=True, lock_timeout=LOCK_TIMEOUT, statement_timeout="0"
            ),
        ):
            if attempts > 1:
                _end_autovacuum(connection)
            return change()

    return retry_while_locked(attempt)


VACUUMED = """
SELECT DISTINCT relation::regclass::text
FROM pg_locks JOIN pg_class ON pg_class.oid = relation
WHERE mode = 'ShareUpdateExclusiveLock' AND granted AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND relkind IN ('r', 'm') AND relnamespace <> 'pg_catalog'::regnamespace
    AND pg_has_role(relowner, 'USAGE')
ORDER BY 1
"""


def _end_autovacuum(connection: BaseDatabaseWrapper) -> None:
    """Take the place of autovacuum on the tables it works on.

    It gives way to whoever has waited for `deadlock_timeout`, which a change of schema never does.
    Here the wait is for a lock that lets readers and writers pass, and that keeps autovacuum away
    until the change is done.
    """
    with (
        _settings(connection, in_transaction=True, lock_timeout=VACUUM_TIMEOUT),
        connection.cursor() as cursor,
    ):
        cursor.execute(VACUUMED)
        for (table,) in cursor.fetchall():
            cursor.execute(f"LOCK TABLE ONLY {table} IN SHARE UPDATE EXCLUSIVE MODE")


class WithLockTimeout(SeparateDatabaseAndState):
    """Run operations in one short transaction that waits at most `LOCK_TIMEOUT` for each lock.

    A statement waiting for a table's lock makes every later reader and writer wait behind it.
    Here it gives up, lets them pass, and the whole transaction is tried again, `ATTEMPTS` times in
    all, which is some ten minutes; then PostgreSQL's error is raised. In an atomic migration the
    transaction is a savepoint, so that the migration is recorded together with its effect.
    """

    def __init__(self, *operations: Operation) -> None:
        super().__init__(database_operations=operations, state_operations=operations)

    @property
    def reversible(self) -> bool:  # type: ignore[override]
        return all(operation.reversible for operation in self.database_operations)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return self.__class__.__qualname__, list(self.database_operations), {}

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        change = super().database_forwards
        self._run(schema_editor, lambda: change(app_label, schema_editor, from_state, to_state))

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        change = super().database_backwards
        self._run(schema_editor, lambda: change(app_label, schema_editor, from_state, to_state))

    def _run(self, schema_editor: BaseDatabaseSchemaEditor, change: Callable[[], None]) -> None:
        connection = schema_editor.connection
        if schema_editor.collect_sql:
            return self._collect(schema_editor, change)
        earlier = list(schema_editor.deferred_sql)

        def attempt() -> None:
            schema_editor.deferred_sql = []
            try:
                change()
                # Django leaves foreign keys and indexes of new tables for the migration's end;
                # they need locks too, and must come or go together with the rest.
                for statement in schema_editor.deferred_sql:
                    schema_editor.execute(statement, None)
            finally:
                schema_editor.deferred_sql = list(earlier)

        with_short_locks(connection, attempt)

    def _collect(self, schema_editor: BaseDatabaseSchemaEditor, change: Callable[[], None]) -> None:
        """What `sqlmigrate` prints. Python's operations can't run without what the others made."""
        begin, end = ([], []) if schema_editor.atomic_migration else (["BEGIN;"], ["COMMIT;"])
        schema_editor.collected_sql += [*begin, f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';"]
        if all(operation.reduces_to_sql for operation in self.database_operations):
            change()
        else:
            schema_editor.collected_sql.append("-- Python that can't be written as SQL")
        schema_editor.collected_sql += end

    def describe(self) -> str:
        return "; ".join(operation.describe() for operation in self.database_operations)


class RunInBatches(NotInTransactionMixin, Operation):
    """Run statements over a table in batches of its key, each batch a transaction of its own.

    The statements name the batch's bounds as `%(first)s` and `%(last)s` (any other percent sign
    is doubled): `UPDATE track SET a = b WHERE id BETWEEN %(first)s AND %(last)s AND a IS NULL`.
    They must skip or repeat harmlessly what is already done, as a run after a failure starts at
    the first key again. Rows inserted behind the running batch are not seen: a trigger or the
    application must write them right. A batch that meets locked rows is tried again.

    `table` is quoted here; `key` is its unique, orderable column; `size` is the most rows of a
    batch, which has as many as take about `BATCH_SECONDS`.
    `backwards` of `None` makes the operation irreversible; `()` does nothing.
    """

    def __init__(
        self,
        table: str,
        *,
        forwards: Sequence[str],
        backwards: Sequence[str] | None = None,
        key: str = "id",
        size: int = 1000,
    ) -> None:
        self.table = table
        self.forwards = forwards
        self.backwards = backwards
        self.key = key
        self.size = size

    @property
    def reversible(self) -> bool:  # type: ignore[override]
        return self.backwards is not None

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        keywords = {
            "forwards": self.forwards,
            "backwards": self.backwards,
            "key": self.key,
            "size": self.size,
        }
        return self.__class__.__qualname__, [self.table], keywords

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._run(app_label, schema_editor, self.forwards)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if self.backwards is None:
            raise NotImplementedError("You cannot reverse this operation")
        self._run(app_label, schema_editor, self.backwards)

    def _run(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, statements: Sequence[str]
    ) -> None:
        connection = schema_editor.connection
        if not statements or not router.allow_migrate(connection.alias, app_label):
            return
        if schema_editor.collect_sql:
            note = f"-- repeated for every {self.size} rows at most of {self.table}, first to last"
            schema_editor.collected_sql += [note, *(sql.strip() + ";" for sql in statements)]
            return
        self._ensure_not_in_transaction(schema_editor)
        bar = tqdm(desc=self.table, unit=" rows", unit_scale=True, disable=None, leave=False)
        after, size = None, min(FIRST_BATCH_ROWS, self.size)
        with bar:
            while batch := retry_while_locked(
                partial(self._batch, connection, statements, after, size)
            ):
                after, rows, seconds = batch
                bar.update(rows)
                fitting = round(rows * BATCH_SECONDS / seconds)
                size = max(1, min(fitting, 2 * size, self.size))

    def _batch(
        self, connection: BaseDatabaseWrapper, statements: Sequence[str], after: Any, size: int
    ) -> tuple[Any, int, float] | None:
        """Do the batch of that size after that key; return its last key, its rows and the seconds
        it took, or None at the end."""
        started = time.monotonic()
        quote = connection.ops.quote_name
        key = quote(self.key)
        condition = "" if after is None else f"WHERE {key} > %(after)s"
        bounds = f"""
            SELECT (array_agg({key} ORDER BY {key}))[1],
                   (array_agg({key} ORDER BY {key} DESC))[1],
                   count(*)
            FROM (SELECT {key} FROM {quote(self.table)} {condition}
                  ORDER BY {key} LIMIT %(size)s) AS batch
        """
        with (
            transaction.atomic(using=connection.alias),
            _settings(
                connection, in_transaction=True, lock_timeout=LOCK_TIMEOUT, statement_timeout="0"
            ),
            connection.cursor() as cursor,
        ):
            cursor.execute(bounds, {"after": after, "size": size})
            first, last, rows = cursor.fetchone()
            if not rows:
                return None
            for statement in statements:
                cursor.execute(statement, {"first": first, "last": last})
        return last, rows, time.monotonic() - started

    def describe(self) -> str:
        return f"Rewrite {self.table} in batches of {self.size} rows"


def _build_concurrently(
    schema_editor: BaseDatabaseSchemaEditor,
    name: str,
    build: Callable[[], None],
    settings: dict[str, str] | None = None,
) -> None:
    """Build an index, under further settings, unless a valid one of that name exists; drop an
    invalid leftover first.

    No `lock_timeout` here: a concurrent build's lock lets readers and writers pass, and giving up
    while it waits for an older transaction would throw a nearly finished index away.
    """
    connection = schema_editor.connection
    if schema_editor.collect_sql:
        schema_editor.collected_sql.append("-- squawk-ignore require-lock-timeout")
        return build()

    def attempt() -> None:
        valid = _is_valid(connection, name)
        if valid is False:
            quoted = connection.ops.quote_name(name)
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted}")
        if not valid:
            build()

    with _settings(
        connection,
        in_transaction=False,
        lock_timeout="0",
        statement_timeout="0",
        **(settings or {}),
    ):
        retry_while_locked(attempt)


def _is_valid(connection: BaseDatabaseWrapper, name: str) -> bool | None:
    """Whether the index of that name is valid, None if there is none."""
    quoted = connection.ops.quote_name(name)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [quoted]
        )
        found = cursor.fetchone()
    return bool(found[0]) if found else None


def _drop_concurrently(schema_editor: BaseDatabaseSchemaEditor, name: str) -> None:
    """Drop an index; a partitioned table's in a moment's lock, as PostgreSQL can't otherwise."""
    connection = schema_editor.connection
    quoted = connection.ops.quote_name(name)
    if schema_editor.collect_sql:
        return schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", [quoted])
        partitioned = cursor.fetchone() == ("I",)
    if partitioned:
        return with_short_locks(
            connection, lambda: schema_editor.execute(f"DROP INDEX IF EXISTS {quoted}")
        )
    with _settings(connection, in_transaction=False, lock_timeout="0", statement_timeout="0"):
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted}")


class AddIndexSafely(AddIndexConcurrently):
    """Django's `AddIndexConcurrently` that may be run again after any failure, and builds an index
    of a partitioned table partition by partition.

    An invalid index of that name is dropped and built anew; a valid one is kept as it is.
    """

    def describe(self) -> str:
        # Django's own leaves expressions out.
        return f"{AddIndex.describe(self)}, concurrently"

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _add_index(schema_editor, model, self.index)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _drop_concurrently(schema_editor, self.index.name)


class RemoveIndexSafely(RemoveIndexConcurrently):
    """Django's `RemoveIndexConcurrently` that may be run again after any failure."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _drop_concurrently(schema_editor, self.name)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            model_state = to_state.models[app_label, self.model_name_lower]
            _add_index(schema_editor, model, model_state.get_index_by_name(self.name))


def _add_index(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], index: Index) -> None:
    if _is_partitioned(schema_editor.connection, model._meta.db_table):
        return _add_partitioned_index(schema_editor, model, index)
    _build_concurrently(
        schema_editor,
        index.name,
        lambda: schema_editor.add_index(model, index, concurrently=True),  # type: ignore[call-arg]
        _build_settings(index),
    )


def _build_settings(index: Index) -> dict[str, str]:
    # Keys that come in order split each page of a GIN index in halves, one of which stays so:
    # 573 bytes a row. In many small rounds the halves fill: 435, and it takes less time.
    return {"maintenance_work_mem": "256kB"} if isinstance(index, GinIndex) else {}


def _is_partitioned(connection: BaseDatabaseWrapper, table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)",
            [connection.ops.quote_name(table)],
        )
        return bool(cursor.fetchone() == (True,))


# The partitions without a part of that index; partitions of partitions are not made here.
WITHOUT_PART = """
SELECT p.inhrelid::regclass::text
FROM pg_inherits AS p
WHERE p.inhparent = to_regclass(%s) AND NOT EXISTS (
    SELECT FROM pg_inherits AS part JOIN pg_index AS i ON i.indexrelid = part.inhrelid
    WHERE part.inhparent = to_regclass(%s) AND i.indrelid = p.inhrelid
)
ORDER BY 1
"""


def _add_partitioned_index(
    schema_editor: BaseDatabaseSchemaEditor, model: type[Model], index: Index
) -> None:
    """Build an index partition by partition, each concurrently.

    PostgreSQL can't build one of a partitioned table concurrently. So the table gets an index
    without parts, invalid until each partition's own one, built beside it, is attached. A partition
    that is created meanwhile gets its part by itself. A run after a failure does what is left.
    """
    connection = schema_editor.connection
    quote = connection.ops.quote_name
    table = model._meta.db_table

    def create(name: str, of: str, *, concurrently: bool) -> str:
        statement = index.create_sql(model, schema_editor, concurrently=concurrently)
        statement.parts |= {"name": quote(name), "table": of}  # type: ignore[dict-item]
        return str(statement)

    def change(statement: str) -> None:
        with_short_locks(connection, lambda: schema_editor.execute(statement, None))

    whole = create(index.name, f"ONLY {quote(table)}", concurrently=False)
    if schema_editor.collect_sql:
        schema_editor.collected_sql += [
            "BEGIN;",
            f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';",
            "-- squawk-ignore require-concurrent-index-creation",
            f"{whole}; -- of no rows, as they are the partitions'",
            "COMMIT;",
            "-- for each partition: the same, CONCURRENTLY, and ALTER INDEX ... ATTACH PARTITION",
        ]
        return
    if _is_valid(connection, index.name) is None:
        change(whole)
    with tqdm(desc=index.name, unit=" partitions", disable=None, leave=False) as bar:
        while partitions := _without_part(connection, table, index.name):
            bar.total = bar.n + len(partitions)
            for partition in partitions:
                bare = partition.strip('"')
                part = truncate_name(f"{bare}_{index.name}", connection.ops.max_name_length())
                _build_concurrently(
                    schema_editor,
                    part,
                    partial(
                        schema_editor.execute,
                        create(part, quote(bare), concurrently=True),
                        None,
                    ),
                    _build_settings(index),
                )
                change(f"ALTER INDEX {quote(index.name)} ATTACH PARTITION {quote(part)}")
                bar.update()


def _without_part(connection: BaseDatabaseWrapper, table: str, index: str) -> list[str]:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(WITHOUT_PART, [quote(table), quote(index)])
        return [name for (name,) in cursor.fetchall()]


class AddUniqueConstraintSafely(NotInTransactionMixin, AddConstraint):
    """Add a `UniqueConstraint` that PostgreSQL keeps as an index, built concurrently.

    That is one with expressions, a condition, included columns or operator classes; a plain one
    over columns is refused with `ValueError`. It may be run again after any failure, duplicates
    among the rows included.
    """

    atomic = False

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        statement = str(self.constraint.create_sql(model, schema_editor))
        if not statement.startswith("CREATE UNIQUE INDEX "):
            raise ValueError(f"{self.constraint.name} is not kept as an index; use AddConstraint.")
        statement = statement.replace("INDEX", "INDEX CONCURRENTLY", 1)
        _build_concurrently(
            schema_editor, self.constraint.name, lambda: schema_editor.execute(statement, None)
        )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _drop_concurrently(schema_editor, self.constraint.name)
