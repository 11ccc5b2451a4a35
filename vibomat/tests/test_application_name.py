"""Connections say what they work on, at no further round trip, and never what others worked on."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from psycopg import pq

import manage
from vibomat.postgresql.application_name import LONGEST, application_name, busy_with
from vibomat.postgresql.base import DatabaseWrapper


@pytest.fixture(autouse=True)
def nothing_to_do() -> Iterator[None]:
    token = busy_with.set("")
    yield
    busy_with.reset(token)


@contextmanager
def another(alias: str, **settings: Any) -> Iterator[DatabaseWrapper]:
    """A connection to the test database with other settings; OPTIONS are added."""
    other = connection.copy(alias)
    options = {**other.settings_dict["OPTIONS"], **settings.pop("OPTIONS", {})}
    other.settings_dict = {**other.settings_dict, **settings, "OPTIONS": options}
    assert isinstance(other, DatabaseWrapper)
    connections[alias] = other
    try:
        yield other
    finally:
        other.close()
        other.close_pool()
        del connections[alias]


def begin_request(using: DatabaseWrapper, request_id: str) -> None:
    """What Django's signals and our middleware do."""
    using.close_if_unusable_or_obsolete()
    busy_with.set(request_id)


def name_seen_by_the_server(using: DatabaseWrapper) -> str:
    with using.cursor() as cursor:
        cursor.execute("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        return str(cursor.fetchone()[0])


def test_a_name_is_the_application_and_its_work() -> None:
    assert application_name("vibomat") == "vibomat"
    busy_with.set("request-1")
    assert application_name("vibomat") == "vibomat:request-1"


def test_of_a_long_name_the_work_stays_whole() -> None:
    busy_with.set("r" * 48)
    name = application_name("a" * 40)
    assert len(name) == LONGEST and name == f"{'a' * 14}:{'r' * 48}"


@pytest.mark.django_db(transaction=True)
def test_an_open_connection_is_named_after_each_request() -> None:
    with another("kept", CONN_MAX_AGE=60) as using:
        begin_request(using, "first-request")
        assert name_seen_by_the_server(using) == "vibomat:first-request"
        kept = using.connection
        begin_request(using, "second-request")
        assert name_seen_by_the_server(using) == "vibomat:second-request"
        begin_request(using, "")
        assert name_seen_by_the_server(using) == "vibomat"
        assert using.connection is kept


@pytest.mark.django_db(transaction=True)
def test_the_pool_names_a_connection_after_whoever_takes_it() -> None:
    with another(
        "pooled", CONN_MAX_AGE=0, OPTIONS={"pool": {"min_size": 1, "max_size": 1}}
    ) as using:
        for request_id in ("first-request", "second-request"):
            begin_request(using, request_id)
            assert name_seen_by_the_server(using) == f"vibomat:{request_id}"
            using.close()
        begin_request(using, "")
        assert name_seen_by_the_server(using) == "vibomat"
        # One connection was used by all.
        assert using.pool.get_stats()["connections_num"] == 1


@pytest.mark.django_db(transaction=True)
def test_the_pool_gives_no_broken_connection() -> None:
    with another(
        "broken", CONN_MAX_AGE=0, OPTIONS={"pool": {"min_size": 1, "max_size": 1}}
    ) as using:
        with using.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        using.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert name_seen_by_the_server(using) == "vibomat"


@pytest.mark.django_db(transaction=True)
def test_naming_is_the_only_statement_of_the_health_check(monkeypatch: pytest.MonkeyPatch) -> None:
    with another("counted", CONN_MAX_AGE=60) as using:
        name_seen_by_the_server(using)
        sent = []
        execute = psycopg.Connection.execute

        def counted(self: Any, statement: Any, *args: Any, **kwargs: Any) -> Any:
            sent.append(statement)
            return execute(self, statement, *args, **kwargs)

        monkeypatch.setattr(psycopg.Connection, "execute", counted)
        begin_request(using, "third-request")
        assert name_seen_by_the_server(using) == "vibomat:third-request"
        assert sent == ["SELECT pg_catalog.set_config('application_name', %s, false)"]
        assert using.connection is not None
        assert using.connection.info.transaction_status == pq.TransactionStatus.IDLE


def test_a_command_is_work_too(monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    run = "django.core.management.execute_from_command_line"
    monkeypatch.setattr(run, lambda argv: names.append(application_name("vibomat")))
    for argv in (["manage.py", "import_catalogue", "x.tsv"], ["manage.py"]):
        monkeypatch.setattr(sys, "argv", argv)
        manage.main()
    assert names == ["vibomat:import_catalogue", "vibomat"]


@pytest.mark.django_db(transaction=True)
def test_a_url_may_name_the_application() -> None:
    with another("named", OPTIONS={"application_name": "vibomat-jobs"}) as using:
        busy_with.set("nightly-job")
        assert name_seen_by_the_server(using) == "vibomat-jobs:nightly-job"
