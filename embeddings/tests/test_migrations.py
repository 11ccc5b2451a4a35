"""The older Vibomat's interactions come here and go back, and nothing of them is lost."""

import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from archives.fields import uuid7
from archives.models import Archive
from embeddings import indexing
from embeddings.models import Embedding, EmbeddingModel, Interaction
from vibomat.accounts.models import User
from vibomat.tests.databases import connect, connected_to, database, execute
from vibomat.tests.migrating import (
    WritersWait,
    beside_a_long_reader,
    killed_again_and_again,
    migrated_copy,
)

from .older import (
    NUMBERS,
    OLDER,
    STEPS,
    add_older,
    add_user,
    migrate,
    older_rows,
    populate,
    present_rows,
)


@pytest.fixture(scope="module")
def older_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock(), migrated_copy("embeddings", OLDER) as name:
        yield name


@pytest.fixture
def older(older_database: str, db: None) -> Iterator[None]:
    """The older schema, without rows."""
    with database("older", older_database) as name, connected_to(name):
        yield


def schema() -> list[tuple[Any, ...]]:
    return execute("""
        SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull,
            (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
             WHERE adrelid = attrelid AND adnum = attnum)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
            AND relname ~ '^(ai_)?(interaction|embedding)'
        ORDER BY 1, 2
    """)


def functions() -> list[tuple[Any, ...]]:
    return execute(
        "SELECT proname FROM pg_proc WHERE proname ~ '^(interaction|embedding)_' ORDER BY 1"
    )


def test_every_row_returns_bit_for_bit_and_forward_again_is_the_same(older: None) -> None:
    populate(500, [add_user(), add_user()])
    before, older_schema = older_rows(), schema()
    assert len(before) == 500
    migrate()
    present, present_schema = present_rows(), schema()
    assert present.keys() == before.keys()
    assert functions() == [("interaction_forget_vectors",)]
    migrate(OLDER)
    assert older_rows() == before
    assert functions() == []
    kept = [row for row in schema() if "kept_aside" in row[0]]
    assert [row for row in schema() if row not in kept and "embedding_model" not in row[0]
            and row[0].startswith("ai_")] == older_schema  # fmt: skip
    assert kept
    migrate()
    assert present_rows() == present
    assert schema() == present_schema
    assert execute("SELECT to_regclass('interaction_kept_aside')") == [(None,)]


def test_without_rows_nothing_is_kept_aside(older: None) -> None:
    older_schema = schema()
    migrate()
    migrate(OLDER)
    assert schema() == older_schema
    assert execute("SELECT to_regclass('interaction_kept_aside')") == [(None,)]


def test_what_each_older_value_becomes(older: None) -> None:
    owner = add_user()
    vector = NUMBERS + [0.5] * (768 - len(NUMBERS))
    full = add_older("calm songs", owner, vector)
    empty = add_older(None, uuid.uuid4())
    dated = uuid7()
    execute("INSERT INTO ai_interaction_embedding (id) VALUES (%s)", [dated])
    migrate()
    interaction = Interaction.objects.get(pk=full)
    assert (interaction.user_id, interaction.text) == (owner, "calm songs")
    assert (interaction.kind, interaction.language) == ("prompt", "")
    assert (interaction.metadata, interaction.archive) == ({}, None)
    model = EmbeddingModel.objects.get()
    assert (model.pk, model.name, model.dimensions) == (1, "older-vibomat", 768)
    assert (model.state, model.precision, model.column) == ("retired", "full", "full_vector")
    embedding = Embedding.objects.get()
    assert (embedding.interaction_id, embedding.model_id, embedding.vector) == (full, 1, None)
    assert execute("SELECT vector_send(%s::vector) = vector_send(full_vector) FROM embedding",
                   [f"[{','.join(map(repr, vector))}]"]) == [(True,)]  # fmt: skip
    lost = Interaction.objects.get(pk=empty)
    assert (lost.user, lost.text) == (None, "")
    [(moment,)] = execute("SELECT uuid_extract_timestamp(%s)", [dated])
    assert Interaction.objects.get(pk=dated).created == moment
    assert EmbeddingModel.objects.create(name="next", dimensions=3).pk > 1


def fill_present() -> dict[str, Any]:
    """What the older schema has no place for, beside what it has."""
    user = User.objects.get(pk=add_user())
    archive = Archive.objects.create(owner=user, name="Rain")
    half = EmbeddingModel.objects.create(name="half", dimensions=3, state="active")
    rows = {
        "response": Interaction.objects.create(
            user=user, kind="response", text="Here you are", language="en", archive=archive,
            metadata={"took_ms": 7, "tags": ["a"]},
        ),
        "long": Interaction.objects.create(user=user, text="long " * 1000),
        "prompt": Interaction.objects.create(user=user, text="rain"),
    }  # fmt: skip
    half.store([(row, [1, 2, 3]) for row in rows.values()])
    return rows


