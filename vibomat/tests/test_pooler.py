"""Behind PgBouncer in transaction mode, where a session is a client's for one transaction only."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import transaction
from django.test import Client, override_settings
from model_bakery import baker

from archives import prepared
from archives.models import Archive
from embeddings import indexing
from embeddings.models import EmbeddingModel, Interaction
from search.models import Artist, Track
from vibomat import readiness, timeouts
from vibomat.postgresql.application_name import busy_with
from vibomat.postgresql.base import DatabaseWrapper
from vibomat.tests import pooler
from vibomat.tests.databases import execute

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def role() -> Iterator[None]:
    """What the role gets for its sessions is taken from it."""
    yield
    [(role, name)] = execute("SELECT quote_ident(current_user), quote_ident(current_database())")
    execute(f"ALTER ROLE {role} IN DATABASE {name} RESET ALL")


@contextmanager
def working_on(work: str) -> Iterator[None]:
    token = busy_with.set(work)
    yield
    busy_with.reset(token)


def one(using: DatabaseWrapper, statement: str) -> Any:
    with using.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def test_migrate_sees_to_it_that_every_statement_has_a_limit(role: None) -> None:
    with override_settings(DATABASE_LEADS_TO_POOLER=True):
        call_command("migrate", verbosity=0)
    with (
        pooler.running(2) as port,
        pooler.client(port, "a") as a,
        pooler.client(port, "b") as b,
        transaction.atomic(using="a"),
    ):
        pid = one(a, "SELECT pg_backend_pid()")
        assert one(b, "SELECT pg_backend_pid()") != pid
        for using in (a, b):
            assert one(using, "SHOW statement_timeout") == "5s"
            assert one(using, "SHOW idle_in_transaction_session_timeout") == "1min"


def test_statements_without_a_limit_are_an_error_that_says_what_to_do() -> None:
    with pooler.running(1) as port, pooler.client(port):
        database, *_ = readiness.results()
        name = execute("SELECT current_database()")[0][0]
    [message] = database.messages
    assert (database.name, message.msg) == ("database", "Statements run without a limit.")
    assert message.hint is not None
    assert f"IN DATABASE {name} SET statement_timeout = 5000;" in message.hint


def test_nobody_lifts_the_limits_of_a_session_that_others_get() -> None:
    with pooler.running(1) as port, pooler.client(port):
        with (
            pytest.raises(ImproperlyConfigured, match="needs a session of its own"),
            timeouts.lifted(),
        ):
            pass
        with pytest.raises(ImproperlyConfigured, match="needs a session of its own"):
            call_command("migrate", verbosity=0)


def test_requests_are_answered(client: Client, role: None) -> None:
    timeouts.give_to_role()
    baker.make(Track, title="Teardrop", artist_credit="Massive Attack")
    tracks = [{"artist": "Massive Attack", "track": "Teardrop"}]
    owner: Any = baker.make("accounts.User", email="owner@example.org")
    Archive.objects.create(name="A", owner=owner, visibility="public", content={"tracks": tracks})
    with pooler.running(1) as port, pooler.client(port, pool={"min_size": 1, "max_size": 2}):
        found = client.get("/api/search/?q=teardrp").json()
        assert [hit["title"] for hit in found["results"]] == ["Teardrop"]
        resolved = client.post(
            "/api/search/resolve/",
            {"tracks": [{"artist": "massive atack", "title": "teardrop"}]},
            "application/json",
        )
        assert resolved.status_code == 200
        for _ in range(2):
            found = client.get("/api/archives/?artist=massive+attack").json()
            assert [archive["name"] for archive in found["results"]] == ["A"]
        client.force_login(owner)
        assert client.get("/api/prompts/").status_code == 200
        ready = client.get("/health/ready/").json()
        assert (ready["status"], ready["checks"]["database"]) == ("ok", "ok")


def test_prompts_are_found_by_meaning_and_leave_no_setting_in_the_session() -> None:
    prompts = baker.make(Interaction, text="something quiet", _quantity=2)
    model = EmbeddingModel.objects.create(name="test", dimensions=2)
    model.store([(prompts[0], [1, 0]), (prompts[1], [0, 1])])
    indexing.build(model)
    model.activate()
    with pooler.running(1) as port, pooler.client(port) as using:
        before = one(using, "SHOW enable_sort")
        assert Interaction.objects.similar([0.1, 1.0], k=1).get() == prompts[1]
        assert one(using, "SHOW enable_sort") == before == "on"
    indexing.drop(model)


def test_each_transaction_is_named_after_its_request_in_one_session() -> None:
    with pooler.running(1) as port, pooler.client(port, "a") as a, pooler.client(port, "b") as b:
        with working_on("request-1"):
            one(a, "SELECT 1")
        with working_on("request-2"):
            one(b, "SELECT 1")
        own = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        for _ in range(2):
            assert one(a, own) == "vibomat:request-1"
            assert one(b, own) == "vibomat:request-2"


def test_clients_share_the_plans_that_a_session_has_prepared() -> None:
    archive = Archive.objects.create(name="A", content={})
    kept = "SELECT count(*) FROM pg_prepared_statements WHERE starts_with(name, 'archives_')"
    with pooler.running(1) as port, pooler.client(port, "a") as a, pooler.client(port, "b"):
        for alias in ("a", "b", "a"):
            assert Archive.objects.using(alias).newest(5) == [archive]
            assert one(a, kept) == 1


def test_a_session_keeps_no_more_plans_than_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MOST_STATEMENTS", 3)
    kept = "SELECT count(*) FROM pg_prepared_statements WHERE starts_with(name, 'archives_')"
    with pooler.running(1) as port, pooler.client(port, "a") as a, pooler.client(port, "b"):
        for limit in range(200, 205):
            for alias in ("a", "b"):
                Archive.objects.using(alias).newest(limit)
        assert one(a, kept) == 3


def test_plans_are_prepared_in_whichever_session_comes() -> None:
    archive = Archive.objects.create(name="A", content={})
    with pooler.running(2) as port, pooler.client(port, "a") as a, pooler.client(port, "b") as b:
        rows = Archive.objects.using("a")
        first = one(a, "SELECT pg_backend_pid()")
        assert rows.newest(5) == [archive]
        with transaction.atomic(using="b"):
            assert one(b, "SELECT pg_backend_pid()") == first
            assert one(a, "SELECT pg_backend_pid()") != first
            assert rows.newest(5) == [archive]


def test_a_plan_is_used_in_the_session_that_made_it_whoever_comes_between() -> None:
    archive = Archive.objects.create(name="A", content={})
    prepared_statements = []

    def take_a_session(execute: Any, statement: str, *arguments: Any) -> Any:
        result = execute(statement, *arguments)
        if statement.startswith("PREPARE "):
            prepared_statements.append(statement)
            b.set_autocommit(False)
            one(b, "SELECT 1")
        return result

    with pooler.running(2) as port, pooler.client(port, "a") as a, pooler.client(port, "b") as b:
        with a.execute_wrapper(take_a_session):
            assert Archive.objects.using("a").newest(5) == [archive]
        b.rollback()
    assert len(prepared_statements) == 1


def test_many_rows_are_read_without_a_cursor_that_lives_in_a_session() -> None:
    baker.make(Artist, _quantity=5)
    with pooler.running(2) as port, pooler.client(port, "a"), pooler.client(port, "b") as b:
        rows = Artist.objects.using("a").iterator(chunk_size=2)
        next(rows)
        with transaction.atomic(using="b"):
            one(b, "SELECT 1")
            assert len(list(rows)) == 4
