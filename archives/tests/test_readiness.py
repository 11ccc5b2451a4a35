"""Whether the months to come have their partitions."""

from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection

from archives import partitions
from archives.partitions import Month
from archives.readiness import partitions_ahead


def found() -> list[tuple[str | None, str]]:
    with connection.cursor() as cursor:
        return [(message.id, message.msg) for message in partitions_ahead(cursor)]


@pytest.fixture
def detached(db: None) -> Any:
    """Detach a month's partition; the test's end brings it back."""

    def detach(month: Month) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE playlist DETACH PARTITION {month.name}")

    partitions.plan().apply()
    return detach


@pytest.mark.usefixtures("detached")
def test_months_ahead_are_as_many_as_set(settings: Any) -> None:
    assert found() == []
    settings.ARCHIVE_MONTHS_AHEAD += 1
    ((id, text),) = found()
    assert id == "archives.W001" and text.startswith("These months have no partition: playlist_")


def test_a_month_to_come_without_a_partition_is_a_warning(detached: Any) -> None:
    detached(Month.now().next)
    text = f"These months have no partition: {Month.now().next.name}."
    assert found() == [("archives.W001", text)]


def test_this_month_without_a_partition_is_an_error(detached: Any) -> None:
    detached(Month.now())
    assert [id for id, _ in found()] == ["archives.E002"]


@pytest.mark.django_db
def test_a_table_without_partitions_is_an_error() -> None:
    with patch("archives.sql.IS_READY", "SELECT false"):
        assert [id for id, _ in found()] == ["archives.E001"]
