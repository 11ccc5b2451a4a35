"""Operations for migrations: nothing waits long for a lock, everything can be run again."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from unittest import mock

import pytest
from django.db import (
    IntegrityError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
    models,
)
from django.db.migrations import AddField, CreateModel, RunSQL
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.functions import Lower
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext

from vibomat import migration_operations
from vibomat.migration_operations import (
    AddIndexSafely,
    AddUniqueConstraintSafely,
    RemoveIndexSafely,
    RunInBatches,
    WithLockTimeout,
)

BAND_INDEX = models.Index(fields=["name"], name="band_name")
UNIQUE_NAME = models.UniqueConstraint(Lower("name"), name="band_name_lower_unique")


class OperationTestCase(TransactionTestCase):
    """A table `accounts_band(id, name)` with ten rows, outside of any application's models."""

    def setUp(self) -> None:
        self.state = ProjectState()
        create = CreateModel(
            "Band",
            [("id", models.IntegerField(primary_key=True)), ("name", models.TextField())],
        )
        create.state_forwards("accounts", self.state)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE accounts_band (id int PRIMARY KEY, name text)")
            cursor.execute(
                "INSERT INTO accounts_band SELECT n, 'Band ' || n FROM generate_series(1, 10) n"
            )
        self.addCleanup(self.execute, "DROP TABLE accounts_band")

    def execute(self, sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    def value(self, sql: str) -> object:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    def forwards(self, operation: Operation, *, atomic: bool = False) -> ProjectState:
        after = self.state.clone()
        operation.state_forwards("accounts", after)
        with connection.schema_editor(atomic=atomic) as editor:
            operation.database_forwards("accounts", editor, self.state, after)
        return after

    def backwards(self, operation: Operation, *, atomic: bool = False) -> None:
        after = self.state.clone()
        operation.state_forwards("accounts", after)
        with connection.schema_editor(atomic=atomic) as editor:
            operation.database_backwards("accounts", editor, after, self.state)

    def index_is_valid(self, name: str) -> object:
        return self.value(
            f"SELECT (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{name}'))"
        )

    @contextmanager
    def locked_table(self) -> Iterator[None]:
        """Another session holding a lock that lets nobody write."""
        other = connections.create_connection("default")
        try:
            other.set_autocommit(False)
            with other.cursor() as cursor:
                cursor.execute("LOCK TABLE accounts_band IN SHARE MODE")
            yield
        finally:
            other.close()


class LockTimeoutTests(OperationTestCase):
    def test_a_change_that_cannot_get_its_lock_gives_up_and_is_undone(self) -> None:
        change = WithLockTimeout(
            RunSQL("CREATE TABLE accounts_before (id int)"),
            AddField("Band", "year", models.IntegerField(null=True)),
        )
        with (
            self.locked_table(),
            mock.patch.object(migration_operations, "LOCK_TIMEOUT", "20ms"),
            mock.patch.object(migration_operations, "PAUSE_SECONDS", 0.001),
            mock.patch.object(migration_operations, "ATTEMPTS", 3),
            self.assertRaisesMessage(OperationalError, "lock timeout"),
        ):
            self.forwards(change)
        assert self.value("SELECT to_regclass('accounts_before')") is None

    def test_a_change_is_tried_again_until_the_lock_is_free(self) -> None:
        for atomic in (False, True):
            change = WithLockTimeout(
                AddField("Band", f"year_{atomic}", models.IntegerField(null=True))
            )
            held = ExitStack()
            held.enter_context(self.locked_table())
            with (
                self.subTest(atomic=atomic),
                held,
                mock.patch.object(migration_operations, "LOCK_TIMEOUT", "20ms"),
                mock.patch("time.sleep", side_effect=partial(self.release, held)) as slept,
            ):
                self.forwards(change, atomic=atomic)
                slept.assert_called_once()
                assert self.value(f'SELECT max("year_{atomic}") FROM accounts_band') is None

    def release(self, held: ExitStack, seconds: float) -> None:
        held.close()

    def test_foreign_keys_are_made_in_the_same_transaction_and_timeouts_restored(self) -> None:
        self.execute("SET statement_timeout = '41s'")
        self.addCleanup(self.execute, "RESET statement_timeout")
        link = models.ForeignKey("accounts.Band", models.CASCADE, null=True)
        change = WithLockTimeout(AddField("Band", "parent", link))
        after = self.state.clone()
        change.state_forwards("accounts", after)
        with connection.schema_editor(atomic=True) as editor:
            change.database_forwards("accounts", editor, self.state, after)
            assert editor.deferred_sql == []
        assert self.value("SHOW statement_timeout") == "41s"
        assert self.value("SHOW lock_timeout") == "0"
        self.backwards(change, atomic=True)
        with pytest.raises(ProgrammingError):
            self.value("SELECT parent_id FROM accounts_band")

    def test_it_is_reversible_when_its_operations_are(self) -> None:
        assert WithLockTimeout(RunSQL("SELECT 1", "SELECT 1")).reversible
        assert not WithLockTimeout(RunSQL("SELECT 1")).reversible


class BatchTests(OperationTestCase):
    batches = RunInBatches(
        "accounts_band",
        forwards=[
            (
                "UPDATE accounts_band SET name = upper(name) || '%%' "
                "WHERE id BETWEEN %(first)s AND %(last)s AND name NOT LIKE '%%\\%%'"
            )
        ],
        backwards=(),
        size=4,
    )

    def names(self) -> object:
        return self.value("SELECT string_agg(name, ',' ORDER BY id) FROM accounts_band")

    def test_every_row_is_seen_once(self) -> None:
        self.forwards(self.batches)
        assert self.names() == ",".join(f"BAND {n}%" for n in range(1, 11))

    def test_a_failure_keeps_the_batches_before_it_and_the_next_run_continues(self) -> None:
        self.execute("ALTER TABLE accounts_band ADD CONSTRAINT six CHECK (name <> 'BAND 6%')")
        with pytest.raises(IntegrityError):
            self.forwards(self.batches)
        done = [f"BAND {n}%" if n <= 4 else f"Band {n}" for n in range(1, 11)]
        assert self.names() == ",".join(done)
        self.execute("ALTER TABLE accounts_band DROP CONSTRAINT six")
        self.forwards(self.batches)
        assert self.names() == ",".join(f"BAND {n}%" for n in range(1, 11))

    def test_a_batch_has_as_many_rows_as_its_time_allows(self) -> None:
        for seconds, batches in ((1000, "1-2,3-6,7-10"), (0, "1-2,3-3,4-4,5-5,6-6")):
            self.execute("CREATE TABLE accounts_batch (rows text)")
            note = "INSERT INTO accounts_batch VALUES (concat(%(first)s, '-', %(last)s))"
            with (
                self.subTest(seconds=seconds),
                mock.patch.object(migration_operations, "BATCH_SECONDS", seconds),
                mock.patch.object(migration_operations, "FIRST_BATCH_ROWS", 2),
            ):
                self.forwards(RunInBatches("accounts_band", forwards=[note], size=4))
                found = str(self.value("SELECT string_agg(rows, ',') FROM accounts_batch"))
                assert found.startswith(batches)
            self.execute("DROP TABLE accounts_batch")

    def test_an_empty_table_takes_no_batch(self) -> None:
        self.execute("DELETE FROM accounts_band")
        self.forwards(self.batches)
        assert self.names() is None

    def test_a_transaction_around_the_batches_is_refused(self) -> None:
        with self.assertRaisesMessage(NotSupportedError, "atomic = False"):
            self.forwards(self.batches, atomic=True)


class IndexTests(OperationTestCase):
    def test_an_invalid_leftover_is_replaced_and_a_valid_index_kept(self) -> None:
        add = AddIndexSafely("band", BAND_INDEX)
        self.forwards(add)
        self.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid='band_name'::regclass"
        )
        self.forwards(add)
        assert self.index_is_valid("band_name") is True
        built = self.value("SELECT 'band_name'::regclass::oid")
        self.forwards(add)
        assert self.value("SELECT 'band_name'::regclass::oid") == built
        self.backwards(add)
        self.backwards(add)
        assert self.index_is_valid("band_name") is None

    def test_an_index_is_removed_and_brought_back(self) -> None:
        add = AddIndexSafely("band", BAND_INDEX)
        self.state = self.forwards(add)
        remove = RemoveIndexSafely("band", "band_name")
        self.forwards(remove)
        self.forwards(remove)
        assert self.index_is_valid("band_name") is None
        self.backwards(remove)
        assert self.index_is_valid("band_name") is True

    def test_a_unique_constraint_is_built_after_its_duplicates_are_gone(self) -> None:
        add = AddUniqueConstraintSafely("band", UNIQUE_NAME)
        self.execute("INSERT INTO accounts_band VALUES (11, 'BAND 1')")
        with pytest.raises(IntegrityError):
            self.forwards(add)
        assert self.index_is_valid("band_name_lower_unique") is False
        self.execute("DELETE FROM accounts_band WHERE id = 11")
        self.forwards(add)
        assert self.index_is_valid("band_name_lower_unique") is True
        with pytest.raises(IntegrityError):
            self.execute("INSERT INTO accounts_band VALUES (12, 'BAND 1')")
        self.backwards(add)
        assert self.index_is_valid("band_name_lower_unique") is None

    def test_a_constraint_that_is_no_index_is_refused(self) -> None:
        plain = models.UniqueConstraint(fields=["name"], name="plain")
        with self.assertRaisesMessage(ValueError, "use AddConstraint"):
            self.forwards(AddUniqueConstraintSafely("band", plain))


