"""While the database is away requests are answered 503, and the next ones as ever."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.db import (
    InterfaceError,
    OperationalError,
    ProgrammingError,
    close_old_connections,
    connection,
)
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from psycopg import errors

from archives.models import Archive
from vibomat import outages
from vibomat.accounts.models import User
from vibomat.tests.databases import connect
from vibomat.tests.test_access import API
from vibomat.throttling.rates import read_rates

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user() -> User:
    return User.objects.create_superuser("ann@example.org", "a long password")


@pytest.fixture
def client(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@contextmanager
def cut_before(what: str) -> Iterator[None]:
    """The server ends the session when it is to execute a statement that has these words."""

    def cut(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        if what in sql:
            pid = connection.connection.info.backend_pid
            with connect() as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        return execute(sql, *arguments)

    with connection.execute_wrapper(cut):
        yield
    # As every request begins, but those of a test's client.
    close_old_connections()


def test_of_the_api_a_request_whose_connection_is_cut_is_a_503_and_the_next_one_is_answered(
    client: Client, user: User
) -> None:
    def post() -> Any:
        return client.post("/api/archives/", {"name": "Late"}, content_type="application/json")

    with cut_before('INSERT INTO "playlist"'):
        answer = post()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json() == {"detail": outages.AWAY}
    assert post().status_code == 201
    assert Archive.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/search/?q=love", json.dumps({"detail": outages.AWAY})),
        ("/api/schema/", json.dumps({"detail": outages.AWAY})),
        ("/", f"{outages.AWAY}\n"),
    ],
)
def test_so_is_one_that_can_t_be_counted(
    client: Client, settings: Any, path: str, body: str
) -> None:
    settings.THROTTLE_RATES = read_rates("all=600/min")
    with cut_before("INTO throttle_bucket"):
        answer = client.get(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.content.decode() == body
    assert client.get(path).status_code == 200


def test_the_documentation_says_so_of_every_operation() -> None:
    document: Any = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    told = [
        operation["responses"]["503"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
    assert len(told) == len(API)
    for answer in told:
        assert answer["headers"]["Retry-After"]["schema"] == {"type": "integer"}
        assert list(answer["content"]) == ["application/json"]


def test_what_may_not_be_json_is_a_406(client: Client) -> None:
    headers = {"Accept": "text/html"}
    answer = client.get("/api/search/?q=love", headers=headers)
    assert (answer.status_code, list(answer.json())) == (406, ["detail"])
    assert client.get(f"/api/archives/{uuid4()}/export/", headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("path", "statement"),
    [("/?q=love", "search_"), ("/admin/archives/archive/", 'FROM "playlist"')],
)
def test_so_is_that_of_a_page(client: Client, path: str, statement: str) -> None:
    with cut_before(statement):
        answer = client.get(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.content.decode() == f"{outages.AWAY}\n"
    assert client.get(path).status_code == 200


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def test_only_what_will_pass_is_an_outage() -> None:
    assert outages.outage(caused(OperationalError(), errors.AdminShutdown())) == outages.AWAY
    assert outages.outage(caused(InterfaceError(), errors.InterfaceError())) == outages.AWAY
    assert outages.outage(caused(OperationalError(), errors.QueryCanceled())) == outages.TOO_LONG
    assert outages.outage(caused(OperationalError(), errors.ProgramLimitExceeded())) is None
    assert outages.outage(caused(ProgrammingError(), errors.UndefinedTable())) is None
    assert outages.outage(ValueError()) is None
    assert outages.outage(None) is None
