"""Each stage's statement uses the index it is meant to, on enough rows to mean it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from search import engine
from search.plans import plans_of
from search.tests.catalogues import loaded

ROWS = 20_000

FILL = f"""
INSERT INTO artist (name, popularity)
SELECT 'band' || md5(n::text), n % 100 FROM generate_series(1, {ROWS // 4}) AS n;
INSERT INTO track (title, artist_credit, album, year, popularity)
SELECT 'love ' || substr(md5(n::text), 1, 6) || ' ' || substr(md5((n / 7)::text), 1, 5),
       'band' || md5((n / 4)::text), 'album ' || n % 3000, 1960 + n % 60, n % 100
FROM generate_series(1, {ROWS}) AS n;
INSERT INTO artist (name, popularity) VALUES ('Daft Punk', 90);
INSERT INTO track (title, artist_credit, popularity) VALUES ('One More Time', 'Daft Punk', 90);
"""


@pytest.fixture(scope="module")
def large_catalogue(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), loaded(FILL):
        yield


def plan(text: str, stage: str) -> str:
    """The plans of the statements that one stage of a search runs."""
    results = engine.search(text)
    assert stage in [step.stage for step in results.steps]
    step = next(step for step in results.steps if step.stage == stage)

    def again() -> None:
        with connection.cursor() as cursor:
            cursor.execute(step.statement, step.parameters)

    return "\n".join(plans_of(again))


def no_sequential_scan(plans: str) -> bool:
    return not any(
        f"Seq Scan on {table}" in plans for table in ("track", "artist", "search_lexeme")
    )


@pytest.mark.usefixtures("large_catalogue", "db")
class TestPlans:
    @pytest.mark.parametrize(
        ("text", "stage", "indexes"),
        [
            ("daftpunk mroe", "words", ["search_lexeme_deletes", "search_lexeme_pkey"]),
            (
                "daft pnk one more tme",
                "every word",
                ["track_search_vector", "artist_search_vector"],
            ),
            ("tmie", "every word", ["track_search_vector", "artist_search_vector"]),
            (
                "daft punk one more foobarbaz",
                "all but one",
                ["track_search_vector", "artist_search_vector"],
            ),
            ("dafftt puunkk zzz", "further words", ["search_lexeme_deletes"]),
            (
                "xxdaft xxpunk",
                "further",
                ["track_search_vector", "artist_search_vector"],
            ),
        ],
    )
    def test_a_stage_reads_its_indexes(self, text: str, stage: str, indexes: list[str]) -> None:
        plans = plan(text, stage)
        assert all(index in plans for index in indexes), plans
        assert no_sequential_scan(plans), plans

    def test_a_very_common_word_reads_the_most_popular_tracks(self) -> None:
        plans = plan("love", "every word")
        assert "Index Scan using track_popularity" in plans, plans
        assert no_sequential_scan(plans), plans

    @pytest.mark.parametrize(
        ("model", "name", "index"),
        [("Artist", "name", "artist_name_trgm"), ("Track", "title", "track_title_trgm")],
    )
    def test_trigrams_read_their_index(self, model: str, name: str, index: str) -> None:
        from django.apps import apps

        from search.trigram import alike

        rows = apps.get_model("search", model).objects.all()

        def call() -> None:
            alike(rows, name, "bandd41d8cd98f00b204e9", 10)

        assert index in "\n".join(plans_of(call))


def test_a_search_takes_few_statements(
    large_catalogue: None, db: None, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        engine.search("daft pnk one more tme")