def test_what_the_older_schema_cannot_hold_waits_and_returns(older: None) -> None:
    add_older(vector=[0.25] * 768)
    migrate()
    rows = fill_present()
    present = present_rows()
    migrate(OLDER)
    held = older_rows()
    assert held.keys() == present.keys()
    assert held[rows["long"].pk][1] == ("long " * 1000)[:2048]
    migrate()
    assert present_rows() == present
    assert EmbeddingModel.objects.get(state="active").name == "half"


def test_what_the_older_application_changed_meanwhile_wins(older: None) -> None:
    first = add_older("calm", vector=[0.25] * 768)
    nobody = add_older(None)
    migrate()
    rows = fill_present()
    migrate(OLDER)
    other = add_user()
    new = add_older("new", other, [0.5] * 768)
    execute("DELETE FROM ai_interaction_embedding WHERE id = %s", [rows["response"].pk])
    execute(
        "UPDATE ai_interaction_embedding SET prompt = 'edited', user_id = %s WHERE id = %s",
        [other, rows["prompt"].pk],
    )
    execute(
        "UPDATE ai_interaction_embedding SET embedding = %s WHERE id IN (%s, %s)",
        [str([0.125] * 768), rows["long"].pk, first],
    )
    execute("UPDATE ai_interaction_embedding SET prompt = '' WHERE id = %s", [nobody])
    # Interactions keep nobody from being deleted by the older application.
    execute("DELETE FROM playlist")
    execute('DELETE FROM "user" WHERE id = %s', [rows["long"].user_id])
    before = older_rows()
    migrate()
    assert not Interaction.objects.filter(pk=rows["response"].pk).exists()
    edited = Interaction.objects.get(pk=rows["prompt"].pk)
    assert (edited.text, edited.user_id, edited.embeddings.count()) == ("edited", other, 0)
    long = Interaction.objects.get(pk=rows["long"].pk)
    assert (long.text, long.user, long.embeddings.count()) == ("long " * 1000, None, 2)
    assert Interaction.objects.get(pk=new).embeddings.get().full_vector == [0.5] * 768
    assert Interaction.objects.get(pk=first).embeddings.get().full_vector == [0.125] * 768
    migrate(OLDER)
    assert older_rows() == before


def test_values_edited_here_go_back_as_edited(older: None) -> None:
    stranger = uuid.uuid4()
    one, other = add_older(None, stranger, [0.5] * 768), add_older("calm", None, [0.5] * 768)
    migrate()
    user = User.objects.get(pk=add_user())
    Interaction.objects.filter(pk=one).update(text="now there is one", user=user)
    Embedding.objects.filter(interaction=other).delete()
    migrate(OLDER)
    rows = older_rows()
    assert rows[one] == (user.pk, "now there is one", None)
    assert rows[other] == (None, "calm", None)


def test_a_user_who_turns_up_while_it_runs_has_their_interactions(older: None) -> None:
    user = uuid.uuid4()
    pk = add_older("early", user)
    migrate(STEPS[3])
    assert execute("SELECT user_id FROM interaction") == [(None,)]
    late = add_user()
    execute('UPDATE "user" SET id = %s WHERE id = %s', [user, late])
    migrate()
    assert Interaction.objects.get(pk=pk).user_id == user


def test_the_index_of_a_model_is_there_again(older: None) -> None:
    migrate()
    fill_present()
    model = EmbeddingModel.objects.get(name="half")
    indexing.build(model)
    migrate(OLDER)
    migrate()
    assert indexing.is_valid(model)
    assert Interaction.objects.similar([1, 2, 3]).count() == 3


def test_a_migration_given_up_halfway_goes_the_other_way_without_loss(older: None) -> None:
    populate(0, [add_user()])
    before = older_rows()
    for step in STEPS[1:]:
        migrate(step)
        migrate(OLDER)
        assert older_rows() == before
    migrate()
    fill_present()
    present = present_rows()
    for step in reversed(STEPS[:-1]):
        migrate(step)
        migrate()
        assert present_rows() == present


def test_a_migration_killed_anywhere_continues_when_run_again(
    older: None, small_batches: None
) -> None:
    populate(40, [add_user()])
    before = older_rows()
    assert killed_again_and_again(migrate, first=5, further=9) > 5
    migrate(OLDER)
    assert older_rows() == before
    migrate()
    fill_present()
    present = present_rows()
    assert killed_again_and_again(lambda: migrate(OLDER), first=5, further=9) > 5
    assert killed_again_and_again(migrate, first=5, further=9) > 5
    assert present_rows() == present


