"""Completion while someone types."""

from typing import Any

import pytest

from search.models import Artist, Track
from search.suggest import suggest

pytestmark = pytest.mark.usefixtures("catalogue")


def texts(typed: str, limit: int = 10) -> list[str]:
    return [suggestion.text for suggestion in suggest(typed, limit)]


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("r", ["Radiohead", "R.E.M.", "Guns N’ Roses", "A$AP Rocky"]),
        ("w", ["will.i.am", "Around the World – Daft Punk", "So What – P!nk"]),
        ("be", ["The Beatles", "Beyoncé", "Beck", "Let It Be – The Beatles"]),
        ("bjor", ["Björk"]),
        ("ac/", ["AC/DC", "Thunderstruck – AC/DC", "T.N.T. – AC/DC"]),
        ("p!n", ["P!nk", "So What – P!nk"]),
        ("!!", ["!!!"]),
        ("tnt", ["T.N.T. – AC/DC"]),
        ("guns n", ["Guns N’ Roses", "Don’t Cry – Guns N’ Roses"]),
        ("guns n' r", ["Guns N’ Roses", "Don’t Cry – Guns N’ Roses"]),
        ("mondogr", ["Mondo Grosso", "Life – Mondo Grosso"]),
        ("гру", ["Группа крови – Кино"]),
        ("봄", ["봄날 – 방탄소년단"]),
        ("宇多", ["宇多田ヒカル", "光 – 宇多田ヒカル"]),
        ("كي", ["كيفك إنت – فيروز"]),
        ("שרית ח", ["שרית חדד"]),
        ("คารา", ["คาราบาว", "บัวลอย – คาราบาว"]),
    ],
)
def test_a_beginning_is_completed(typed: str, completed: list[str]) -> None:
    assert texts(typed, len(completed)) == completed


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("daft punk a", ["Around the World – Daft Punk"]),
        ("daftpunk one", ["One More Time – Daft Punk"]),
        ("around the world da", ["Around the World – Daft Punk"]),
        ("halo bey", ["Halo – Beyoncé", "Halo – Beyonce Tribute Band"]),
        ("punk one mor", ["One More Time – Daft Punk"]),
        ("glory box por", ["Glory Box – Portishead", "Glory Box (Live) – Portishead"]),
    ],
)
def test_artist_and_title_in_any_order(typed: str, completed: list[str]) -> None:
    assert sorted(texts(typed, len(completed))) == sorted(completed)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("dafr", ["Daft Punk"]),
        ("radoh", ["Radiohead"]),
        ("raidohea", ["Radiohead"]),
        ("beyom", ["Beyoncé"]),
        ("dfat pu", ["Daft Punk"]),
        ("paranod an", ["Paranoid Android – Radiohead"]),
        ("daft pnk one m", ["One More Time – Daft Punk"]),
        ("pnk daft wor", ["Around the World – Daft Punk"]),
        ("one moer time da", ["One More Time – Daft Punk"]),
        ("empire stat of m", ["Empire State of Mind – Jay-Z feat. Alicia Keys"]),
        ("宇田田", ["宇多田ヒカル"]),
        ("групп кр", ["Группа крови – Кино"]),
    ],
)
def test_misspelt_in_the_beginning_or_before_it(typed: str, completed: list[str]) -> None:
    assert texts(typed, len(completed)) == completed


def test_what_begins_so_comes_before_what_has_a_word_that_begins_so() -> None:
    Artist.objects.create(name="Punkin", popularity=70)
    assert texts("punk")[:2] == ["Punkin", "Daft Punk"]


def test_something_far_more_popular_comes_before_an_obscure_beginning() -> None:
    Artist.objects.create(name="Punkin", popularity=1)
    found = texts("punk")
    assert found.index("Daft Punk") < found.index("Punkin")


def test_what_is_written_so_comes_before_what_is_nearly_so() -> None:
    assert texts("back") == ["Back", "Beck"]


def test_an_artist_comes_before_a_title_of_like_popularity() -> None:
    Track.objects.create(title="Radiohead", artist_credit="Someone", popularity=95)
    assert texts("radioh")[:2] == ["Radiohead", "Radiohead – Someone"]


def test_accents_are_preferred_when_typed() -> None:
    Artist.objects.create(name="Bjork", popularity=65.5)
    assert texts("bjor") == ["Bjork", "Björk"]
    assert texts("bjö") == ["Björk", "Bjork"]


def test_the_is_optional_but_preferred_when_typed() -> None:
    Artist.objects.create(name="Blur", popularity=80)
    Artist.objects.create(name="The Blues Brothers", popularity=75)
    assert texts("blu")[:2] == ["Blur", "The Blues Brothers"]
    assert texts("the blu")[:2] == ["The Blues Brothers", "Blur"]
    assert texts("the")[:2] == ["The Beatles", "The Blues Brothers"]


def test_a_space_ends_the_word() -> None:
    Artist.objects.create(name="Becker", popularity=67)
    Artist.objects.create(name="Beck Hansen", popularity=20)
    assert texts("beck")[:3] == ["Beck", "Becker", "Beck Hansen"]
    assert texts("beck ")[:3] == ["Beck", "Beck Hansen", "Becker"]


def test_aliases_are_completed() -> None:
    Artist.objects.create(name="Prince", aliases=["The Artist Formerly Known"], popularity=80)
    assert texts("artist form") == ["Prince"]


def test_no_text_comes_twice() -> None:
    for _ in range(2):
        Track.objects.create(title="Blue Moon", artist_credit="ELVIS PRESLEY", popularity=64)
    assert texts("blue m") == [
        "Blue Moon – Elvis Presley",
        "Blue Moon – The Mavericks",
        "Blue Moon – Kino",
    ]


def test_a_suggestion_says_what_it_is() -> None:
    artist, track, *_ = suggest("radioh")
    assert (artist.kind, artist.id) == ("artist", Artist.objects.get(name="Radiohead").id)
    assert (track.kind, track.id) == ("track", Track.objects.get(title="Creep").id)


def test_as_many_as_asked_for() -> None:
    assert texts("b", 3) == ["The Beatles", "Beyoncé", "blink-182"]
    assert texts("b", 0) == []


@pytest.mark.parametrize("typed", ["r", "radioh", "dfat pnk one m", "!", "the the", "x" * 500])
def test_one_statement(typed: str, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        suggest(typed)


@pytest.mark.parametrize("typed", ["", " ", "\x00", "\ud800", "\u200f"])
def test_nothing_typed_has_no_completion(typed: str) -> None:
    assert suggest(typed) == []


@pytest.mark.parametrize(
    "typed",
    ["!", "x" * 10_000, "a " * 250, "' & | :*", "'", "\\", "%", "_", "((", "@", "=", "🎉🎉",
     "ﷺ" * 200, "the and n", "!(a <-> b)", "é" * 500, "10", "\u202eabc"],
)  # fmt: skip
def test_nonsense_is_answered(typed: str) -> None:
    assert len(suggest(typed)) <= 10
