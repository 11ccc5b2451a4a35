"""The older Vibomat's playlists become archives and go back, and nothing of them is lost."""

import json
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from archives.models import Archive
from vibomat.accounts.models import User
from vibomat.tests.databases import connect, connected_to, database, execute
from vibomat.tests.migrating import (
    Killed,
    WritersWait,
    beside_a_long_reader,
    killed_again_and_again,
    migrated_copy,
)

from .older import (
    HELD,
    OLDER,
    STEPS,
    UNHELD,
    add_older,
    add_user,
    assert_returned,
    migrate,
    older_rows,
    populate,
    present_rows,
)


@pytest.fixture(scope="module")
def older_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock(), migrated_copy("archives", OLDER) as name:
        yield name


@pytest.fixture
def older(older_database: str, db: None, settings: Any) -> Iterator[None]:
    """The older schema, without rows."""
    # Each is one more partition to build every index of.
    settings.ARCHIVE_MONTHS_AHEAD = 1
    with database("older", older_database) as name, connected_to(name):
        yield


# From this step on there is the present table only.
WITHOUT_OLDER = "0006_drop_older_table"


def schema() -> list[tuple[Any, ...]]:
    return execute("""
        SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull,
            (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
             WHERE adrelid = attrelid AND adnum = attnum)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
            AND relname LIKE 'playlist%%'
        ORDER BY 1, 2
    """)


def functions() -> list[tuple[Any, ...]]:
    return execute("SELECT proname FROM pg_proc WHERE proname LIKE 'archive\\_%%' ORDER BY 1")


def test_every_row_returns_and_forward_again_is_the_same(older: None) -> None:
    populate(2000, [add_user(), add_user()])
    before, older_schema = older_rows(), schema()
    assert len(before) == 2000
    migrate()
    present, present_schema, present_functions = present_rows(), schema(), functions()
    assert present.keys() == before.keys()
    migrate(OLDER)
    assert_returned(before)
    assert schema() == older_schema
    assert functions() == []
    migrate()
    assert present_rows() == present
    assert schema() == present_schema
    assert functions() == present_functions
    assert ("archive_fill",) in present_functions
    assert execute("SELECT to_regclass('archive_kept_aside')") == [(None,)]


def test_what_each_older_value_becomes(older: None) -> None:
    owner = add_user()
    deleted = datetime(2024, 5, 1, tzinfo=UTC)
    full = add_older(
        user_id=owner,
        description="For late",
        public=True,
        status="x" * 50,
        provider="spotify",
        provider_id="37i9",
        total_duration_ms=5,
        deleted_at=deleted,
        last_synced_at=datetime(2024, 6, 1, tzinfo=UTC),
        content_json='{"tracks": [{"artist": "Air", "duration_ms": 1000}, {"duration_ms": 7}]}',
    )
    derived = add_older(name=None, source_id=full, total_duration_ms=5, content_json="[]")
    lost = add_older(user_id=uuid.uuid4(), source_id=uuid.uuid4(), public=False)
    migrate()
    archive = Archive.objects.get(pk=full)
    assert (archive.owner_id, archive.name, archive.description) == (
        owner,
        "Late Night",
        "For late",
    )
    assert (archive.visibility, archive.status) == ("public", "x" * 50)
    assert (archive.provider, archive.provider_id) == ("spotify", "37i9")
    assert (archive.track_count, archive.total_duration_ms, archive.revision) == (2, 1007, 1)
    assert (archive.deleted, archive.created) == (deleted, deleted)
    copy = Archive.objects.get(pk=derived)
    assert (copy.owner, copy.name, copy.description, copy.status) == (None, "", "", "")
    assert (copy.derived_from, copy.visibility, copy.content) == (
        archive,
        "private",
        {"tracks": []},
    )
    assert (copy.track_count, copy.total_duration_ms) == (0, 5)
    orphan = Archive.objects.get(pk=lost)
    assert (orphan.owner, orphan.derived_from) == (None, None)


def as_object(text: str | None) -> Any:
    """What content that older text becomes."""
    value = None if text is None else json.loads(text, parse_float=Decimal, parse_int=Decimal)
    if text is None:
        return {}
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and all(isinstance(track, dict) for track in value):
        return {"tracks": value}
    return {"metadata": {"older_content": value}}