class PartitionedIndexTests(OperationTestCase):
    """The same table with its ten rows in three partitions."""

    def setUp(self) -> None:
        super().setUp()
        self.execute("DROP TABLE accounts_band")
        self.execute(
            "CREATE TABLE accounts_band (id int PRIMARY KEY, name text) PARTITION BY RANGE (id)"
        )
        for first in (1, 5, 9):
            self.execute(
                f'CREATE TABLE "Band {first}" PARTITION OF accounts_band '
                f"FOR VALUES FROM ({first}) TO ({first + 4})"
            )
        self.execute(
            "INSERT INTO accounts_band SELECT n, 'Band ' || n FROM generate_series(1, 10) n"
        )

    def parts(self) -> object:
        """The valid parts of the index."""
        return self.value(
            "SELECT array_agg(inhrelid::regclass::text ORDER BY 1) FROM pg_inherits "
            "JOIN pg_index ON indexrelid = inhrelid AND indisvalid "
            "WHERE inhparent = to_regclass('band_name')"
        )

    def test_an_index_is_built_partition_by_partition_and_concurrently(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            self.forwards(AddIndexSafely("band", BAND_INDEX))
        names = [f'"Band {first}_band_name"' for first in (1, 5, 9)]
        assert self.parts() == names
        assert self.index_is_valid("band_name") is True
        statements = [query["sql"] for query in queries]
        builds = [text for text in statements if text.startswith("CREATE INDEX")]
        assert builds[0] == 'CREATE INDEX "band_name" ON ONLY "accounts_band" ("name")'
        assert builds[1:] == [
            f'CREATE INDEX CONCURRENTLY {name} ON "{name[1:7]}" ("name")' for name in names
        ]
        self.execute("CREATE TABLE later PARTITION OF accounts_band FOR VALUES FROM (13) TO (99)")
        parts = self.parts()
        assert isinstance(parts, list) and len(parts) == 4

    def test_a_build_that_failed_anywhere_is_continued(self) -> None:
        add = AddIndexSafely("band", BAND_INDEX)
        for statements in range(1, 40):
            failing = FailAt(statements)
            with connection.execute_wrapper(failing):
                try:
                    self.forwards(add)
                except RuntimeError:
                    continue
            break
        assert failing.seen < statements > 4
        assert len(self.parts()) == 3  # type: ignore[arg-type]
        assert self.index_is_valid("band_name") is True
        oids = (
            "SELECT array_agg(inhrelid::oid ORDER BY 1) FROM pg_inherits "
            "WHERE inhparent = 'band_name'::regclass"
        )
        built = self.value(oids)
        self.forwards(add)
        assert self.value(oids) == built

    def test_an_invalid_part_is_built_anew(self) -> None:
        self.execute('CREATE INDEX "Band 5_band_name" ON "Band 5" (name)')
        self.execute(
            "UPDATE pg_index SET indisvalid = false "
            """WHERE indexrelid = '"Band 5_band_name"'::regclass"""
        )
        self.forwards(AddIndexSafely("band", BAND_INDEX))
        assert self.index_is_valid("band_name") is True

    def test_it_is_removed_and_brought_back(self) -> None:
        add = AddIndexSafely("band", BAND_INDEX)
        self.state = self.forwards(add)
        remove = RemoveIndexSafely("band", "band_name")
        self.forwards(remove)
        self.forwards(remove)
        assert self.value("""SELECT to_regclass('"Band 1_band_name"')""") is None
        self.backwards(remove)
        assert len(self.parts()) == 3  # type: ignore[arg-type]

    def test_writers_go_on_while_it_is_built(self) -> None:
        other = connections.create_connection("default")
        self.addCleanup(other.close)
        written: list[str] = []

        def write(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
            if sql.startswith("ALTER INDEX"):
                with other.cursor() as cursor:
                    cursor.execute("SET lock_timeout = '1s'")
                    cursor.execute(
                        "INSERT INTO accounts_band VALUES (%s, 'x')", [11 + len(written)]
                    )
                written.append(sql)
            return execute(sql, params, many, context)

        self.execute(
            """CREATE TABLE more PARTITION OF accounts_band FOR VALUES FROM (13) TO (99)"""
        )
        with connection.execute_wrapper(write):
            self.forwards(AddIndexSafely("band", BAND_INDEX))
        assert len(written) == 4
        assert self.value("SELECT count(*) FROM accounts_band") == 14


class FailAt:
    """Fails at the so-manieth statement that changes something."""

    def __init__(self, statement: int) -> None:
        self.left = statement
        self.seen = 0

    def __call__(self, execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        if sql.startswith(("CREATE", "ALTER", "DROP")):
            self.seen += 1
            self.left -= 1
            if self.left == 0:
                raise RuntimeError(sql)
        return execute(sql, params, many, context)
