"""The search as JSON: its shape, its pages, and what it says to bad input."""

import uuid
from typing import Any
from unittest import mock

import psycopg.errors
import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from search import engine
from search.models import Artist, Track, TrackArtist

pytestmark = pytest.mark.django_db


def get(client: Client, **parameters: str | int) -> Any:
    response = client.get("/api/search/", parameters)
    assert response.status_code == 200, response.content
    return response.json()


def test_a_track(client: Client, catalogue: None) -> None:
    track = Track.objects.get(title="One More Time")
    Track.objects.filter(pk=track.pk).update(external_id="abc", duration_ms=320357)
    answer = get(client, q="daft pnk one more tme")
    assert answer["query"] == "daft pnk one more tme"
    assert answer["did_you_mean"] == "daft punk one more time"
    assert answer["took_ms"] == round(answer["took_ms"], 2) > 0
    first = answer["results"][0]
    assert 0 < first.pop("score") <= 1
    assert first == {
        "type": "track",
        "id": str(track.pk),
        "external_id": "abc",
        "title": "One More Time",
        "artist": "Daft Punk",
        "album": "Discovery",
        "year": 2000,
        "duration_ms": 320357,
        "popularity": 76.0,
        "match": "fuzzy",
        "highlights": {
            "artist": "<mark>Daft</mark> <mark>Punk</mark>",
            "title": "<mark>One</mark> <mark>More</mark> <mark>Time</mark>",
        },
    }


def test_an_artist(client: Client, catalogue: None) -> None:
    artist = Artist.objects.get(name="Radiohead")
    answer = get(client, q="radiohead", type="artist")
    assert answer["did_you_mean"] is None
    (only,) = answer["results"]
    assert 0 < only.pop("score") <= 1
    assert only == {
        "type": "artist",
        "id": str(artist.pk),
        "external_id": None,
        "name": "Radiohead",
        "popularity": 90.0,
        "match": "exact",
        "highlights": {"name": "<mark>Radiohead</mark>"},
    }


@pytest.mark.parametrize("kind", ["track", "artist"])
def test_only_one_type_when_asked(client: Client, catalogue: None, kind: str) -> None:
    results = get(client, q="radiohead", type=kind)["results"]
    assert {result["type"] for result in results} == {kind}


def test_the_union_of_pages_is_the_ranked_list(client: Client) -> None:
    Track.objects.bulk_create(
        Track(title=f"Blue Moon {n}", artist_credit="Someone", popularity=n % 4) for n in range(45)
    )
    whole = [result["id"] for result in get(client, q="blue moon", limit=100)["results"]]
    assert len(set(whole)) == len(whole) == 45
    pages = [
        [result["id"] for result in get(client, q="blue moon", limit=7, offset=n)["results"]]
        for n in range(0, 49, 7)
    ]
    assert [key for page in pages for key in page] == whole
    assert len(get(client, q="blue moon")["results"]) == 20


def test_beyond_the_end_the_list_is_empty(client: Client, catalogue: None) -> None:
    assert get(client, q="radiohead", offset=engine.MAX_RESULTS)["results"] == []


