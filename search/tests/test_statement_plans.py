"""What searches, resolves and completes uses its indexes, on enough rows to mean it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from search import engine
from search.plans import plans_of
from search.resolve import Entry, resolve
from search.suggest import suggest
from search.tests.catalogues import loaded

ROWS = 20_000

# So many names begin with "band", "the band" or "love" that only the most popular are read.
FILL = f"""
INSERT INTO artist (name, popularity)
SELECT CASE WHEN n % 10 = 0 THEN 'the ' ELSE '' END || 'band' || md5(n::text), n % 100
FROM generate_series(1, {ROWS // 4}) AS n;
INSERT INTO track (title, artist_credit, album, year, popularity)
SELECT 'love ' || substr(md5(n::text), 1, 6) || ' ' || substr(md5((n / 7)::text), 1, 5),
       'band' || md5((n / 4)::text), 'album ' || n % 3000, 1960 + n % 60, n % 100
FROM generate_series(1, {ROWS}) AS n;
INSERT INTO artist (name, popularity) VALUES ('Daft Punk', 90), ('Radiohead', 90);
INSERT INTO track (title, artist_credit, popularity) VALUES ('One More Time', 'Daft Punk', 90);
"""

pytestmark = pytest.mark.usefixtures("large_catalogue", "db")


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


class TestSearching:
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

    def test_takes_few_statements(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(2):
            engine.search("daft pnk one more tme")


class TestResolving:
    @pytest.mark.parametrize("others", [0, 300])
    def test_a_list_reads_its_indexes(self, others: int) -> None:
        entries = [
            Entry("Daft Punk", "One More Time", "Discovery"),
            Entry("Daft Pumk", "One Mroe Time"),
            *(Entry(f"Nobody {n}", f"Love {n}") for n in range(others)),
        ]
        plans = plans_of(lambda: resolve(entries))
        of_tracks = [plan for plan in plans if "FROM search_resolve(" in plan]
        of_names = [plan for plan in plans if "FROM search_nearby(" in plan]
        # The tracks with the typed names, and those with names near them.
        assert len(of_tracks) == 2, plans
        for index in ("track_search_vector", "track_pkey"):
            assert all(index in plan for plan in of_tracks), plans
        assert len(of_names) == 1 and "search_lexeme_deletes" in of_names[0], plans
        assert no_sequential_scan("\n".join(plans)), plans


class TestCompleting:
    def plans(self, typed: str) -> list[str]:
        def call() -> None:
            suggest(typed)

        return plans_of(call)

    @pytest.mark.parametrize(
        ("typed", "statement", "indexes"),
        [
            ("daft p", "'%L:*', '@' || key", ["artist_search_vector"]),
            ("one mo", "'%L:*', '=' || key", ["track_search_vector"]),
            ("band", "name_key LIKE key", ["artist_beginning"]),
            ("love", "title_key LIKE key", ["track_beginning"]),
            ("b", "artist\n WHERE left", ["artist_beginning"]),
            ("l", "track\n WHERE left", ["track_beginning"]),
            ("b", "WITH RECURSIVE longer(beginning)", ["search_lexeme_pkey"]),
            ("the daf", "'%L:*', '@' || spelt", ["artist_search_vector"]),
            ("the band", "alias_keys[1] LIKE spelt", ["artist_popularity"]),
            ("daft punk one", "AS typed_name", ["search_lexeme_pkey", "track_search_vector"]),
            ("punk", "artist\n WHERE search_vector @@ rare_words", ["artist_search_vector"]),
            ("punk", "track\n WHERE search_vector @@ rare_words", ["track_search_vector"]),
            ("daft punk one", "ORDER BY ndoc LIMIT 3", ["search_lexeme_pkey"]),
            ("dafr", "artist ORDER BY popularity DESC LIMIT 1000", ["artist_popularity"]),
            ("dafr", "track ORDER BY popularity DESC LIMIT 500", ["track_popularity"]),
            ("radoh", "WITH RECURSIVE longer(i", ["search_lexeme_pkey"]),
            ("radihead", "search_probes(sign || key, distance)", ["search_lexeme_deletes"]),
            ("radihead", "FROM artist WHERE search_vector @@ near_names", ["artist_search_vector"]),
            ("radihead", "FROM track WHERE search_vector @@ near_names", ["track_search_vector"]),
            ("daft pnk one", "WITH name AS", ["search_lexeme_deletes", "track_search_vector"]),
            ("daft pnk one", "(before) AND ndoc > 1000", ["search_lexeme_pkey"]),
            ("daft pnk one", "JOIN search_lexeme l ON search_deletes", ["search_lexeme_deletes"]),
            ("daft pnk one", "WHERE search_vector @@ words", ["track_search_vector"]),
            ("daft pnk one", "WITH candidate AS", ["artist_pkey", "track_pkey"]),
        ],
    )  # fmt: skip
    def test_a_statement_reads_its_indexes(
        self, typed: str, statement: str, indexes: list[str]
    ) -> None:
        found = [plan for plan in self.plans(typed) if statement in re.sub(r"\n +", "\n ", plan)]
        assert found, statement
        assert any(all(index in plan for index in indexes) for plan in found), found

    @pytest.mark.parametrize(
        "typed", ["b", "band", "the band", "love", "daft pnk one", "radihead x"]
    )
    def test_no_table_is_read_through(self, typed: str) -> None:
        text = "\n".join(self.plans(typed))
        assert text and "Seq Scan on" not in text, text
