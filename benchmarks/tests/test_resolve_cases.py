"""The cases for resolving lists, and the fit of the confidence."""

import math

import pytest

from benchmarks import logistic
from benchmarks.judging import Judged
from benchmarks.resolve_cases import INVENTED, invented_cases, judged_cases, relabelled_cases, split
from search.models import Track
from search.resolve import Entry


@pytest.mark.parametrize(
    ("text", "relevant", "first", "entry"),
    [
        (
            "Daft Pnk one more tme",
            [("Daft Punk", "One More Time")],
            True,
            Entry("Daft Pnk", "one more tme"),
        ),
        ("Creep Radio Head", [("Radiohead", "Creep")], False, Entry("Radio Head", "Creep")),
        (
            "Eliliana Torrini sunnyroad",
            [("Emiliana Torrini", "Sunny Road")],
            True,
            Entry("Eliliana Torrini", "sunnyroad"),
        ),
        (
            "Marley and the Wailers and the sun",
            [("Marley", "x"), ("Marley & The Wailers", "And the Sun")],
            True,
            Entry("Marley and the Wailers", "and the sun"),
        ),
    ],
)
def test_a_query_is_cut_where_the_artist_aligns(
    text: str, relevant: list[tuple[str, str]], first: bool, entry: Entry
) -> None:
    assert split(text, relevant, first=first) == entry


def test_one_word_is_not_cut() -> None:
    assert split("mondogrosso", [("Mondo Grosso", "Life")], first=True) is None


@pytest.mark.django_db
def test_only_queries_with_an_artist_and_a_known_track_are_cases() -> None:
    Track.objects.create(artist_credit="Radiohead", title="Creep", external_id="1")
    queries = [
        Judged("radiohed crep", "artist+title", frozenset({"1"})),
        Judged("crep", "title", frozenset({"1"})),
        Judged("radiohed", "artist", artist="Radiohead"),
        Judged("nobody nothing", "artist+title", frozenset({"2"})),
    ]
    assert [case.entry for case in judged_cases(queries)] == [Entry("radiohed", "crep")]


@pytest.fixture
def tracks(db: None) -> None:
    for n in range(40):
        Track.objects.create(
            artist_credit=f"band {n % 7} {n % 5}", title=f"song of {n}", external_id=str(n)
        )


@pytest.mark.usefixtures("tracks")
def test_invented_tracks_are_not_in_the_catalogue_and_come_from_the_seed() -> None:
    cases = invented_cases(60, seed=1)
    assert cases == invented_cases(60, seed=1) != invented_cases(60, seed=2)
    assert {case.kind for case in cases} == set(INVENTED)
    named = set(Track.objects.values_list("artist_credit", "title"))
    assert not {(case.entry.artist, case.entry.title) for case in cases} & named
    assert not any(case.tracks for case in cases)


@pytest.mark.usefixtures("tracks")
def test_relabelled_tracks_are_in_the_catalogue_under_a_shorter_name() -> None:
    for case in relabelled_cases(10, seed=1):
        track = Track.objects.get(external_id__in=case.tracks)
        assert case.entry.title.startswith(track.title) and case.entry.title != track.title
        assert case.entry.artist.startswith(track.artist_credit)


def test_the_fit_finds_the_odds() -> None:
    """Of rows with 0, three in four are right; of rows with 1, one in four."""
    rows = [[0.0]] * 4 + [[1.0]] * 4
    right = [True, True, True, False, True, False, False, False]
    intercept, slope = logistic.fit(rows, right, [1.0] * 8, penalty=0)
    assert intercept == pytest.approx(math.log(3))
    assert slope == pytest.approx(-2 * math.log(3))


def test_the_fit_counts_weights() -> None:
    (intercept, _) = logistic.fit([[0.0], [0.0]], [True, False], [4.0, 1.0])
    assert intercept == pytest.approx(math.log(4))
