"""The grammar of the search box."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.query import Query, parse


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("daft punk", {"words": ["daft", "punk"]}),
        ('"one more" time', {"words": ["one more", "time"], "phrases": ["one more"]}),
        ("one -live", {"words": ["one"], "excluded": ["live"]}),
        ("-live", {"words": ["live"]}),
        ("blink-182 AC-DC", {"words": ["blink-182", "AC-DC"]}),
        ("Re:Stacks", {"words": ["Re:Stacks"]}),
        ('artist:"daft punk" x', {"artist": ["daft punk"], "words": ["x"]}),
        ("Title:one ALBUM:two", {"title": ["one"], "album": ["two"]}),
        ("x genre:trip-hop", {"words": ["x"], "genres": ["trip-hop"]}),
        ("x year:1997", {"words": ["x"], "years": (1997, 1997)}),
        ("x year:1990-1999", {"words": ["x"], "years": (1990, 1999)}),
        ("x year:1999-1990", {"words": ["x"], "years": (1990, 1999)}),
        ("x year:1990-", {"words": ["x"], "years": (1990, None)}),
        ("x year:-1999", {"words": ["x"], "years": (None, 1999)}),
        ("x year:later", {"words": ["x", "year:later"]}),
        ('7" mix', {"words": ['7"', "mix"]}),
        ('"unbalanced', {"words": ["unbalanced"]}),
        ("", {}),
    ],
)
def test_a_query_is_taken_apart(text: str, parts: dict[str, object]) -> None:
    assert parse(text) == Query(text, **parts)  # type: ignore[arg-type]


def test_accented_words_are_noted_case_folded() -> None:
    assert parse("Beyoncé HALO Sigur RÓS").accented == ["beyoncé", "rós"]


@given(st.text(alphabet=st.characters(), max_size=80))
def test_any_text_can_be_parsed(text: str) -> None:
    query = parse(text)
    assert "\x00" not in query.text
    query.text.encode("utf-8")


@given(st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=6))
def test_plain_words_stay_as_they_are(words: list[str]) -> None:
    assert parse(" ".join(words)).words == words
