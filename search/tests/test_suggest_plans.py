"""Completing uses the indexes it is meant to, on enough rows to mean it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from search.plans import plans_of
from search.suggest import suggest
from search.tests.catalogues import loaded

ROWS = 20_000

# So many names begin with "band", "the band" or "love" that only the most popular are read.
FILL = f"""
INSERT INTO artist (name, popularity)
SELECT CASE WHEN n % 10 = 0 THEN 'the ' ELSE '' END || 'band' || md5(n::text), n % 100
FROM generate_series(1, {ROWS // 4}) AS n;
INSERT INTO track (title, artist_credit, popularity)
SELECT 'love ' || substr(md5(n::text), 1, 6) || ' ' || substr(md5((n / 7)::text), 1, 5),
       'band' || md5((n / 4)::text), n % 100
FROM generate_series(1, {ROWS}) AS n;
INSERT INTO artist (name, popularity) VALUES ('Daft Punk', 90), ('Radiohead', 90);
INSERT INTO track (title, artist_credit, popularity) VALUES ('One More Time', 'Daft Punk', 90);
"""

pytestmark = pytest.mark.usefixtures("large_catalogue", "db")


@pytest.fixture(scope="module")
def large_catalogue(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), loaded(FILL):
        yield


def plans(typed: str) -> list[str]:
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
def test_a_statement_reads_its_indexes(typed: str, statement: str, indexes: list[str]) -> None:
    found = [plan for plan in plans(typed) if statement in re.sub(r"\n +", "\n ", plan)]
    assert found, statement
    assert any(all(index in plan for index in indexes) for plan in found), found


@pytest.mark.parametrize("typed", ["b", "band", "the band", "love", "daft pnk one", "radihead x"])
def test_no_table_is_read_through(typed: str) -> None:
    text = "\n".join(plans(typed))
    assert text and "Seq Scan on" not in text, text
