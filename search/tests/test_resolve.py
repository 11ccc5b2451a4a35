"""Lists of typed tracks matched to the catalogue."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from search.candidates import find_candidates
from search.confidence import Differences, Names, are_same_artists, differences, farthest_word
from search.models import Track
from search.resolve import BATCH, Entry, Resolution, resolve

pytestmark = pytest.mark.django_db


def meant(entry: Entry) -> tuple[str | None, str | None, str]:
    """The credit and title of the track that an entry means, and the grade."""
    (resolution,) = resolve([entry])
    if resolution.track is None:
        return None, None, resolution.grade
    return resolution.track.artist_credit, resolution.track.title, resolution.grade


@pytest.mark.usefixtures("catalogue")
class TestWhatIsMeant:
    @pytest.mark.parametrize(
        ("artist", "title", "found"),
        [
            ("Daft Punk", "One More Time", ("Daft Punk", "One More Time")),
            ("daftpunk", "one more time!", ("Daft Punk", "One More Time")),
            ("Beatles, The", "let it be", ("The Beatles", "Let It Be")),
            ("ACDC", "TNT", ("AC/DC", "T.N.T.")),
            ("Pink", "So What", ("P!nk", "So What")),
            ("guns and roses", "Dont Cry", ("Guns N’ Roses", "Don’t Cry")),
            ("Beyonce", "Halo", ("Beyoncé", "Halo")),
            ("кино", "группа крови", ("Кино", "Группа крови")),
            ("宇多田ヒカル", "光", ("宇多田ヒカル", "光")),
        ],
    )
    def test_the_same_names_are_exact(
        self, artist: str, title: str, found: tuple[str, str]
    ) -> None:
        assert meant(Entry(artist, title)) == (*found, "exact")

    @pytest.mark.parametrize(
        ("artist", "title", "found"),
        [
            ("Daft Pnk", "One More Tme", ("Daft Punk", "One More Time")),
            ("Radio Head", "Paranoit Androd", ("Radiohead", "Paranoid Android")),
            ("Mondo Groso", "Life", ("Mondo Grosso", "Life")),
            ("Portishaed", "Glory Box", ("Portishead", "Glory Box")),
            ("Radiohead", "Paranoid Android - Remastered 2017", ("Radiohead", "Paranoid Android")),
            ("Jay-Z", "Empire State of Mind", ("Jay-Z feat. Alicia Keys", "Empire State of Mind")),
        ],
    )
    def test_misspelled_names_and_other_editions_are_close(
        self, artist: str, title: str, found: tuple[str, str]
    ) -> None:
        assert meant(Entry(artist, title)) == (*found, "close")

    @pytest.mark.parametrize(
        ("artist", "title"),
        [
            ("Daft Punk", "Creep"),
            ("Radiohead", "One More Time"),
            ("Daft Punk", "Marmalade Sundial"),
            ("Daft Punk", "One More Dream"),
            ("Daft Punk", "Around the Wall"),
            ("Radiohead", "Paranoid Anthem"),
            ("The Velvet Teaspoons", "One More Time"),
            ("The Velvet Teaspoons", "Marmalade Sundial"),
            ("Beck", "Creep"),
        ],
    )
    def test_an_invented_track_means_none(self, artist: str, title: str) -> None:
        assert meant(Entry(artist, title)) == (None, None, "none")

    @pytest.mark.parametrize("text", ["", " ", "\u200b", "‘"])
    def test_without_an_artist_or_a_title_none_is_meant(self, text: str) -> None:
        assert resolve([Entry(text, "Creep"), Entry("Radiohead", text)]) == [Resolution()] * 2

    def test_artists_may_stand_in_another_order(self) -> None:
        found = meant(Entry("Alicia Keys & Jay-Z", "Empire State of Mind"))
        assert found == ("Jay-Z feat. Alicia Keys", "Empire State of Mind", "exact")

    def test_one_artist_s_title_is_not_another_s(self) -> None:
        found = [meant(Entry(artist, "Blue Moon"))[0] for artist in ("Elvis Presly", "Mavericks")]
        assert found == ["Elvis Presley", "The Mavericks"]

    def test_the_edition_that_is_named_is_meant(self) -> None:
        assert meant(Entry("Portishead", "Glory Box (live)"))[1] == "Glory Box (Live)"
        assert meant(Entry("Portishead", "Glory Box - Live"))[1] == "Glory Box (Live)"
        assert meant(Entry("Portishead", "Glory Box"))[1] == "Glory Box"

    def test_other_editions_are_alternatives(self) -> None:
        (resolution,) = resolve([Entry("Portishead", "Glory Box")])
        assert [track.title for track in resolution.alternatives] == ["Glory Box (Live)"]

    def test_results_come_in_the_entries_order(self) -> None:
        entries = [Entry("Nobody", "Nothing"), Entry("Radiohead", "Creep"), Entry("", "")] * 3
        assert [r.track and r.track.title for r in resolve(entries)] == [None, "Creep", None] * 3

    def test_nothing_is_asked_for_an_empty_list(self) -> None:
        with CaptureQueriesContext(connection) as statements:
            assert resolve([]) == []
        assert not statements.captured_queries


class TestEditions:
    @pytest.fixture(autouse=True)
    def editions(self) -> None:
        for title, album, duration, popularity in [
            ("Fools Gold", "Fools Gold", 593_000, 60),
            ("Fools Gold", "The Stone Roses", 256_000, 40),
            ("Fools Gold - Remastered", "The Very Best Of", 595_000, 50),
        ]:
            Track.objects.create(
                artist_credit="The Stone Roses",
                title=title,
                album=album,
                duration_ms=duration,
                popularity=popularity,
            )

    @pytest.mark.parametrize(
        ("entry", "album"),
        [
            (Entry("Stone Roses", "Fools Gold"), "Fools Gold"),
            (Entry("Stone Roses", "Fools Gold", "The Stone Roses"), "The Stone Roses"),
            (Entry("Stone Roses", "Fools Gold", "very best of"), "The Very Best Of"),
            (Entry("Stone Roses", "Fools Gold", duration_ms=257_000), "The Stone Roses"),
            (Entry("Stone Roses", "Fools Gold", "", 300_000), "Fools Gold"),
            (Entry("Stone Roses", "Fool's Gold (Remastered)"), "The Very Best Of"),
            (Entry("Ston Roses", "Fols Gold", "The Stone Roses"), "The Stone Roses"),
        ],
    )
    def test_name_then_album_and_duration_then_popularity_choose(
        self, entry: Entry, album: str
    ) -> None:
        (resolution,) = resolve([entry])
        assert resolution.track is not None
        assert resolution.track.album == album

    def test_album_and_duration_do_not_outweigh_a_nearer_name(self) -> None:
        Track.objects.create(
            artist_credit="The Stone Roses", title="Foals Gold", album="B", duration_ms=1000
        )
        (resolution,) = resolve([Entry("The Stone Roses", "Fools Golt", "B", 1000)])
        assert resolution.track is not None
        assert resolution.track.title == "Fools Gold"

    def test_album_and_duration_make_no_other_title_right(self) -> None:
        entry = Entry("The Stone Roses", "Marmalade Sundial", "The Stone Roses", 256_000)
        assert meant(entry) == (None, None, "none")


class TestDifferences:
    def test_names_that_are_the_same_have_none(self) -> None:
        names = Names("daftpunk", "daftpunk", "onemoretime", "onemoretime")
        found = differences(names, names, artist_known=True, word=0)
        assert found == Differences(0, 0, 0, 0, 0, 0, 0, 0, 0)
        assert found.are_none and found.distance == 0 and found.confidence > 0.99

    def test_each_name_is_compared_by_itself(self) -> None:
        found = differences(
            Names("daftpnk", "daftpnk", "onemoretmie", "onemoretmie"),
            Names("daftpunk", "daftpunk", "onemoretime", "onemoretime"),
            artist_known=True,
            word=1 / 4,
        )
        assert (found.artist, found.title, found.taken, found.word) == (1 / 8, 1 / 11, 1, 1 / 4)
        assert found.short == 1 / 11 + 1 / 7

    def test_the_same_edition_makes_no_titles_alike(self) -> None:
        found = differences(
            Names("steviewonder", "steviewonder", "youarenotalonesingleversion", "youarenotalone"),
            Names("steviewonder", "steviewonder", "superstitionsingleversion", "superstition"),
        )
        assert (found.title, found.other) == (0.4, 1)

    def test_an_edition_on_one_side_is_a_label(self) -> None:
        plain = Names("portishead", "portishead", "glorybox", "glorybox")
        live = plain._replace(title="gloryboxlive")
        assert differences(plain, live) == Differences(0, 0, 0, 0, 0, 0, 0, label=1, edition=1)
        assert differences(live, plain) == Differences(0, 0, 0, 0, 0, 0, 0, label=1, edition=0)

    @pytest.mark.parametrize("name", Differences._fields[:7])
    def test_a_difference_lowers_the_confidence(self, name: str) -> None:
        alike = Differences(0, 0.05, 0, 0, 0, 0, 0.1, 0, 0)
        worse = alike._replace(**{name: getattr(alike, name) + 0.1})
        assert worse.confidence < alike.confidence

    @pytest.mark.parametrize(
        ("typed", "title", "farthest"),
        [
            ("One More Time", "one more time!", 0),
            ("One Mroe Time", "One More Time", 1 / 4),
            ("The Sun", "Sun", 0),
            ("Teh Sun", "The Sun", 1 / 4),
            ("Sunny Road", "Sunnyroad", 0),
            ("Sunnyroad", "Sunny Road", 0),
            ("February Music", "February Stars", 1),
            ("Anything", "", 1),
        ],
    )
    def test_the_word_that_is_least_like_any(self, typed: str, title: str, farthest: float) -> None:
        assert farthest_word(typed, title) == farthest

    @pytest.mark.parametrize(
        ("typed", "credit", "same"),
        [
            ("Bradley Cooper & Lady Gaga", "Lady Gaga, Bradley Cooper", True),
            ("Nas feat. Damian Marley", "DAMIAN MARLEY / NAS", True),
            ("Lady Gaga", "Lady Gaga", False),
            ("Lady Gaga & Tony Bennett", "Lady Gaga & Bradley Cooper", False),
        ],
    )
    def test_credits_in_another_order(self, typed: str, credit: str, same: bool) -> None:
        assert are_same_artists(typed, credit) is same


def statements_for(size: int) -> int:
    entries = [Entry(f"Daft Pnk {n}", f"One More Tme {n}") for n in range(size - 1)]
    with CaptureQueriesContext(connection) as statements:
        resolve([*entries, Entry("Daft Pnk", "One More Tme")])
    return len(statements)


@pytest.mark.usefixtures("catalogue")
def test_a_list_takes_four_statements_whatever_its_length() -> None:
    assert [statements_for(size) for size in (1, 2, BATCH, BATCH + 1)] == [4, 4, 4, 8]


@pytest.mark.usefixtures("catalogue")
def test_names_that_are_right_take_two() -> None:
    with CaptureQueriesContext(connection) as statements:
        resolve([Entry("Daft Punk", "One More Time"), Entry("Radiohead", "Creep")])
    assert len(statements) == 2


@pytest.mark.usefixtures("catalogue")
def test_only_tracks_with_both_names_alike_are_candidates() -> None:
    (found,) = find_candidates([Entry("Elvis Presly", "Blue Mon")])
    assert [(t.artist_credit, t.title) for t in found.tracks.values()] == [
        ("Elvis Presley", "Blue Moon")
    ]


ENTRY = {"artist": "Daft Pnk", "title": "One More Tme"}


def post(client: Client, body: Any) -> Any:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post("/api/search/resolve/", text, content_type="application/json")


def test_the_api_gives_the_track_and_its_grade(client: Client, catalogue: None) -> None:
    track = Track.objects.get(title="One More Time")
    Track.objects.filter(pk=track.pk).update(external_id="abc", duration_ms=320_357)
    (result, none) = post(client, {"tracks": [ENTRY, ENTRY | {"title": "Sundial"}]}).json()[
        "results"
    ]
    assert 0.9 < result["confidence"] < 1
    assert result == {
        "track": {
            "id": str(track.pk),
            "external_id": "abc",
            "title": "One More Time",
            "artist": "Daft Punk",
            "album": "Discovery",
            "year": 2000,
            "duration_ms": 320_357,
            "popularity": 76.0,
            "confidence": result["confidence"],
        },
        "confidence": result["confidence"],
        "grade": "close",
        "alternatives": [],
    }
    assert none["track"] is None and none["grade"] == "none" and none["confidence"] < 0.1


@pytest.mark.parametrize(
    ("track", "place"),
    [
        ({"artist": "x"}, "tracks[1].title"),
        ({"title": "x"}, "tracks[1].artist"),
        ({"artist": "", "title": " "}, "tracks[1]"),
        ({"artist": None, "title": "x"}, "tracks[1].artist"),
        ({"artist": 1, "title": "x"}, "tracks[1].artist"),
        ({"artist": "x", "title": True}, "tracks[1].title"),
        ({"artist": "x", "title": ["y"]}, "tracks[1].title"),
        ({"artist": "x", "title": {"y": 1}}, "tracks[1].title"),
        ({"artist": "a\0", "title": "x"}, "tracks[1].artist"),
        ({"artist": "x", "title": "\ud800"}, "tracks[1].title"),
        ({"artist": "x", "title": "y" * 1001}, "tracks[1].title"),
        (ENTRY | {"album": 1}, "tracks[1].album"),
        (ENTRY | {"album": "\0"}, "tracks[1].album"),
        (ENTRY | {"duration_ms": -1}, "tracks[1].duration_ms"),
        (ENTRY | {"duration_ms": 2**31}, "tracks[1].duration_ms"),
        (ENTRY | {"duration_ms": 1.5}, "tracks[1].duration_ms"),
        (ENTRY | {"duration_ms": True}, "tracks[1].duration_ms"),
        (ENTRY | {"duration_ms": "long"}, "tracks[1].duration_ms"),
        (ENTRY | {"duration": 1}, "tracks[1].duration"),
        ("x", "tracks[1]"),
        (None, "tracks[1]"),
        ([], "tracks[1]"),
    ],
)
def test_a_bad_entry_is_a_400_that_names_its_place(client: Client, track: Any, place: str) -> None:
    response = post(client, {"tracks": [ENTRY, track]})
    assert response.status_code == 400
    assert list(response.json()) == [place]
    assert all(isinstance(message, str) for message in response.json()[place])


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "tracks"),
        ({"tracks": None}, "tracks"),
        ({"tracks": [], "limit": 1}, "limit"),
        ('{"tracks": [], "\\ud800": 1}', "\ufffd"),
        ({"tracks": "x"}, "tracks"),
        ({"tracks": {"0": ENTRY}}, "tracks"),
        ({"tracks": [ENTRY] * (BATCH + 1)}, "tracks"),
        ([], "non_field_errors"),
        ("null", "non_field_errors"),
        ('"x"', "non_field_errors"),
        ('{"tracks": ', "non_field_errors"),
        ("[" * 100_000, "non_field_errors"),
        ('{"tracks": [{"duration_ms": NaN}]}', "non_field_errors"),
        ('{"tracks": [{"duration_ms": ' + "9" * 5000 + "}]}", "non_field_errors"),
        (b'{"tracks": "\xff"}', "non_field_errors"),
    ],
)
def test_a_bad_body_is_a_400(client: Client, body: Any, place: str) -> None:
    response = post(client, body)
    assert response.status_code == 400
    assert list(response.json()) == [place]


def test_what_is_unknown_may_be_null_or_left_out(client: Client, catalogue: None) -> None:
    tracks = [ENTRY, ENTRY | {"album": None, "duration_ms": None}, ENTRY | {"album": ""}]
    first, *others = post(client, {"tracks": tracks}).json()["results"]
    assert others == [first, first]


@pytest.mark.parametrize(
    "text",
    [
        "' : * & | ! <-> \\",
        "%s %(x)s",
        "x" * 1000,
        "a. " * 300,
        "ä" * 1000,
        "🎵",
        "\u202e",
        "the",
        "‘ (live)",
        "‘, x",
    ],
)
def test_nonsense_means_none(client: Client, catalogue: None, text: str) -> None:
    response = post(client, {"tracks": [{"artist": text, "title": text, "album": text}]})
    assert response.status_code == 200
    assert response.json()["results"][0]["grade"] == "none"


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_only_posting(client: Client, method: str) -> None:
    assert getattr(client, method)("/api/search/resolve/").status_code == 405


def test_the_schema_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn")
    assert "  /api/search/resolve/:\n" in capsys.readouterr().out
