"""Whether the months to come have their partitions."""

from datetime import date
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection

from archives import partitions
from archives.partitions import Period
from archives.readiness import partitions_ahead


def found() -> list[tuple[str | None, str]]:
    with connection.cursor() as cursor:
        return [(message.id, message.msg) for message in partitions_ahead(cursor)]


@pytest.fixture
def detached(db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """November of 2030 with its quarter and the next; detaches one. The test's end undoes it."""

    def detach(quarter: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE playlist DETACH PARTITION playlist_{quarter}")

    november = Period(date(2030, 11, 1))
    monkeypatch.setattr(Period, "now", classmethod(lambda cls: november))
    partitions.plan().apply()
    return detach


@pytest.mark.usefixtures("detached")
def test_months_ahead_are_as_many_as_set(settings: Any) -> None:
    assert found() == []
    settings.ARCHIVE_MONTHS_AHEAD = 5
    assert found() == [("archives.W001", "These months have no partition: 2031-04.")]


def test_a_month_to_come_without_a_partition_is_a_warning(detached: Any) -> None:
    detached("2031_q1")
    text = "These months have no partition: 2031-01, 2031-02."
    assert found() == [("archives.W001", text)]


def test_this_month_without_a_partition_is_an_error(detached: Any) -> None:
    detached("2030_q4")
    assert [id for id, _ in found()] == ["archives.E002"]


@pytest.mark.django_db
def test_a_table_without_partitions_is_an_error() -> None:
    with patch("archives.sql.IS_READY", "SELECT false"):
        assert [id for id, _ in found()] == ["archives.E001"]
