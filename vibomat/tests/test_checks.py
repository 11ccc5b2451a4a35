"""What the database check finds, and when it runs."""

from typing import Any
from unittest.mock import patch

import pytest
from django.core.checks import Tags, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.utils import OperationalError

from vibomat import checks
from vibomat.checks import check_database
from vibomat.tests.databases import connected_to, database
from vibomat.throttling.rates import read_rates


def found(alias: str = "default") -> list[tuple[str | None, str]]:
    return [(message.id, message.msg) for message in check_database(alias)]


@pytest.mark.django_db
def test_this_database_will_do() -> None:
    assert found() == []


def test_checks_without_a_database_connect_to_none() -> None:
    # Connections are refused in a test that doesn't ask for the database.
    run_checks(databases=None)


@pytest.mark.django_db
def test_an_old_server_is_refused() -> None:
    with patch.object(checks, "OLDEST_POSTGRESQL", 99):
        version = connection.pg_version // 10_000  # type: ignore[attr-defined]
        assert found() == [("vibomat.E002", f"PostgreSQL {version} is too old: Vibomat needs 99.")]


@pytest.mark.django_db
def test_a_missing_extension_is_named_with_where_to_get_it() -> None:
    with patch.object(checks, "EXTENSIONS", {"pg_trgm": None, "no_such": None}):
        (message,) = check_database("default")
    assert message.msg == "The server has no extension no_such."
    assert message.hint is not None and "contrib" in message.hint


@pytest.mark.django_db
def test_an_old_pgvector_is_refused() -> None:
    with patch.object(checks, "EXTENSIONS", {"vector": (99, 0)}):
        (message,) = check_database("default")
    assert message.id == "vibomat.E004"
    assert message.hint is not None and "pgvector 0.8 or newer" in message.hint


@pytest.mark.parametrize(
    ("version", "older"), [("0.7.4", True), ("0.8", False), ("0.8.0", False), ("1.0", False)]
)
def test_versions_are_compared_as_numbers(version: str, older: bool) -> None:
    assert checks._is_older(version, (0, 8)) is older


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("creation", "id_"),
    [
        ("ENCODING 'SQL_ASCII' LOCALE 'C' LOCALE_PROVIDER libc", "vibomat.E005"),
        ("ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER libc", "vibomat.E006"),
    ],
)
def test_a_database_that_would_lose_letters_is_refused(creation: str, id_: str) -> None:
    with database("letters", "template0", creation) as name, connected_to(name):
        assert [id_ for id_, _ in found()] == [id_]


def test_an_unreachable_database_is_one_line_with_a_hint() -> None:
    with patch.object(checks, "connections") as unreachable:
        failing = unreachable.__getitem__.return_value
        failing.cursor.side_effect = OperationalError("refused\n\tat all")
        (message,) = check_database("default")
    assert message.msg == "Can't use the database: refused at all"
    assert message.hint is not None and "DATABASE_URL" in message.hint


@pytest.mark.django_db
def test_check_with_a_database_runs_it() -> None:
    with (
        patch.object(checks, "OLDEST_POSTGRESQL", 99),
        pytest.raises(SystemCheckError, match="is too old: Vibomat needs 99"),
    ):
        call_command("check", databases=["default"])


@pytest.mark.parametrize(
    ("proxy", "proxies", "limits", "ids"),
    [
        (True, 0, True, ["vibomat.W001"]),
        (True, 1, True, []),
        (True, 0, False, []),
        (False, 0, True, []),
    ],
)
def test_a_proxy_whose_visitors_share_one_limit_is_warned_of(
    settings: Any, proxy: bool, proxies: int, limits: bool, ids: list[str]
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if proxy else None
    settings.THROTTLE_RATES = read_rates("all=600/min" if limits else "")
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    found = run_checks(include_deployment_checks=True, tags=[Tags.security])
    assert [message.id for message in found if str(message.id).startswith("vibomat.")] == ids
