"""The newest archives in pages: always the same as sorting all, however they came and come."""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from archives import newest, prepared
from archives.fields import uuid7
from archives.layout import END, forget_layouts
from archives.models import Archive
from archives.newest import LIMITS
from archives.partitions import Period, Plan
from archives.partitions.creating import CreatePeriod
from archives.tests.test_prepared import forget_statements
from vibomat.accounts.models import User

NOW = datetime.now(UTC)
ASKED: list[dict[str, Any]] = [
    {},
    {"artist": "air"},
    {"status": "published"},
    {"min_tracks": 1},
    {"artist": "air", "status": "published", "max_tracks": 2, "created_after": "2001-01-01"},
    {"created_after": NOW - timedelta(days=300), "created_before": NOW - timedelta(days=29)},
    {"created_before": NOW - timedelta(days=30), "status": "draft"},
    {"contains": {"metadata": {"mood": "calm"}}},
    {"path": '$.metadata.mood == "calm"'},
    {"artist": "nobody"},
]


def random_id(choose: random.Random, created: datetime) -> uuid.UUID:
    kind = choose.random()
    if kind < 0.6:
        return uuid7(created)
    if kind < 0.8:  # Random, and yet within the time of a period.
        return uuid.UUID(int=uuid7(NOW).int & ~(0xF << 76) | 4 << 76)
    if kind < 0.85:
        return uuid.UUID(int=END.int | 7 << 76 | 0b10 << 62 | choose.getrandbits(60))
    return uuid.UUID(int=choose.getrandbits(128), version=4)


@pytest.fixture(scope="module")
def _many(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Created once for the module's tests; each undoes what it changed."""
    with django_db_blocker.unblock(), transaction.atomic():
        create_many()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def many(_many: None, db: None) -> list[Archive]:
    forget_layouts()
    return list(Archive.objects.all())


def create_many() -> None:
    """Archives of two years in this one and a month, the random and the default partition."""
    month = Period.of((NOW - timedelta(days=370)).date())
    Plan((CreatePeriod(month, 0),)).apply()
    choose = random.Random(8)
    Archive.objects.bulk_create(
        Archive(
            pk=random_id(choose, created),
            name=f"Mix {n}",
            created=created,
            status=choose.choice(["draft", "published"]),
            content={
                "tracks": [{"artist": choose.choice(["Air", "Beck"])}] * choose.randrange(4),
                "metadata": {"mood": choose.choice(["calm", "loud"])},
            },
        )
        for n, created in enumerate(times(choose, 400))
    )


def times(choose: random.Random, count: int) -> Iterator[datetime]:
    for _ in range(count):
        # Many at one moment, as those of a migration are; some in the future.
        if choose.random() < 0.1:
            yield NOW - timedelta(days=30)
        else:
            yield NOW + timedelta(days=1 - choose.random() ** 2 * 700)


def in_order(rows: Any) -> list[uuid.UUID]:
    return [row.pk for row in sorted(rows, key=lambda row: (row.created, row.pk), reverse=True)]


@pytest.mark.parametrize(
    ("windows", "many_without_time"),
    [((1, 2), -1), ((5, 20, 80), -1), ((1, 10**9), 10**9), ((10**9, 10**9), 10**9)],
)
@pytest.mark.parametrize("asked", ASKED, ids=" ".join)
def test_pages_are_those_of_all_sorted(
    many: list[Archive],
    asked: dict[str, Any],
    windows: tuple[int, ...],
    many_without_time: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(newest, "WINDOW", windows[0])
    monkeypatch.setattr(newest, "STEPS", windows)
    monkeypatch.setattr(newest, "MANY", many_without_time)
    forget_layouts()
    rows = Archive.objects.by_paths(asked)
    expected = in_order(rows)
    assert expected or "nobody" in str(asked)
    for limit in (1, 20, 51, 130):
        found: list[uuid.UUID] = []
        after = None
        for _ in range(len(expected) // limit + 2 if limit > 1 else 9):
            page = rows.newest(limit, after)
            assert len(page) <= limit
            found += [row.pk for row in page]
            if not page:
                break
            after = (page[-1].created, page[-1].pk)
        assert found == (expected if limit > 1 else expected[:9])


@pytest.mark.parametrize("asked", [{}, {"artist": "air"}, {"status": "draft"}], ids=str)
def test_pages_of_one_owner_are_those_of_all_sorted(
    many: list[Archive], asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest, "MANY", -1)
    monkeypatch.setattr(newest, "WINDOW", 20)
    forget_layouts()
    owner = User.objects.create_user("ann@example.org")
    Archive.objects.filter(pk__in=[archive.pk for archive in many[::3]]).update(owner=owner)
    rows = Archive.objects.owned_by(owner).by_paths(asked)
    expected = in_order(rows)
    found: list[uuid.UUID] = []
    place = None
    while page := rows.newest(20, place):
        found += [row.pk for row in page]
        place = (page[-1].created, page[-1].pk)
    assert len(expected) > 40
    assert found == expected


def test_a_page_goes_on_where_the_last_ended_while_rows_come_and_go(many: list[Archive]) -> None:
    rows = Archive.objects.by_paths({"artist": "air"})
    expected = in_order(rows)
    page = rows.newest(20)
    place = (page[-1].created, page[-1].pk)
    Archive.objects.create(name="New", content={"tracks": [{"artist": "Air"}]})
    page[-1].delete()
    page[0].delete()
    assert [row.pk for row in rows.newest(20, place)] == expected[20:40]


def test_an_id_tells_when_its_archive_was_created_whoever_says_else(db: None) -> None:
    archive = Archive.objects.create(name="Now")
    told = time_of(archive.pk)
    assert archive.created == told
    earlier = datetime(2020, 5, 1, tzinfo=UTC)
    for name, pk, created in [
        ("seven", uuid7(earlier), earlier),
        ("random", uuid.uuid4(), NOW),
        ("far", uuid.UUID(int=END.int | 7 << 76 | 0b10 << 62), NOW),
    ]:
        assert Archive.objects.create(name=name, pk=pk, created=NOW).created == created
    Archive.objects.filter(pk=archive.pk).update(created=earlier)
    archive.refresh_from_db()
    assert archive.created == told


def time_of(pk: uuid.UUID) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=pk.int >> 80)


def test_a_period_that_came_since_the_layout_was_read_is_seen(many: list[Archive]) -> None:
    rows = Archive.objects.by_paths({"artist": "air"})
    rows.newest(20)
    month = Period(datetime(2024, 3, 1, tzinfo=UTC).date())
    expected = in_order(rows)
    Plan((CreatePeriod(month, 0),)).apply()
    assert [row.pk for row in rows.newest(1000)] == expected


def test_page_lengths_share_their_statements(many: list[Archive]) -> None:
    forget_statements()
    rows = Archive.objects.by_paths({"artist": "air"})
    for most in LIMITS:
        for limit in (most - 1, most, most + 1 if most < LIMITS[-1] else 1):
            rows.newest(limit)
    assert len(prepared._prepared[connection.connection]) == 2 * len(LIMITS)


def test_settings_are_as_before(db: None) -> None:
    Archive.objects.by_paths({"artist": "air"}).newest(5)
    with connection.cursor() as cursor:
        for name, default in (("plan_cache_mode", "auto"), ("enable_indexscan", "on")):
            cursor.execute("SELECT current_setting(%s)", [name])
            assert cursor.fetchone() == (default,)