class Writer(threading.Thread):
    """Inserts, updates and deletes interactions by the schema it finds, and remembers them."""

    STATEMENTS = {
        "ai_interaction_embedding": "prompt",
        "interaction": "text",
    }

    def __init__(self, seed: int, stop: threading.Event) -> None:
        super().__init__()
        self.choose = random.Random(seed)
        self.stop = stop
        self.written: dict[uuid.UUID, str] = {}
        self.deleted: set[uuid.UUID] = set()
        self.table = "ai_interaction_embedding"
        self.failure: BaseException | None = None
        self.count = 0

    def run(self) -> None:
        try:
            with connect() as self.connection:
                while not self.stop.wait(0.005):
                    self.write()
                    self.count += 1
        except BaseException as error:
            self.failure = error

    def write(self) -> None:
        table, column = self.table, self.STATEMENTS[self.table]
        text = f"songs {self.choose.randrange(10**9)}"
        action = self.choose.random()
        if action < 0.5 or not self.written:
            pk = uuid.UUID(int=self.choose.getrandbits(128), version=4)
            sql = f"INSERT INTO {table} ({column}, id) VALUES (%s, %s)"
        else:
            pk = self.choose.choice(list(self.written))
            if action < 0.6:
                assert self.connection.execute(
                    f"DELETE FROM {table} WHERE id = %s", [pk]
                ).rowcount == 1  # fmt: skip
                del self.written[pk]
                self.deleted.add(pk)
                return
            sql = f"UPDATE {table} SET {column} = %s WHERE id = %s"
        assert self.connection.execute(sql, [text, pk], prepare=False).rowcount == 1
        self.written[pk] = text


def test_writers_lose_nothing_while_it_runs_and_wait_for_no_row(
    older: None, small_batches: None
) -> None:
    """The older application until 0004, then this one too, and the other way back."""
    populate(500, [add_user()])
    stop = threading.Event()
    writers = [Writer(seed, stop) for seed in range(2)]
    for writer in writers:
        writer.start()

    waited = [WritersWait(table) for table in Writer.STATEMENTS]
    try:
        with ExitStack() as wrapped:
            for waits in waited:
                wrapped.enter_context(connection.execute_wrapper(waits))
            for step in STEPS[1:4]:
                migrate(step)
                time.sleep(0.05)
            for writer in writers:
                writer.table = "interaction"
                time.sleep(0.1)
            for step in [*STEPS[4:], *reversed(STEPS[3:-1])]:
                migrate(step)
                time.sleep(0.05)
            for writer in writers:
                writer.table = "ai_interaction_embedding"
                time.sleep(0.1)
            for step in reversed(STEPS[:3]):
                migrate(step)
                time.sleep(0.05)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert [writer.failure for writer in writers] == [None] * 2
    assert all(writer.count > 100 for writer in writers)
    rows = older_rows()
    for writer in writers:
        assert {pk: rows[pk][1] for pk in writer.written} == writer.written
        assert not writer.deleted & rows.keys()
    assert len(rows) == 500 + sum(len(writer.written) for writer in writers)
    for waits in waited:
        assert waits.statements > 5
        assert waits.rows == 0
    migrate()
    assert present_rows().keys() == rows.keys()


def test_nobody_is_kept_waiting_by_a_long_reader_and_it_is_done_once_that_ends(
    older: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = add_older()
    migrate("0005_fill_older_table")
    statements = [
        f"SELECT text FROM interaction WHERE id = '{pk}'",
        f"UPDATE interaction SET text = 'sad' WHERE id = '{pk}'",
        # By the order in which its triggers lock, a deadlock with whoever locks in the other one.
        "UPDATE embedding SET created = created",
    ]
    tables = "interaction, ai_interaction_embedding"
    with beside_a_long_reader(monkeypatch, tables, statements):
        migrate("0006_drop_older_table")
    assert execute("SELECT to_regclass('ai_interaction_embedding')") == [(None,)]
    assert Interaction.objects.get().text == "sad"


def test_an_older_database_is_migrated_in_place(empty_database: None) -> None:
    # As others may have made it: an index of vectors, a foreign key and stricter columns.
    call_command("migrate", "accounts", verbosity=0)
    execute("""
        CREATE EXTENSION vector;
        CREATE TABLE ai_interaction_embedding (
            id uuid NOT NULL, user_id uuid NOT NULL REFERENCES "user" ON DELETE CASCADE,
            prompt varchar(2048) NOT NULL CHECK (prompt <> ''), embedding vector(768),
            CONSTRAINT pk_ai PRIMARY KEY (id), UNIQUE (user_id, prompt));
        CREATE INDEX ix_ai ON ai_interaction_embedding
            USING hnsw (embedding vector_cosine_ops);
    """)
    owner = add_user()
    pk = add_older("calm", owner, [0.5] * 768)
    before = older_rows()
    output = StringIO()
    call_command("migrate", fake_initial=True, no_color=True, stdout=output)
    assert "embeddings.0001_initial... FAKED" in output.getvalue()
    assert Interaction.objects.get().pk == pk
    Interaction.objects.create(text="")
    migrate(OLDER)
    rows = older_rows()
    assert len(rows) == 2 and rows[pk] == before[pk]


def test_the_first_migration_makes_the_older_schema(older: None) -> None:
    assert schema() == [
        ("ai_interaction_embedding", "embedding", "vector(768)", False, None),
        ("ai_interaction_embedding", "id", "uuid", True, None),
        ("ai_interaction_embedding", "prompt", "character varying(2048)", False, None),
        ("ai_interaction_embedding", "user_id", "uuid", False, None),
        ("ai_interaction_embedding_pkey", "id", "uuid", False, None),
    ]
