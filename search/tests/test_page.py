"""The search page, as it is without JavaScript."""

import re
from pathlib import Path
from unittest import mock

import psycopg.errors
import pytest
from django.contrib.staticfiles import finders
from django.db import OperationalError
from django.test import Client

from search import engine
from search.models import Track

pytestmark = pytest.mark.django_db


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_nothing_is_asked_for_yet(client: Client) -> None:
    with mock.patch("search.engine.search", side_effect=AssertionError):
        page = client.get("/").content.decode()
    assert "Try daft pnk one more tme" in text_of(page)
    assert '<a href="?q=daft%20pnk%20one%20more%20tme">daft pnk one more tme</a>' in page


def test_artists_and_tracks_with_what_was_meant(client: Client, catalogue: None) -> None:
    page = client.get("/", {"q": "radiohed"}).content.decode()
    track = Track.objects.get(title="Creep")
    assert '<a href="?q=radiohead&amp;type=all" dir="auto">radiohead</a>' in page
    assert "<bdi><mark>Radiohead</mark></bdi>" in page
    assert f'<a href="/api/tracks/{track.pk}/">' in page
    assert "Radiohead · Pablo Honey · 1992" in text_of(page)
    assert 'value="radiohed"' in page


def test_pages_lead_to_each_other_and_nothing_is_lost(client: Client) -> None:
    Track.objects.bulk_create(Track(title=f"Blue Moon {n}") for n in range(45))
    seen: list[str] = []
    address = "?q=blue+moon&type=track"
    for _ in range(3):
        page = client.get("/" + address.replace("&amp;", "&")).content.decode()
        seen += re.findall(r"/api/tracks/([^/]+)/", page)
        following = re.search(r'<a href="([^"]+)" rel="next">', page)
        address = following[1] if following else ""
    ranked = [str(hit.id) for hit in engine.search("blue moon", kind="track", limit=100).hits]
    assert seen == ranked
    assert address == ""
    assert 'rel="prev"' in page


def test_parameters_of_others_do_no_harm(client: Client, catalogue: None) -> None:
    page = client.get("/", {"q": "radiohed", "utm_source": "letter"}).content.decode()
    assert "<bdi><mark>Radiohead</mark></bdi>" in page


def test_nothing_found(client: Client, catalogue: None) -> None:
    def told(q: str) -> str:
        page = text_of(client.get("/", {"q": q}).content.decode())
        assert "Nothing found" in page
        return page

    assert "No name is near enough." in told("zzzqqqxxy")
    assert "Fewer words" not in told("zzzqqqxxy")
    assert "No name is near enough. Fewer words find more." in told("zzzqqqxxy xxyzzq")


def test_an_empty_catalogue_is_said_to_be_empty(client: Client) -> None:
    page = text_of(client.get("/", {"q": "zzzqqqxxy"}).content.decode())
    assert "The catalogue is empty. manage.py import_catalogue PATH fills it" in page
    assert "near enough" not in page


def test_the_time_has_one_decimal(client: Client, catalogue: None) -> None:
    with mock.patch.object(engine.Results, "took_ms", 121.17):
        assert "121.2 ms" in client.get("/", {"q": "radiohead"}).content.decode()


@pytest.mark.parametrize("q", ['"><script>alert(1)</script> rock', "</title><b>rock", "{{ q }}"])
def test_what_was_typed_and_found_is_never_markup(client: Client, q: str) -> None:
    Track.objects.create(title=q, artist_credit=q, album=q)
    page = client.get("/", {"q": q}).content.decode()
    assert "<script>alert" not in page and "<b>rock" not in page
    assert "<mark>" in page


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("q=" + "x" * 501, "q: Ensure this field has no more than 500 characters."),
        ("q=a&type=album", "type: &quot;album&quot; is not a valid choice."),
        ("q=a&offset=-1", "offset: Ensure this value is greater than or equal to 0."),
    ],
)
def test_bad_input_is_a_400_that_says_so(client: Client, query: str, problem: str) -> None:
    response = client.get("/", QUERY_STRING=query)
    assert response.status_code == 400
    assert problem in response.content.decode()


def test_a_search_that_takes_too_long_is_a_503(client: Client) -> None:
    error = OperationalError("canceling statement due to statement timeout")
    error.__cause__ = psycopg.errors.QueryCanceled()
    with mock.patch("search.engine.search", side_effect=error):
        response = client.get("/", {"q": "love"})
    assert response.status_code == 503
    assert "This takes too long" in response.content.decode()


def test_the_page_needs_nothing_from_elsewhere(client: Client, catalogue: None) -> None:
    response = client.get("/", {"q": "radiohead"})
    page = response.content.decode()
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert not re.search(r"<style|<script(?![^>]* src=)| style=| on\w+=", page)
    sources = re.findall(r'(?:src|href)="/static/([^"]+)"', page)
    assert set(sources) == {"search/icon.svg", "search/page.css", "search/page.js"}
    for text in (page, *(Path(str(finders.find(name))).read_text() for name in sources)):
        assert not re.search(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)\w+\.\w", text)


def test_only_reading(client: Client) -> None:
    assert client.post("/", {"q": "a"}).status_code == 405
