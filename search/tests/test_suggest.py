"""Completion while someone types."""

import pytest

from search.suggest import suggest

pytestmark = pytest.mark.usefixtures("catalogue")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("radioh", "Radiohead"),
        ("dafr pu", "Daft Punk"),
        ("daft p", "Daft Punk"),
        ("beyon", "Beyoncé"),
        ("mondogr", "Mondo Grosso"),
        ("acd", "AC/DC"),
        ("the beat", "The Beatles"),
        ("bjor", "Björk"),
        ("r", "Radiohead"),
        ("ra", "Radiohead"),
        ("宇多田", "宇多田ヒカル"),
        ("paranoid a", "Paranoid Android – Radiohead"),
    ],
)
def test_a_beginning_is_completed(typed: str, completed: str) -> None:
    assert suggest(typed)[0].text == completed


@pytest.mark.parametrize("typed", ["", " ", "\x00", "\ud800", "!", "x" * 10_000, "' & | :*"])
def test_nonsense_is_answered(typed: str) -> None:
    assert len(suggest(typed)) <= 10


def test_no_text_comes_twice() -> None:
    texts = [suggestion.text for suggestion in suggest("blue m")]
    assert len(texts) == len(set(texts)) >= 3
