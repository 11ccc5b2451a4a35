"""How long a statement may run, and who may run longer."""

import pytest
from django.db import OperationalError, connection, transaction

from vibomat import timeouts


def current() -> list[str]:
    with connection.cursor() as cursor:
        values = []
        for name in timeouts.TIMEOUTS:
            cursor.execute("SELECT current_setting(%s)", [name])
            values.append(cursor.fetchone()[0])
    return values


@pytest.mark.django_db(transaction=True)
def test_a_statement_past_its_limit_is_cancelled() -> None:
    with (
        pytest.raises(OperationalError, match="statement timeout"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET LOCAL statement_timeout = 20")
        cursor.execute("SELECT pg_sleep(10)")


@pytest.mark.django_db(transaction=True)
def test_limits_are_lifted_for_a_block_and_come_back() -> None:
    before = current()
    assert "0" not in before
    with timeouts.lifted():
        assert current() == ["0", "0"]
    assert current() == before
    with pytest.raises(ZeroDivisionError), timeouts.lifted():
        raise ZeroDivisionError
    assert current() == before


@pytest.mark.django_db(transaction=True)
def test_migrations_run_without_limits() -> None:
    before = current()
    timeouts.lift_for_migrations(using="default")
    assert current() == ["0", "0"]
    timeouts.restore_after_migrations(using="default")
    assert current() == before
