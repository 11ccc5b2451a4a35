"""No file can do harm: whatever it holds, it is read, reported or refused with one error."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archives import formats
from archives.content import MAX_DEPTH, content_errors
from archives.formats import Format, FormatError, Playlist, Skipped
from archives.formats.source import PLAYLIST_LIMIT
from archives.formats.values import says, storable
from archives.tests.playlists import HELD, all_of, anything, only, texts, written

SAMPLES = [
    written([Playlist({"name": "n", "tracks": [{"artist": "a", "track": "b", "x": [1]}]})], format)
    for format in HELD
]
GZIPPED = gzip.compress(b"x" * 9, mtime=0)
some_format = st.none() | st.sampled_from(Format)


def read(data: bytes, format: Format | None) -> None:
    """Read it all, and see that every playlist could be stored."""
    try:
        for item in formats.read(io.BytesIO(data), format):
            if isinstance(item, Skipped):
                assert str(item)
                continue
            assert isinstance(item.content["tracks"], list)
            for track in item.content["tracks"]:
                assert says(track, "artist", "track")
            assert list(content_errors(item.content)) == []
            assert storable([item.provider, item.provider_id])[1] is False
    except FormatError as error:
        refused = str(error)
        assert refused and "\n" not in refused


@given(st.binary(max_size=200), some_format)
def test_any_bytes(data: bytes, format: Format | None) -> None:
    read(data, format)


@given(st.sampled_from(SAMPLES), st.data(), some_format)
def test_files_with_a_part_replaced(
    sample: bytes, data: st.DataObject, format: Format | None
) -> None:
    start = data.draw(st.integers(0, len(sample)))
    end = data.draw(st.integers(start, min(len(sample), start + 20)))
    put = data.draw(st.binary(max_size=8) | st.sampled_from([b"&x;", b"<", b'"', b"]", b"\\ud800"]))
    read(sample[:start] + put + sample[end:], format)


_keys = st.sampled_from(
    [
        *("name", "description", "tracks", "track", "artist", "title", "line", "artists", "uri"),
        *("playlist", "playlists", "metadata", "duration_ms", "duration", "duration_s", "date"),
        *("provider_ids", "playable", "verified_by", "extension", "identifier", "location"),
        *("public", "created", "source", "tags", "mood", "pid", "artist_name", "track_name"),
        *("track_uri", "year", "content", "visibility", "creator", "collaborative"),
        *("urn:x-vibomat:archive:1", "https://musicbrainz.org/doc/jspf#playlist"),
    ]
)
_shapes = st.recursive(
    anything | st.sampled_from(["\0", "\ud800", "kcrw", "beatify", 10**400, -1, "1e3", "public"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys | texts, inner, max_size=6),
    max_leaves=15,
)


@given(st.lists(_shapes, min_size=1, max_size=3), some_format, st.sampled_from([None, 1]))
def test_any_json(values: list[Any], format: Format | None, indent: int | None) -> None:
    read("\n".join(json.dumps(value, indent=indent) for value in values).encode(), format)


@given(st.lists(st.tuples(_keys, _shapes), max_size=6), st.sampled_from(list(Format)))
def test_any_json_in_the_place_of_a_playlist(pairs: list[tuple[str, Any]], format: Format) -> None:
    tracks = [dict(pairs), *(value for _, value in pairs)]
    whole = {
        "name": "n",
        **dict(pairs),
        "tracks": tracks,
        "playlist": {**dict(pairs), "track": tracks},
    }
    read(json.dumps(whole).encode(), format)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty."),
        (b" \n\n", "is empty."),
        (b"hello\nworld", "is in no format that is known."),
        (b"{}", "is JSON of no format that is known."),
        (b"[]", "is JSON of no format that is known."),
        (b"[1, 2]", "is JSON of no format that is known."),
        ("#EXTM3U".encode("utf-16"), "is UTF-16; convert it first: iconv -f UTF-16 -t UTF-8."),
        ("#EXTM3U".encode("utf-16-le"), "is not text (UTF-16 without a mark, or binary)."),
        (
            b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\na.ts",
            "is the manifest of a stream (HLS: line 2), not a playlist.",
        ),
        (b'[{"tracks": [{"track": "\xff"}]}]', "isn't UTF-8."),
        (b'{\n"name": "a", "x": NaN\n}', "is no valid JSON (NaN is no number of JSON)."),
        (b'{\n"name": 1e999\n}', "is no valid JSON (the number 1e999 is too large)."),
        (b'{\n"name": ' + b"9" * 5000 + b"\n}", "is no valid JSON (a number too long)."),
        (b'{\n"a": 1\n"b": 2}', "is no valid JSON (Expecting ',' delimiter at line 3, column 1)."),
        (b'{\n"name": "a", "x": ' + b"[" * 100_000, "is no valid JSON (nested too deeply)."),
        (b'[{"name": "a", "x": ' + b"[" * 100_000, "is no valid JSON (nested too deeply)."),
        (GZIPPED[:-9], "ends too early: its compressed data is incomplete."),
        (GZIPPED[:10] + b"nonsense", "is damaged: its compressed data can't be read."),
        (b"\x28\xb5\x2f\xfdnonsense", "is damaged: its compressed data can't be read."),
        (b"<rss></rss>", "is no XSPF: its root is <rss>, not <playlist>."),
        (b"<playlist", "is no valid XML ("),
        (b"<html><p></html>", "is no valid XML ("),
        (b"<playlist>&lol;</playlist>", "is no valid XML ("),
        (b"<playlist><title>\x01</title></playlist>", "is no valid XML ("),
        (b"<a>" * 100_000, "nests elements more than 64 deep."),
        (b"<!DOCTYPE x><playlist/>", "has a DOCTYPE, which a playlist has no need of."),
    ],
)
def test_what_is_no_playlist_is_refused_in_one_line(data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        all_of(data)
    assert str(caught.value).startswith(f"The file {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "#EXTM3U\n#PLAYLIST:x\nCafé.mp3".encode("latin-1"),
            "The file, line 3: isn't UTF-8; if it is in a Western encoding, convert it first",
        ),
        (
            b'Track Name,Artist Name(s)\n"a',
            "The file, line 2: is no valid CSV (unexpected end of data).",
        ),
    ],
)
def test_the_line_that_is_wrong_is_named(data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        all_of(data)
    assert str(caught.value).startswith(message)


BILLION_LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE playlist [
  <!ENTITY a "lolololololololololololololol">
  <!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"> <!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
  <!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"> <!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">
  <!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;"> <!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;">
]>
<playlist version="&g;"><title>&g;</title></playlist>"""


