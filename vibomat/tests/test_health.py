"""Health answers, with and without a working database; `doctor` says the same to a person."""

import io
import time
from typing import Any
from unittest.mock import patch

import pytest
from django.core.checks import Warning
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, override_settings

from vibomat import checks, readiness

CHECKS = ["database", "extensions", "migrations", "vocabulary", "partitions"]


def doctor(**options: Any) -> str:
    """What it prints, its last line the error it ends with."""
    out = io.StringIO()
    try:
        call_command("doctor", stdout=out, no_color=True, **options)
    except CommandError as error:
        out.write(f"{error}\n")
    return out.getvalue()


@pytest.fixture
def registered() -> Any:
    with patch.dict(readiness._checks), patch.dict(readiness._thorough):
        yield


def test_alive_asks_no_database(client: Client) -> None:
    # Connections are refused in a test that doesn't ask for the database.
    response = client.get("/health/")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_ready_when_all_is_well(client: Client) -> None:
    response = client.get("/health/ready/")
    assert response.json() == {"status": "ok", "checks": dict.fromkeys(CHECKS, "ok")}
    assert response.status_code == 200
    assert doctor() == "".join(f"{name:10}  ok\n" for name in CHECKS)


@pytest.mark.django_db
def test_an_unreachable_database_is_not_ready_and_tells_strangers_no_more(client: Client) -> None:
    with patch.dict(connection.settings_dict, {"NAME": "test_no_such_database"}):
        response = client.get("/health/ready/")
        told = doctor()
    assert response.status_code == 503
    assert response.json() == {
        "status": "unavailable",
        "checks": {
            "database": "No answer within 2 s.",
            **dict.fromkeys(CHECKS[1:], "not checked"),
        },
    }
    assert 'database "test_no_such_database" does not exist. Start the server' in told
    assert told.endswith("Something is wrong: database.\n")


@pytest.mark.django_db
def test_a_missing_extension_is_not_ready(client: Client) -> None:
    with patch.object(checks, "EXTENSIONS", {"no_such": None}):
        response = client.get("/health/ready/")
    assert response.status_code == 503
    told = response.json()["checks"]
    assert told["database"] == "ok"
    assert told["extensions"] == "The extension no_such is missing or too old."
    assert told["migrations"] == "not checked"


@pytest.mark.django_db
def test_a_migration_to_apply_is_not_ready(client: Client) -> None:
    on_disk = readiness._migrations_on_disk() | {("search", "9999_later")}
    with patch.object(readiness, "_migrations_on_disk", return_value=on_disk):
        response = client.get("/health/ready/")
        told = doctor()
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] == "Not every migration is applied: 1 to go."
    assert "Run manage.py migrate for search.9999_later." in told


@pytest.mark.django_db
def test_a_warning_is_told_and_keeps_nobody_out(client: Client, registered: None) -> None:
    warning = Warning("Soon the disk is full.", hint="Buy another.")
    readiness.register("disk", lambda cursor: [warning])
    response = client.get("/health/ready/")
    assert (response.status_code, response.json()["status"]) == (200, "ok")
    assert response.json()["checks"]["disk"] == "Soon the disk is full."
    told = doctor().splitlines()
    assert told[-3:] == [
        "disk        Soon the disk is full.",
        "            Buy another.",
        "Something is wrong: disk.",
    ]


@pytest.mark.django_db
def test_a_check_that_takes_long_is_ended(client: Client, registered: None) -> None:
    def slow(cursor: Any) -> list[Any]:
        cursor.execute("SELECT pg_sleep(10)")
        return []

    readiness._checks.clear()
    readiness.register("slow", slow)
    started = time.monotonic()
    with patch("vibomat.probing.SECONDS", 1):
        response = client.get("/health/ready/")
    assert time.monotonic() - started < 8
    assert response.json()["checks"] == {"slow": "No answer within 2 s."}
    assert response.status_code == 503


@pytest.mark.django_db
def test_what_takes_long_is_checked_when_asked_for(client: Client, registered: None) -> None:
    def timeout(cursor: Any) -> list[Any]:
        cursor.execute("SHOW statement_timeout")
        return [Warning(f"Timeout: {cursor.fetchone()[0]}")]

    readiness.register("thorough", timeout, thorough=True)
    assert "thorough" not in client.get("/health/ready/").json()["checks"]
    assert "thorough" not in doctor()
    assert "Timeout: 0\n" in doctor(thorough=True)


@override_settings(SECURE_SSL_REDIRECT=True)
def test_health_is_not_redirected_to_https() -> None:
    client = Client()
    assert client.get("/health/").status_code == 200
    assert client.get("/api/docs/").status_code == 301
