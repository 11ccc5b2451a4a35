"""Health answers, with and without a working database."""

from unittest.mock import patch

import pytest
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client, override_settings

from vibomat import checks, health


def test_alive_asks_no_database(client: Client) -> None:
    # Connections are refused in a test that doesn't ask for the database.
    response = client.get("/health/")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_ready_when_all_is_well(client: Client) -> None:
    with patch.object(checks, "EXTENSIONS", {"plpgsql": None}):
        response = client.get("/health/ready/")
    assert response.json() == {
        "status": "ok",
        "checks": {"database": "ok", "extensions": "ok", "migrations": "ok"},
    }
    assert response.status_code == 200


def test_an_unreachable_database_is_not_ready(client: Client) -> None:
    with patch.object(connection, "cursor", side_effect=OperationalError("password of me")):
        response = client.get("/health/ready/")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "checks": {"database": "unreachable"}}


@pytest.mark.django_db
def test_a_missing_extension_is_not_ready(client: Client) -> None:
    with patch.object(checks, "EXTENSIONS", {"no_such": None}):
        response = client.get("/health/ready/")
    assert response.status_code == 503
    assert response.json()["checks"]["extensions"] == "missing or too old: no_such"


@pytest.mark.django_db
def test_a_migration_to_apply_is_not_ready(client: Client) -> None:
    on_disk = health._migrations_on_disk() | {("search", "9999_later")}
    with (
        patch.object(checks, "EXTENSIONS", {}),
        patch.object(health, "_migrations_on_disk", return_value=on_disk),
    ):
        response = client.get("/health/ready/")
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] == "1 not applied"


@override_settings(SECURE_SSL_REDIRECT=True)
def test_health_is_not_redirected_to_https() -> None:
    client = Client()
    assert client.get("/health/").status_code == 200
    assert client.get("/api/docs/").status_code == 301