@pytest.mark.parametrize("external", [False, True])
def test_xml_entities_are_refused(external: bool, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("<title>secret</title>")
    data = BILLION_LAUGHS
    if external:
        data = f"""<!DOCTYPE playlist [<!ENTITY x SYSTEM "{secret.as_uri()}">]>
            <playlist>&x;<title>&x;</title></playlist>""".encode()
    with pytest.raises(FormatError, match=r"has a DOCTYPE|amplification"):
        all_of(data)


def test_a_file_that_unpacks_to_too_much_is_refused() -> None:
    bomb = gzip.compress(b"#EXTM3U" + b"\n" * (PLAYLIST_LIMIT + 1))
    with pytest.raises(FormatError, match="larger than 32 MB"):
        all_of(bomb)


def test_a_line_that_is_too_long_is_reported_and_the_next_is_read() -> None:
    long = b'{"name": "' + b"x" * (PLAYLIST_LIMIT + 500_000) + b'"}'
    good = b'{"tracks": [{"track": "a"}]}'
    assert all_of(b"\n".join([good, long, good])) == [
        Playlist({"tracks": [{"artist": "", "track": "a"}]}),
        Skipped(1, "is longer than 32 MB"),
        Playlist({"tracks": [{"artist": "", "track": "a"}]}),
    ]


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none", r"^Can't read .*none: No such file or directory\.$"),
        (tmp_path, r"is a folder\.$"),
    ):
        with pytest.raises(FormatError, match=message):
            list(formats.read(path))


