"""manage.py benchmark migrations: what it compares rows by, and whom it blames for a wait."""

import uuid

import pytest
from django.db import connection

from benchmarks import migrations_sql as sql
from benchmarks.migrating import FORWARD, Run
from search.models import Artist


@pytest.mark.django_db
def test_rows_that_are_lost_changed_or_too_many_are_counted() -> None:
    same, changed, lost, extra = (uuid.uuid4() for _ in range(4))
    Artist.objects.bulk_create(
        [Artist(pk=pk, name=name) for pk, name in ((same, "Air"), (changed, "Ait"), (extra, "M"))]
    )
    older, present = sql.ARTIST
    with connection.cursor() as cursor:
        cursor.execute(sql.CREATE_BEFORE)
        cursor.execute("CREATE TABLE before.artist (id uuid, name text, provider_id text)")
        cursor.executemany(
            "INSERT INTO before.artist VALUES (%s, 'Air')", [[same], [changed], [lost]]
        )
        cursor.execute(
            sql.COMPARE.format(
                name="artist",
                before=", ".join(older.compared),
                after=", ".join(present.compared),
                rows=present.rows,
            )
        )
        assert cursor.fetchone() == (1, 1, 1)


def test_a_wait_is_that_of_the_migration_that_was_at_work_when_it_ended() -> None:
    run = Run(FORWARD, steps=[(10, "archives.0001"), (20, "archives.0002")])
    assert [run.step_at(time) for time in (5, 10, 19, 25)] == [
        "before any",
        "archives.0001",
        "archives.0001",
        "archives.0002",
    ]