def test_json_that_jsonb_holds_becomes_an_object_of_equal_values(older: None) -> None:
    pks = [add_older(content_json=text) for text in HELD]
    assert "playlist " not in migrate()
    for pk, text in zip(pks, HELD, strict=True):
        [(found,)] = execute("SELECT content::text FROM playlist WHERE id = %s", [pk])
        assert json.loads(found, parse_float=Decimal, parse_int=Decimal) == as_object(text)
    assert len(Archive.objects.all()) == len(HELD)


REPAIRED = [
    {"name": "\ufffd", "tracks": [{"artist": "A\ufffdB"}]},
    {"\ufffd": []},
    {"metadata": {"older_content": ["\ufffd"]}},
    {"tracks": [{"artist": "\ufffd🎸", "track": "\\u0000 \ufffd"}]},
    {"a": 2},
    {"tracks": [{"artist": "AIR"}]},
    {"metadata": {"older_content": ["1e400000"]}},
    {"tracks": [{"artist": "1e400000", "duration_ms": "1e400000"}]},
    {"n": "1E5000"},
    {"n": "9" * 4301},
    {"n": "9" * 400 + ".5"},
    {},
    {},
]


def test_json_that_jsonb_cannot_hold_is_reported_repaired_and_kept(
    older: None, capsys: pytest.CaptureFixture[str]
) -> None:
    pks = [add_older(content_json=text) for text in UNHELD]
    migrate()
    report = capsys.readouterr().out
    for pk, content in zip(pks, REPAIRED, strict=True):
        assert f"playlist {pk}: JSONB can't hold content_json as it is (" in report
        assert Archive.objects.get(pk=pk).content == content
    Archive.objects.update(name="Renamed")
    migrate(OLDER)
    assert [older_rows()[pk]["content_json"] for pk in pks] == UNHELD
    migrate()
    Archive.objects.update(content={"tracks": []})
    migrate(OLDER)
    assert {row["content_json"] for row in older_rows().values()} == {'{"tracks": []}'}


def test_content_of_more_words_than_an_index_takes_is_migrated(older: None) -> None:
    tags = [f"{number:x}" for number in range(160_000)]
    add_older(content_json=json.dumps({"tracks": [], "metadata": {"tags": tags}}))
    before = older_rows()
    migrate()
    assert len(Archive.objects.get().content["metadata"]["tags"]) == 160_000
    migrate(OLDER)
    assert_returned(before)


def test_a_list_of_tracks_returns_as_one_after_an_edit_unless_it_is_more(older: None) -> None:
    pk = add_older(content_json='[{"artist": "Air"}]')
    migrate()
    Archive.objects.filter(pk=pk).update(content={"tracks": [{"artist": "Air"}, {"artist": "M"}]})
    migrate(OLDER)
    assert older_rows()[pk]["content_json"] == '[{"artist": "Air"}, {"artist": "M"}]'
    migrate()
    Archive.objects.filter(pk=pk).update(content={"tracks": [], "metadata": {}})
    migrate(OLDER)
    assert json.loads(older_rows()[pk]["content_json"]) == {"tracks": [], "metadata": {}}


def test_edited_values_go_back_as_edited(older: None) -> None:
    pk = add_older(name=None, description="", status="", public=None, user_id=uuid.uuid4())
    pk_total = add_older(total_duration_ms=5, content_json='{"tracks": [{"duration_ms": 7}]}')
    owner = User.objects.get(pk=add_user())
    migrate()
    Archive.objects.filter(pk=pk).update(
        name="New", description="D", status="synced", visibility="public", owner=owner
    )
    Archive.objects.filter(pk=pk_total).update(content={"tracks": [{"duration_ms": 9}]})
    migrate(OLDER)
    row = older_rows()[pk]
    assert (row["name"], row["description"], row["status"]) == ("New", "D", "synced")
    assert (row["public"], row["user_id"]) == (True, owner.pk)
    assert older_rows()[pk_total]["total_duration_ms"] == 9


