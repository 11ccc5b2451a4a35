"""Statements of prepared cursors are planned once for a connection."""

from typing import Any

import pytest
from django.db import DataError, connection

from vibomat.postgresql.prepared import prepared_cursor

PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT % AS twice'"


def ask(number: int) -> Any:
    with prepared_cursor() as cursor:
        cursor.execute("SELECT 2 * %s AS twice", [number])
        return cursor.fetchone()[0]


def prepared_statements() -> Any:
    with connection.cursor() as cursor:
        cursor.execute(PREPARED)
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_it_prepares_once_what_it_executes() -> None:
    before = prepared_statements()
    assert [ask(number) for number in (1, 2, 3)] == [2, 4, 6]
    assert prepared_statements() == before + 1


@pytest.mark.django_db
def test_behind_a_pooler_it_prepares_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.ensure_connection()
    before = prepared_statements()
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    assert ask(4) == 8
    assert prepared_statements() == before


@pytest.mark.django_db
def test_it_is_django_s_in_all_else(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1) as queries:
        assert ask(5) == 10
    with django_assert_num_queries(1) as again:
        assert ask(6) == 12
    assert "AS twice" in queries[0]["sql"] and "AS twice" in again[0]["sql"]
    with pytest.raises(DataError), prepared_cursor() as cursor:
        cursor.execute("SELECT %s::text", ["\0"])
