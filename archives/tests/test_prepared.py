"""Statements that a connection prepares once, and not for ever."""

import pytest
from django.db import connection, transaction

from archives import prepared
from archives.models import Archive


def forget_statements() -> None:
    prepared._prepared.pop(connection.connection, None)
    connection.connection.execute("DEALLOCATE ALL")


def test_the_oldest_statements_are_forgotten(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MOST_STATEMENTS", 3)
    forget_statements()
    for limit in range(200, 210):
        Archive.objects.newest(limit)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'archives%'")
        assert cursor.fetchone() == (3,)


@pytest.mark.django_db(transaction=True)
def test_a_server_that_forgot_the_statements_gets_them_again() -> None:
    archive = Archive.objects.create(name="A", content={"tracks": [{"artist": "Air"}]})
    rows = Archive.objects.by_paths({"artist": "air"})
    for _ in range(2):
        assert rows.newest(5) == [archive]
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
    with transaction.atomic():
        assert rows.newest(5) == [archive]