def fill_present() -> None:
    """Archives that the older schema can't hold, in every column."""
    long = "ü" * 2000
    owner = User.objects.get(pk=add_user())
    source = Archive.objects.create(
        name=long,
        description=long,
        status=long,
        provider=long,
        provider_id=long,
        visibility="unlisted",
        owner=owner,
        content={"tracks": [{"duration_ms": 4_000_000_000}, {"duration_ms": 5}]},
    )
    Archive.objects.create(name="", derived_from=source, visibility="public")
    Archive.objects.create(name="Later", pk=uuid.UUID("02f00000-0000-7000-8000-000000000000"))
    Archive.objects.create(name="Random", pk=uuid.uuid4())
    Archive.objects.filter(name="Later").update(created=datetime(2020, 1, 1, tzinfo=UTC))
    for _ in range(3):
        Archive.objects.filter(name="Random").update(status="published")


def test_what_the_older_schema_cannot_hold_waits_and_returns(older: None) -> None:
    migrate()
    fill_present()
    before = present_rows()
    assert len(before) == 4
    migrate(OLDER)
    assert {len(row["name"]) for row in older_rows().values()} == {255, 0, 5, 6}
    migrate()
    assert present_rows() == before


def test_what_the_older_application_changed_meanwhile_wins(older: None) -> None:
    migrate()
    fill_present()
    edited = Archive.objects.get(visibility="unlisted")
    content = Archive.objects.get(name="Random")
    same = Archive.objects.get(name="Later")
    migrate(OLDER)
    execute("UPDATE playlist SET name = 'Short', public = true WHERE id = %s", [edited.pk])
    execute("""UPDATE playlist SET content_json = '{"a": 1}' WHERE id = %s""", [content.pk])
    execute("DELETE FROM playlist WHERE source_id IS NOT NULL")
    added = add_older()
    migrate()
    archive = Archive.objects.get(pk=edited.pk)
    assert (archive.name, archive.visibility) == ("Short", "public")
    assert (archive.description, archive.provider_id) == (edited.description, edited.provider_id)
    assert (archive.created, archive.revision) == (edited.created, edited.revision + 1)
    assert archive.updated > edited.updated
    assert Archive.objects.get(pk=content.pk).content == {"a": 1}
    assert Archive.objects.get(pk=content.pk).revision == content.revision + 1
    assert Archive.objects.get(pk=same.pk).revision == same.revision
    assert set(Archive.objects.values_list("pk", flat=True)) == {
        edited.pk, content.pk, same.pk, added,
    }  # fmt: skip


def test_a_migration_killed_anywhere_continues_when_run_again(
    older: None, small_batches: None
) -> None:
    populate(100, [add_user()])
    before = older_rows()
    assert killed_again_and_again(migrate, first=3, further=8) > 5
    migrate(OLDER)
    assert_returned(before)
    migrate()
    fill_present()
    present = present_rows()
    assert killed_again_and_again(lambda: migrate(OLDER), first=3, further=8) > 5
    killed_again_and_again(migrate, first=3, further=8)
    assert present_rows() == present


def test_a_step_back_that_is_ended_before_it_is_noted_is_taken_again(older: None) -> None:
    migrate()
    fill_present()
    present = present_rows()

    def kill(run: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        if 'DELETE FROM "django_migrations"' in sql:
            raise Killed
        return run(sql, *arguments)

    for step in reversed(STEPS[:-1]):
        with pytest.raises(Killed), connection.execute_wrapper(kill):
            migrate(step)
        connection.close()
        migrate(step)
    migrate()
    assert present_rows() == present


def test_a_backend_terminated_at_random_moments_loses_nothing(
    older: None, small_batches: None
) -> None:
    choose = random.Random(4)
    populate(500, [add_user()])
    before = older_rows()
    for target in (STEPS[-1], OLDER, STEPS[-1]):
        for delay in (choose.random() * 0.8, choose.random() * 0.8, None):
            if delay is not None:
                with connection.cursor() as cursor:
                    backend = cursor.connection.info.backend_pid
                killer = threading.Timer(delay, terminate, [backend])
                killer.start()
            try:
                migrate(target)
            except OperationalError:
                connection.close()
            finally:
                killer.join()
            connection.close()
        if target == OLDER:
            assert_returned(before)
        else:
            assert present_rows().keys() == before.keys()
    migrate(OLDER)
    assert_returned(before)


def terminate(backend: int) -> None:
    with connect() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [backend])