def test_nothing_is_asked_of_the_database_but_the_search(
    client: Client, catalogue: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    steps = len(engine.search("radiohead creep").steps)
    with django_assert_num_queries(steps):
        get(client, q="radiohead creep")


@pytest.mark.parametrize(
    "q",
    ["", " ", "\t\n", "a", "1", "!", "...", "???", "-", '"', '""', "' : * & | ! <-> \\ % _ ( )",
     "a:*b & !c | (d <-> e)", "100% _ \\", "'; DROP TABLE track; --", "artist:", "year:",
     "year:99999999999", "year:1990-", "genre:", "--", "🎵🎶", "👩‍👩‍👧", "\u202eabc\u202c",
     "\u200f", "\ufffd", "\ufeff", "ab " * 160, "x" * 500, "é" * 500, "0" * 500, "{}", "[1]", "%s",
     "%(typed)s", "<script>alert(1)</script>"],
)  # fmt: skip
def test_whatever_is_typed_gets_a_list(client: Client, catalogue: None, q: str) -> None:
    answer = get(client, q=q)
    assert answer["query"] == q
    assert isinstance(answer["results"], list)
    assert client.get("/api/search/suggest/", {"q": q}).json()["query"] == q


@pytest.mark.parametrize("q", ["", " ", "\u200f", "\t"])
def test_blank_text_has_no_results(client: Client, catalogue: None, q: str) -> None:
    answer = get(client, q=q)
    assert (answer["results"], answer["did_you_mean"]) == ([], None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("limit=1", "q"),
        ("q=" + "x" * 501, "q"),
        ("q=" + "x" * 10_000, "q"),
        ("q=" + "word+" * 1_000, "q"),
        ("q=a%00b", "q"),
        ("q=%ed%a0%80", "q"),
        ("q=%ff", "q"),
        ("q=a&q=b", "q"),
        ("q=a&type=album", "type"),
        ("q=a&type=%00", "type"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=101", "limit"),
        ("q=a&limit=-1", "limit"),
        ("q=a&limit=ten", "limit"),
        ("q=a&limit=1.5", "limit"),
        ("q=a&limit=NaN", "limit"),
        ("q=a&limit=" + "9" * 5_000, "limit"),
        ("q=a&limit=1&limit=2", "limit"),
        ("q=a&offset=-1", "offset"),
        ("q=a&offset=x", "offset"),
        ("q=a&offset=10001", "offset"),
        ("q=a&offset=99999999999999999999", "offset"),
        ("q=a&offset=1e3", "offset"),
        ("q=a&ofset=20", "ofset"),
    ],
)
def test_bad_input_is_a_400_that_names_the_field(client: Client, query: str, field: str) -> None:
    response = client.get("/api/search/", QUERY_STRING=query)
    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert all(isinstance(message, str) for message in response.json()[field])


def test_empty_parameters_are_as_good_as_none(client: Client, catalogue: None) -> None:
    empty = {"type": "", "limit": "", "offset": "", "utm": ""}
    assert get(client, q="creep", **empty)["results"][0]["title"] == "Creep"


@pytest.mark.parametrize("address", ["/api/search/", "/api/search/suggest/"])
def test_parameters_it_does_not_know_are_refused_beside_others(
    client: Client, address: str
) -> None:
    response = client.get(address, {"q": "x" * 501, "ofset": "20"})
    assert response.status_code == 400
    assert response.json() == {
        "ofset": ["There is no such parameter."],
        "q": ["Ensure this field has no more than 500 characters."],
    }


def test_names_are_escaped(client: Client) -> None:
    Track.objects.create(title="<b>Rock</b> & 'Roll'", artist_credit='"><img src=x>')
    (result,) = get(client, q="rock roll")["results"]
    assert result["title"] == "<b>Rock</b> & 'Roll'"
    assert result["highlights"] == {
        "artist": "&quot;&gt;&lt;img src=x&gt;",
        "title": "&lt;b&gt;<mark>Rock</mark>&lt;/b&gt; &amp; &#x27;<mark>Roll</mark>&#x27;",
    }


def test_a_search_that_takes_too_long_is_a_503(client: Client) -> None:
    error = OperationalError("canceling statement due to statement timeout")
    error.__cause__ = psycopg.errors.QueryCanceled()
    with mock.patch("search.engine.search", side_effect=error):
        response = client.get("/api/search/", {"q": "love"})
    assert response.status_code == 503
    assert response.json() == {"detail": "This takes too long: ask for less."}


def test_suggestions(client: Client, catalogue: None) -> None:
    artist = Artist.objects.get(name="Radiohead")
    answer = client.get("/api/search/suggest/", {"q": "radioh"}).json()
    assert answer["query"] == "radioh"
    assert answer["suggestions"][0] == {
        "type": "artist",
        "text": "Radiohead",
        "id": str(artist.pk),
    }


@pytest.mark.parametrize("query", ["", "q=" + "x" * 501, "q=%00", "q=a&q=b"])
def test_bad_suggest_input_names_q(client: Client, query: str) -> None:
    response = client.get("/api/search/suggest/", QUERY_STRING=query)
    assert response.status_code == 400
    assert list(response.json()) == ["q"]


def test_one_track_whole(client: Client) -> None:
    artists = [
        Artist.objects.create(name="Jay-Z", sort_name="Jay-Z"),
        Artist.objects.create(name="Alicia Keys", sort_name="Keys, Alicia"),
    ]
    track = Track.objects.create(
        title="Empire State of Mind",
        artist_credit="Jay-Z feat. Alicia Keys",
        album="The Blueprint 3",
        year=2009,
        duration_ms=276000,
        isrc="USJZ10900031",
        genres=["rap"],
        popularity=80,
        external_id="x1",
        external_ids={"spotify": "s1"},
    )
    # Written the other way round: the credit's order is `position`.
    for position in (1, 0):
        TrackArtist.objects.create(track=track, artist=artists[position], position=position)
    assert client.get(f"/api/tracks/{track.pk}/").json() == {
        "id": str(track.pk),
        "external_id": "x1",
        "title": "Empire State of Mind",
        "artist": "Jay-Z feat. Alicia Keys",
        "artists": [
            {"id": str(artists[0].pk), "name": "Jay-Z"},
            {"id": str(artists[1].pk), "name": "Alicia Keys"},
        ],
        "album": "The Blueprint 3",
        "year": 2009,
        "duration_ms": 276000,
        "isrc": "USJZ10900031",
        "genres": ["rap"],
        "popularity": 80.0,
        "external_ids": {"spotify": "s1"},
    }


def test_one_artist_whole(client: Client) -> None:
    artist = Artist.objects.create(
        name="Björk", sort_name="Björk", aliases=["Bjork"], genres=["pop"], popularity=65
    )
    assert client.get(f"/api/artists/{artist.pk}/").json() == {
        "id": str(artist.pk),
        "external_id": None,
        "name": "Björk",
        "sort_name": "Björk",
        "aliases": ["Bjork"],
        "genres": ["pop"],
        "popularity": 65.0,
        "external_ids": {},
    }


@pytest.mark.parametrize("kind", ["tracks", "artists"])
@pytest.mark.parametrize("key", [str(uuid.UUID(int=1)), "1", "not-an-id", "x" * 1000, "’"])
def test_an_id_there_is_not_is_a_404(client: Client, kind: str, key: str) -> None:
    response = client.get(f"/api/{kind}/{key}/")
    assert response.status_code == 404
    assert response.json() == {"detail": "Not found."}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize(
    "path",
    ["/api/search/", "/api/search/suggest/", f"/api/tracks/{uuid.UUID(int=1)}/", "/api/artists/1/"],
)
def test_nothing_but_reading(client: Client, method: str, path: str) -> None:
    assert getattr(client, method)(path).status_code == 405


def test_the_schema_is_valid_and_complete(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn")
    printed = capsys.readouterr().out
    for path in ("/api/search/", "/api/search/suggest/", "/api/tracks/{id}/", "/api/artists/{id}/"):
        assert f"  {path}:\n" in printed
