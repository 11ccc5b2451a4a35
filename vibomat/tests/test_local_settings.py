"""Settings for one statement, by either kind of cursor, in a transaction or in none."""

from collections.abc import Iterator

import pytest
from django.db import DataError, OperationalError, connection, transaction

from vibomat.local_settings import rows_under

SETTINGS = {"work_mem": "1234kB", "statement_timeout": "100ms"}
SHOW = "SELECT current_setting('work_mem'), %s::int"


@pytest.fixture(params=[False, True], ids=["session", "pooler"], autouse=True)
def shared(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", request.param)


@pytest.fixture(params=[False, True], ids=["in none", "in a transaction"])
def around(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[None]:
    if not request.param:
        yield
        return
    with transaction.atomic():
        yield


def current() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW work_mem")
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize("prepared", [False, True])
def test_they_hold_for_the_statement_and_are_as_before_afterwards(
    around: None, prepared: bool
) -> None:
    before = current()
    for number in 1, 2, 3:
        rows = rows_under(SETTINGS, SHOW, [number], "default", prepared=prepared)
        assert rows == [("1234kB", number)]
        assert current() == before != "1234kB"


@pytest.mark.parametrize("prepared", [False, True])
def test_an_error_is_django_s_and_leaves_nothing(around: None, prepared: bool) -> None:
    before = current()
    for statement, error in (
        ("SELECT pg_sleep(%s)", OperationalError),
        ("SELECT 1 / (%s::int - 9)", DataError),
    ):
        with pytest.raises(error):
            rows_under(SETTINGS, statement, [9], "default", prepared=prepared)
        assert current() == before