def test_a_migration_given_up_halfway_goes_back_without_loss(older: None) -> None:
    populate(0, [add_user()])
    first = older_rows()
    # Up to there the older table is still beside the present one.
    for step in STEPS[1 : STEPS.index(WITHOUT_OLDER)]:
        migrate(step)
        migrate(OLDER)
        assert_returned(first)
    migrate()
    fill_present()
    present = present_rows()
    migrate(OLDER)
    before = older_rows()
    assert len(before) == len(first) + 4
    # Now with what waits in archive_kept_aside.
    for step in STEPS[1 : STEPS.index(WITHOUT_OLDER) + 1]:
        migrate(step)
        migrate(OLDER)
        assert_returned(before)
    # Further steps find and leave what that one does.
    migrate(WITHOUT_OLDER)
    rows, columns = present_rows(), schema()
    for step in STEPS[STEPS.index(WITHOUT_OLDER) + 1 :]:
        migrate(step)
        migrate(WITHOUT_OLDER)
        assert (present_rows(), schema()) == (rows, columns)
    migrate()
    assert present_rows() == present


def test_going_back_given_up_halfway_goes_forward_without_loss(older: None) -> None:
    populate(0, [add_user()])
    migrate()
    fill_present()
    present, columns = present_rows(), schema()
    for step in reversed(STEPS[STEPS.index(WITHOUT_OLDER) : -1]):
        migrate(step)
        migrate()
        assert (present_rows(), schema()) == (present, columns)
    migrate(WITHOUT_OLDER)
    rows, columns = present_rows(), schema()
    for step in reversed(STEPS[: STEPS.index(WITHOUT_OLDER)]):
        migrate(step)
        migrate(WITHOUT_OLDER)
        assert (present_rows(), schema()) == (rows, columns)
    migrate()
    assert present_rows() == present


class Writer(threading.Thread):
    """Inserts, updates and deletes playlists by the schema it finds, and remembers what it did."""

    def __init__(self, seed: int, stop: threading.Event) -> None:
        super().__init__()
        self.choose = random.Random(seed)
        self.stop = stop
        self.written: dict[uuid.UUID, tuple[str, int]] = {}
        self.deleted: set[uuid.UUID] = set()
        self.schemas: set[str] = set()
        self.failure: BaseException | None = None
        self.count = 0

    def run(self) -> None:
        try:
            with connect() as self.connection:
                while not self.stop.wait(0.02):
                    self.write()
        except BaseException as error:
            self.failure = error

    def write(self) -> None:
        # A statement prepared for one schema is refused by the other: then it is written anew.
        for column in ("content_json", "content"):
            try:
                self.write_to(column)
            except psycopg.errors.UndefinedColumn:
                continue
            self.schemas.add(column)
            self.count += 1
            return

    def write_to(self, column: str) -> None:
        n = self.choose.randrange(10**9)
        content, name = json.dumps({"n": n}), f"Mix {n}"
        action = self.choose.random()
        if action < 0.5 or not self.written:
            pk = uuid.UUID(int=self.choose.getrandbits(128), version=4)
            sql = f"INSERT INTO playlist (name, {column}, id) VALUES (%s, %s, %s)"
        else:
            pk = self.choose.choice(list(self.written))
            if action < 0.6:
                done = self.connection.execute(
                    f"DELETE FROM playlist WHERE id = %s AND {column} IS NOT NULL", [pk]
                )
                assert done.rowcount == 1
                del self.written[pk]
                self.deleted.add(pk)
                return
            sql = f"UPDATE playlist SET name = %s, {column} = %s WHERE id = %s"
        done = self.connection.execute(sql, [name, content, pk], prepare=False)
        assert done.rowcount == 1
        self.written[pk] = (name, n)


def test_writers_lose_nothing_while_it_runs_and_wait_for_no_row(
    older: None, small_batches: None
) -> None:
    populate(200, [add_user()])
    stop = threading.Event()
    writers = [Writer(seed, stop) for seed in range(3)]
    for writer in writers:
        writer.start()
    try:
        with connection.execute_wrapper(waits := WritersWait("playlist")):
            for step in [*STEPS[1:], *reversed(STEPS[:-1])]:
                migrate(step)
                time.sleep(0.05)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert [writer.failure for writer in writers] == [None] * 3
    assert all(writer.schemas == {"content_json", "content"} for writer in writers)
    assert all(writer.count > 100 for writer in writers)
    rows = older_rows()
    for writer in writers:
        for pk, (name, n) in writer.written.items():
            assert (rows[pk]["name"], json.loads(rows[pk]["content_json"])) == (name, {"n": n})
        assert not writer.deleted & rows.keys()
    assert len(rows) == 200 + sum(len(writer.written) for writer in writers)
    assert waits.statements > 20
    assert waits.rows == 0
    migrate()
    assert present_rows().keys() == rows.keys()