def test_a_message_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.m3u8"
    path.write_bytes(b"#EXTM3U\n\xff")
    with pytest.raises(FormatError, match=rf"^{path}, line 2: isn't UTF-8"):
        list(formats.read(path))
    with path.open("rb") as file, pytest.raises(FormatError, match=rf"^{path}, line 2"):
        list(formats.read(file))


def test_an_encoding_that_xml_declares_is_read() -> None:
    data = "<?xml version='1.0' encoding='{}'?><playlist><title>Café</title><trackList/></playlist>"
    for encoding in ("ISO-8859-1", "UTF-16", "windows-1252"):
        assert only(data.format(encoding).encode(encoding)).content["name"] == "Café"


def test_values_that_are_nearly_right_are_made_right() -> None:
    tracks = [
        {"artist": 1979, "track": True, "album": None, "duration_ms": "215000"},
        {"artist": ["A", "B"], "track": 7.5, "duration_ms": 1.5e3, "provider_ids": {"deezer": 7}},
    ]
    assert only(json.dumps({"name": 1, "tracks": tracks[1:]}).encode(), Format.VIBOMAT) == Playlist(
        {
            "name": "1",
            "tracks": [
                {
                    "artist": "A, B",
                    "track": "7.5",
                    "duration_ms": 1500,
                    "provider_ids": {"deezer": "7"},
                }
            ],
        }
    )
    assert all_of(json.dumps({"tracks": tracks[:1]}).encode(), Format.VIBOMAT) == [
        Skipped(0, "is no text", track=0, field="track"),
        Playlist({"tracks": [{"artist": "1979", "album": None, "duration_ms": 215000}]}),
    ]


@pytest.mark.parametrize(
    ("key", "value", "place", "reason"),
    [
        ("duration_ms", -1, "duration_ms", "is negative"),
        ("duration_ms", "-5", "duration_ms", "is negative"),
        ("duration_ms", "3:35", "duration_ms", "is no number of milliseconds"),
        ("duration_ms", "٣", "duration_ms", "is no number of milliseconds"),
        ("duration_ms", [], "duration_ms", "is no number of milliseconds"),
        ("duration_ms", True, "duration_ms", "is no number of milliseconds"),
        ("duration_ms", 10**400, "duration_ms", "is more than 4,294,967,295 ms"),
        ("album", {"x": 1}, "album", "is no text"),
        ("provider_ids", [1], "provider_ids", "is no object"),
        ("provider_ids", {"deezer": [1]}, "provider_ids.deezer", "is no text"),
        ("playable", {"deezer": "yes"}, "playable.deezer", "is neither true, false nor null"),
        ("verified_by", "me", "verified_by", "is no list of texts"),
    ],
)
def test_a_value_that_is_wrong_is_left_out_and_reported(
    key: str, value: Any, place: str, reason: str
) -> None:
    data = json.dumps({"tracks": [{"track": "a"}, {"track": "b", key: value}]}).encode()
    skipped, playlist = all_of(data)
    assert skipped == Skipped(0, reason, track=1, field=place)
    assert str(skipped) == f"playlist 0, track 1, {place}: {reason}"
    assert isinstance(playlist, Playlist)
    kept: dict[str, Any] = {key: {}} if "." in place else {}
    assert playlist.content["tracks"][1] == {"artist": "", "track": "b", **kept}


