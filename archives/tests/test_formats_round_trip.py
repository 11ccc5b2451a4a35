"""What is written is read again, and is what the format's specification asks for."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lxml import etree

from archives.formats import Format, Playlist, detect, vibomat
from archives.tests import playlists
from archives.tests.playlists import HELD, all_of, only, written

SCHEMAS = Path(__file__).parent / "schemas"
JSPF_SCHEMA = Draft202012Validator(json.loads((SCHEMAS / "jspf.schema.json").read_text()))
XSPF_SCHEMA = etree.RelaxNG(file=SCHEMAS / "xspf-1.rng")


@pytest.mark.parametrize("format", HELD)
@settings(max_examples=50)
@given(st.data())
def test_what_a_format_can_hold_comes_back_as_it_was_and_the_format_is_found_out(
    format: Format, data: st.DataObject
) -> None:
    playlist = data.draw(HELD[format])
    file = written([playlist], format)
    assert only(file, format) == playlist
    assert only(file) == playlist


@pytest.mark.parametrize("format", [Format.VIBOMAT, Format.MPD])
@settings(max_examples=50)
@given(st.data())
def test_so_do_many_in_one_file(format: Format, data: st.DataObject) -> None:
    many = data.draw(st.lists(HELD[format], max_size=4))
    assert all_of(written(many, format), format) == many


@pytest.mark.parametrize(
    "content",
    [
        *({"tracks": [{"artist": "a", "track": "b", key: "c"}]}
          for key in ("track_uri", "track_name", "artist_name", "line", "artists")),
        {"tracks": [{"artist": "a", "title": "b", "uri_x": "c"}]},
        {"name": "n", "tracks": [{"artist": "a"}], "playlist": {"title": "other"}},
        *({"name": "n", "tracks": [{"artist": "a"}], "source": source}
          for source in ("kcrw", "harisekhon", "spotify_editorial", "beatify")),
        {"name": "n", "tracks": [], "pid": 1, "program": "p", "host": "h", "playlist_id": "i"},
        {"name": "n", "tracks": [], **dict.fromkeys(vibomat.OWN_KEYS, "kept")},
        {"name": "n", "tracks": [], vibomat.MARK: {vibomat.MARK: {"name": "o", "tracks": 1}}},
    ],
)  # fmt: skip
def test_no_key_makes_another_format_of_an_export(content: dict[str, Any]) -> None:
    playlist = Playlist(content, "unlisted", "spotify", "1", datetime(2020, 1, 1, tzinfo=UTC))
    for many in ([playlist], [playlist, Playlist({"name": "o", "tracks": []})]):
        assert detect(written(many, Format.VIBOMAT)) is Format.VIBOMAT
        assert all_of(written(many, Format.VIBOMAT)) == many


def test_a_mark_of_other_software_is_content() -> None:
    content = {"name": "n", "tracks": [], vibomat.MARK: 1}
    assert only(json.dumps(content).encode()) == Playlist(content)


def test_a_key_that_elsewhere_lists_playlists_is_one_like_any_other() -> None:
    playlist = Playlist({"playlists": [1], "name": "n", "tracks": [{"artist": "a"}]})
    assert only(written([playlist], Format.VIBOMAT)) == playlist


@pytest.mark.parametrize("format", [Format.VIBOMAT, Format.JSPF, Format.XSPF])
@pytest.mark.parametrize("text", ["я" * 4_000_000, '\\"' * 2_000_000, "a\uffff\ufffe\x01\x7f]]>&"])
def test_so_does_text_as_long_as_content_may_be(format: Format, text: str) -> None:
    playlist = Playlist({"name": "n", "tracks": [], "metadata": {"x": text, text[:9]: 1}})
    assert only(written([playlist], format)) == playlist


def test_so_does_a_cell_of_csv() -> None:
    playlist = Playlist({"tracks": [{"artist": "a", "track": '"b,' * 1_000_000}]})
    assert only(written([playlist], Format.CSV)) == playlist


@pytest.mark.parametrize("format", [Format.M3U8, Format.CSV, Format.MPD])
@settings(max_examples=50)
@given(playlists.whole)
def test_whatever_an_archive_holds_can_be_written(format: Format, playlist: Playlist) -> None:
    tracks = playlist.content["tracks"]
    for item in all_of(written([playlist], format), format):
        if isinstance(item, Playlist):
            assert len(item.content["tracks"]) <= len(tracks)


@settings(max_examples=50)
@given(playlists.whole)
def test_jspf_is_valid(playlist: Playlist) -> None:
    JSPF_SCHEMA.validate(json.loads(written([playlist], Format.JSPF)))


@settings(max_examples=50)
@given(playlists.whole)
def test_xspf_is_valid(playlist: Playlist) -> None:
    XSPF_SCHEMA.assertValid(etree.fromstring(written([playlist], Format.XSPF)))


def test_the_schema_of_xspf_refuses_what_the_specification_does() -> None:
    for wrong in (
        "<title>a</title><title>b</title>",
        "<trackList/>",
        "<tracklist/>",
        "<trackList><track><duration>-1</duration></track></trackList>",
        "<trackList><track><duration>1.5</duration></track></trackList>",
        "<trackList><track><track/></track></trackList>",
        "<extension/><trackList/>",
    ):
        start = '<playlist version="1" xmlns="http://xspf.org/ns/0/">'
        valid = XSPF_SCHEMA.validate(etree.fromstring(f"{start}{wrong}</playlist>"))
        assert valid == (wrong == "<trackList/>"), wrong