def test_nobody_is_kept_waiting_by_a_long_reader_and_it_is_done_once_that_ends(
    older: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = add_older()
    migrate("0003_fill_present_table")
    statements = [
        f"SELECT name FROM playlist WHERE id = '{pk}'",
        f"UPDATE playlist SET name = 'Later' WHERE id = '{pk}'",
    ]
    with beside_a_long_reader(monkeypatch, "playlist", statements):
        migrate("0004_use_present_table")
    assert Archive.objects.values_list("name", flat=True).get() == "Later"


def test_an_older_database_is_migrated_in_place(empty_database: None) -> None:
    # As others may have made it: indexes, foreign keys and stricter columns.
    call_command("migrate", "accounts", verbosity=0)
    execute("""
        CREATE TABLE playlist (id uuid NOT NULL, user_id uuid NOT NULL REFERENCES "user",
            name varchar(255) NOT NULL, description varchar(1024), public bool NOT NULL,
            status varchar(50) CHECK (status <> 'x'), provider varchar(50),
            provider_id varchar(255), total_duration_ms int, deleted_at timestamptz,
            last_synced_at timestamptz, content_json json, source_id uuid,
            CONSTRAINT pk_playlist PRIMARY KEY (id), UNIQUE (user_id, name));
        ALTER TABLE playlist ADD FOREIGN KEY (source_id) REFERENCES playlist ON DELETE CASCADE;
        CREATE UNIQUE INDEX ix_playlist ON playlist (provider_id);
        CREATE TABLE playlist_like (playlist_id uuid REFERENCES playlist ON DELETE CASCADE);
    """)
    owner = add_user()
    pk = add_older(user_id=owner, public=True, content_json='{"tracks": [{"artist": "Air"}]}')
    execute("INSERT INTO playlist_like VALUES (%s)", [pk])
    before = older_rows()
    output = StringIO()
    call_command("migrate", "archives", fake_initial=True, no_color=True, stdout=output)
    assert "archives.0001_initial... FAKED" in output.getvalue()
    archive = Archive.objects.get(owner=owner, track_count=1)
    twin = Archive.objects.create(name=archive.name, owner=archive.owner)
    execute("INSERT INTO playlist_like VALUES (%s)", [twin.pk])
    twin_pk = twin.pk
    execute("DELETE FROM playlist WHERE id = %s", [twin_pk])
    assert execute("SELECT playlist_id FROM playlist_like") == [(pk,)]
    migrate(OLDER)
    assert_returned(before)
    with pytest.raises(Exception, match="violates foreign key"):
        execute("INSERT INTO playlist_like VALUES (%s)", [twin_pk])
    assert execute(
        "SELECT convalidated FROM pg_constraint WHERE conname LIKE 'playlist_like%%'"
        " AND contype = 'f'"
    ) == [(True,)]


def test_the_first_migration_makes_the_older_schema(older: None) -> None:
    assert schema() == [
        ("playlist", "content_json", "json", False, None),
        ("playlist", "deleted_at", "timestamp with time zone", False, None),
        ("playlist", "description", "character varying(1024)", False, None),
        ("playlist", "id", "uuid", True, None),
        ("playlist", "last_synced_at", "timestamp with time zone", False, None),
        ("playlist", "name", "character varying(255)", False, None),
        ("playlist", "provider", "character varying(50)", False, None),
        ("playlist", "provider_id", "character varying(255)", False, None),
        ("playlist", "public", "boolean", False, None),
        ("playlist", "source_id", "uuid", False, None),
        ("playlist", "status", "character varying(50)", False, None),
        ("playlist", "total_duration_ms", "integer", False, None),
        ("playlist", "user_id", "uuid", False, None),
        ("playlist_pkey", "id", "uuid", False, None),
    ]