def test_what_is_no_track_is_reported_by_its_place() -> None:
    data = json.dumps({"name": "n", "tracks": [7, {"artist": " "}, {"track": "a"}, None]}).encode()
    assert all_of(data) == [
        Skipped(0, "is no object", track=0),
        Skipped(0, "has neither an artist nor a title", track=1),
        Skipped(0, "is no object", track=3),
        Playlist({"name": "n", "tracks": [{"artist": "", "track": "a"}]}),
    ]


def test_metadata_of_the_wrong_type_is_reported() -> None:
    for content, field in (
        ({"metadata": []}, "metadata"),
        ({"metadata": {"mood": 1}}, "metadata.mood"),
        ({"metadata": {"tags": "x"}}, "metadata.tags"),
        ({"description": {}}, "description"),
    ):
        skipped, playlist = all_of(json.dumps({**content, "tracks": [{"track": "a"}]}).encode())
        assert isinstance(skipped, Skipped) and skipped.field == field
        assert isinstance(playlist, Playlist)


@pytest.mark.parametrize("around", ["%s", "[%s]"])
def test_a_key_that_stands_twice_is_reported(around: str) -> None:
    data = '{"name": "a", "tracks": [{"artist": "b", "artist": "c"}], "name": "d"}'
    assert all_of((around % data).encode()) == [
        Skipped(0, "the key 'artist' stands twice; the last value counts", field="JSON"),
        Skipped(0, "the key 'name' stands twice; the last value counts", field="JSON"),
        Playlist({"name": "d", "tracks": [{"artist": "c"}]}),
    ]


def test_a_nul_or_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    data = rb'{"name": "a\u0000b", "\ud800": 1, "tracks": [{"track": "\udc00x", "y": ["\u0000"]}]}'
    skipped, playlist = all_of(data)
    assert playlist == Playlist(
        {
            "name": "a\ufffdb",
            "\ufffd": 1,
            "tracks": [{"artist": "", "track": "\ufffdx", "y": ["\ufffd"]}],
        }
    )
    assert str(skipped) == "playlist 0, content: a NUL or lone surrogate, in whose place is U+FFFD"
    for format in HELD:
        assert only(written([Playlist({"tracks": [{"track": "a\0\ud800"}]})], format), format)


def test_a_value_nested_too_deeply_costs_its_playlist() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    data = b"\n".join(
        json.dumps({"tracks": [{"track": "a"}], "x": value}).encode() for value in (deep, 1)
    )
    assert all_of(data) == [
        Skipped(0, "is nested too deeply"),
        Playlist({"tracks": [{"artist": "", "track": "a"}], "x": 1}),
    ]
    with pytest.raises(FormatError, match="nested too deeply"):
        written([Playlist({"tracks": [], "x": deep})], Format.JSPF)


def test_line_ends_in_a_name_stay_within_its_line_of_m3u() -> None:
    tracks = [{"artist": "a\r\nb", "track": "c\n#EXTINF:1,d\ne.mp3", "uri": "#x\nf"}]
    assert only(written([Playlist({"name": "n\nm", "tracks": tracks})], Format.M3U8)) == Playlist(
        {"name": "n m", "tracks": [{"artist": "a b", "track": "c #EXTINF:1,d e.mp3"}]}
    )


def test_an_empty_playlist_is_reported_and_one_with_only_a_name_is_read() -> None:
    assert all_of(b'{"name": " ", "tracks": []}') == [
        Skipped(0, "is empty: no track, no name, no description")
    ]
    assert only(b'{"name": "SoundHound", "tracks": []}').content["tracks"] == []
    assert all_of(b"Track Name,Artist Name(s)\n") == [
        Skipped(0, "is empty: no track, no name, no description")
    ]


@pytest.mark.parametrize("created", ["yesterday", 2020, ["2020-01-01"]])
def test_a_time_of_creation_that_is_none_is_left_out(created: Any) -> None:
    assert all_of(json.dumps({"name": "n", "created": created}).encode()) == [
        Skipped(0, "is no time", field="created"),
        Playlist({"name": "n", "tracks": []}),
    ]
