"""Buckets as they are kept in PostgreSQL."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from vibomat.throttling import buckets
from vibomat.throttling.buckets import take
from vibomat.throttling.models import Bucket
from vibomat.throttling.rates import Rate

THREE = Rate(3, timedelta(minutes=1))
MANY = Rate(1000, timedelta(minutes=1))


@pytest.fixture(autouse=True)
def forget_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "FORGETTING", 1e12)


def pass_time(seconds: float) -> None:
    for bucket in Bucket.objects.all():
        bucket.full_at -= timedelta(seconds=seconds)
        bucket.save()


@pytest.mark.django_db
class TestTaking:
    def test_so_many_at_once_then_one_after_each_share(self) -> None:
        assert [take({"ann": THREE}) for _ in range(3)] == [0, 0, 0]
        assert 19 < take({"ann": THREE}) <= 20
        assert 19 < take({"ann": THREE}) <= 20
        pass_time(20)
        assert take({"ann": THREE}) == 0
        assert 19 < take({"ann": THREE}) <= 20
        pass_time(3600)
        assert [take({"ann": THREE}) for _ in range(3)] == [0, 0, 0]
        assert take({"ann": THREE}) > 0

    def test_each_has_their_own(self) -> None:
        for _ in range(3):
            take({"ann": THREE})
        assert take({"bob": THREE}) == 0

    def test_any_empty_one_refuses_and_the_longest_wait_is_told(self) -> None:
        one = Rate(1, timedelta(hours=1))
        assert take({"ann": THREE, "ann search": one}) == 0
        assert 3590 < take({"ann": THREE, "ann search": one}) <= 3600
        assert take({"ann": THREE, "bob": THREE}) == 0

    def test_another_rate_holds_at_once(self) -> None:
        for _ in range(3):
            take({"ann": THREE})
        assert 0 < take({"ann": MANY}) <= 0.06
        assert take({"ann": Rate(1, timedelta(minutes=1))}) > 0

    def test_it_takes_one_statement(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            take({"ann": THREE, "ann search": MANY, "bob": MANY})

    def test_full_ones_are_forgotten_now_and_then(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = timezone.now()
        Bucket.objects.create(key="old", period=THREE.period, full_at=now - timedelta(seconds=1))
        Bucket.objects.create(key="new", period=THREE.period, full_at=now + timedelta(hours=1))
        take({"ann": THREE})
        assert Bucket.objects.count() == 3
        monkeypatch.setattr(buckets, "FORGETTING", 1)
        take({"ann": THREE})
        assert set(Bucket.objects.values_list("key", flat=True)) == {"ann", "new"}

    def test_the_table_is_not_logged(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'throttle_bucket'")
            assert cursor.fetchone() == ("u",)


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_get_no_more_than_there_is() -> None:
    rate = Rate(10, timedelta(hours=1))
    waits: list[float] = []

    def ask(keys: list[str]) -> None:
        waits.extend(take(dict.fromkeys(keys, rate)) for _ in range(5))
        connection.close()

    # Half of them name the two in the other order.
    threads = [
        threading.Thread(target=ask, args=[["a", "b"] if number % 2 else ["b", "a"]])
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waits) == 30
    assert waits.count(0) == 10
