"""What is read out of files as other programs write them."""

import gzip
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

from archives import formats
from archives.formats import Format, FormatError, Playlist, Skipped, json_documents
from archives.tests.playlists import all_of, only, written

TUNE = {"artist": "Bob Marley", "track": "Jamming"}


def lines(*values: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def test_the_older_vibomats_file() -> None:
    playlist = only(b"""{
      "name": "Sunday", "description": "slow", "public": true,
      "tracks": [{"artist": "Sade", "track": "Kiss of Life", "album": "Love Deluxe", "version": ""}]
    }""")
    assert playlist == Playlist(
        {
            "name": "Sunday",
            "description": "slow",
            "tracks": [
                {"artist": "Sade", "track": "Kiss of Life", "album": "Love Deluxe", "version": ""}
            ],
        },
        visibility="public",
    )


def test_a_jspf_of_listenbrainz() -> None:
    playlist = only(
        json.dumps(
            {
                "playlist": {
                    "extension": {
                        "https://musicbrainz.org/doc/jspf#playlist": {
                            "creator": "troi-bot",
                            "public": "true",
                        }
                    },
                    "creator": "ListenBrainz Troi",
                    "date": "2005-01-08T17:10:47-05:00",
                    "title": "1980s flashback jams",
                    "identifier": "https://listenbrainz.org/playlist/7f4cf4d3-f5ca-453a-b5c8-00e8a30a9bac",
                    "track": [
                        {
                            "title": "Gold",
                            "identifier": "https://musicbrainz.org/recording/e8f9b188-f819-4e43-ab0f-4bd26ce9ff56",
                            "creator": "Spandau Ballet",
                            "album": "True",
                            "duration": 231000,
                            "trackNum": 3,
                        }
                    ],
                }
            }
        ).encode()
    )
    assert playlist == Playlist(
        {
            "name": "1980s flashback jams",
            "metadata": {
                "creator": "ListenBrainz Troi",
                "xspf": {
                    "extension": {
                        "https://musicbrainz.org/doc/jspf#playlist": {
                            "creator": "troi-bot",
                            "public": "true",
                        }
                    },
                    "identifier": "https://listenbrainz.org/playlist/7f4cf4d3-f5ca-453a-b5c8-00e8a30a9bac",
                },
            },
            "tracks": [
                {
                    "artist": "Spandau Ballet",
                    "track": "Gold",
                    "album": "True",
                    "duration_ms": 231000,
                    "provider_ids": {"musicbrainz": "e8f9b188-f819-4e43-ab0f-4bd26ce9ff56"},
                    "xspf": {"trackNum": 3},
                }
            ],
        },
        visibility="public",
        provider="listenbrainz",
        provider_id="7f4cf4d3-f5ca-453a-b5c8-00e8a30a9bac",
        created=datetime(2005, 1, 8, 22, 10, 47, tzinfo=UTC),
    )


def test_an_xspf_of_vlc() -> None:
    playlist = only(
        """<?xml version="1.0" encoding="UTF-8"?>
<!-- made by hand -->
<playlist xmlns="http://xspf.org/ns/0/" version="1"
          xmlns:vlc="http://www.videolan.org/vlc/playlist/ns/0/">
  <trackList>
    <track>
      <duration> 215000 </duration>
      <title>Déjà &amp; <![CDATA[<vu>]]></title>
      <creator>Beyoncé</creator>
      <location>https://open.spotify.com/track/6IwfPsBX4TXMFFqdp3fAEs</location>
      <location>file:///b.ogg</location>
      <trackNum>4</trackNum>
      <link rel="https://example.org/lyrics">https://example.org/1</link>
      <extension application="http://www.videolan.org/vlc/playlist/0"><vlc:id>7</vlc:id></extension>
    </track>
  </trackList>
  <title>Two lines
of title</title>
</playlist>""".encode()
    )
    (track,) = playlist.content["tracks"]
    kept = track["xspf"].pop("extension")
    assert list(kept) == ["http://www.videolan.org/vlc/playlist/0"]
    assert "7</vlc:id>" in kept["http://www.videolan.org/vlc/playlist/0"][0]
    assert playlist == Playlist(
        {
            "name": "Two lines\nof title",
            "tracks": [
                {
                    "artist": "Beyoncé",
                    "track": "Déjà & <vu>",
                    "duration_ms": 215000,
                    "uri": "https://open.spotify.com/track/6IwfPsBX4TXMFFqdp3fAEs",
                    "provider_ids": {"spotify": "6IwfPsBX4TXMFFqdp3fAEs"},
                    "xspf": {
                        "trackNum": "4",
                        "link": [{"https://example.org/lyrics": "https://example.org/1"}],
                        "location": ["file:///b.ogg"],
                    },
                }
            ],
        }
    )


@pytest.mark.parametrize(
    ("text", "track"),
    [
        ("#EXTINF:123,Sade - Kiss of Life\na.mp3", {"duration_ms": 123000, "uri": "a.mp3"}),
        ("#EXTINF:-1,Sade - Kiss of Life\na.mp3", {"uri": "a.mp3"}),
        (
            '#EXTINF:12.5 logo="a,b.png" x=1,Sade - Kiss of Life\na',
            {"duration_ms": 12500, "uri": "a"},
        ),
        ("#EXTINF:0 , Sade - Kiss of Life\na", {"duration_ms": 0, "uri": "a"}),
        (
            "#EXTINF:1,Sade - Kiss of Life\n#EXTALB:Love Deluxe\n#EXTVLCOPT:x=y\na",
            {"duration_ms": 1000, "album": "Love Deluxe", "uri": "a"},
        ),
        (
            "#EXTART:Various\n#EXTINF:1,Sade - Kiss of Life\na",
            {"duration_ms": 1000, "album_artist": "Various", "uri": "a"},
        ),
        (r"C:\Music\Sade - Kiss of Life.mp3", {"uri": r"C:\Music\Sade - Kiss of Life.mp3"}),
        ("Sade - Kiss of Life.mp3", {}),
        (
            "https://example.org/x/Sade%20-%20Kiss%20of%20Life.ogg?a=1",
            {"uri": "https://example.org/x/Sade%20-%20Kiss%20of%20Life.ogg?a=1"},
        ),
        (
            "#EXTINF:-1,Sade - Kiss of Life\nspotify:track:6IwfPsBX4TXMFFqdp3fAEs",
            {
                "uri": "spotify:track:6IwfPsBX4TXMFFqdp3fAEs",
                "provider_ids": {"spotify": "6IwfPsBX4TXMFFqdp3fAEs"},
            },
        ),
    ],
)
def test_an_entry_of_m3u(text: str, track: dict[str, Any]) -> None:
    for ends in ("\n", "\r\n", "\r"):
        data = f"\ufeff#EXTM3U\n#PLAYLIST: Slow \n{text}\n".replace("\n", ends).encode()
        expected = {"artist": "Sade", "track": "Kiss of Life", **track}
        assert only(data) == Playlist({"name": "Slow", "tracks": [expected]})


def test_an_entry_of_m3u_without_any_name_is_reported() -> None:
    assert all_of(b"#EXTM3U\nspotify:track:6IwfPsBX4TXMFFqdp3fAEs\nSade - Kiss of Life.mp3\n") == [
        Skipped(0, "has neither an artist nor a title", track=0),
        Playlist({"tracks": [{"artist": "Sade", "track": "Kiss of Life"}]}),
    ]


EXPORTIFY = (
    '"Track URI","Track Name","Artist URI(s)","Artist Name(s)","Album URI","Album Name",'
    '"Album Artist URI(s)","Album Artist Name(s)","Album Release Date","Album Image URL",'
    '"Disc Number","Track Number","Track Duration (ms)","Track Preview URL","Explicit",'
    '"Popularity","ISRC","Added By","Added At"\n'
)


def test_the_csv_of_exportify() -> None:
    playlist = only(
        b"\xef\xbb\xbf"
        + EXPORTIFY.encode()
        + b'"spotify:track:6IwfPsBX4TXMFFqdp3fAEs","She said ""yes"", twice","spotify:artist:a",'
        b'"Tyler\\, The Creator, Kali Uchis","","Flower Boy","","","2017-07-21","","1","5",'
        b'"180000","","false","75","USQX91701241","","2020-07-19T09:24:39Z"\n'
    )
    assert playlist == Playlist(
        {
            "tracks": [
                {
                    "uri": "spotify:track:6IwfPsBX4TXMFFqdp3fAEs",
                    "provider_ids": {"spotify": "6IwfPsBX4TXMFFqdp3fAEs"},
                    "track": 'She said "yes", twice',
                    "artist": "Tyler, The Creator, Kali Uchis",
                    "artist_uris": "spotify:artist:a",
                    "album": "Flower Boy",
                    "album_release_date": "2017-07-21",
                    "disc_number": "1",
                    "track_number": "5",
                    "duration_ms": 180000,
                    "explicit": "false",
                    "popularity": "75",
                    "isrc": "USQX91701241",
                    "added_at": "2020-07-19T09:24:39Z",
                }
            ]
        }
    )
    assert written([playlist], Format.CSV).decode().startswith(EXPORTIFY)


def test_the_csv_of_exportifys_fork() -> None:
    playlist = only(
        b"Spotify ID,Track Name,Artist Name(s),Duration (ms),Genres,Tempo\r\n"
        b"6IwfPsBX4TXMFFqdp3fAEs,Jamming,Bob Marley,211000,reggae,123.1\r\n\r\n"
    )
    ids = {"provider_ids": {"spotify": "6IwfPsBX4TXMFFqdp3fAEs"}}
    uri = {"uri": "spotify:track:6IwfPsBX4TXMFFqdp3fAEs", **ids}
    track = {**TUNE, "duration_ms": 211000, "genres": "reggae", "tempo": "123.1", **uri}
    assert playlist == Playlist({"tracks": [track]})
    head, row = written([playlist], Format.CSV).decode().splitlines()
    assert head.endswith('"Added At","Genres","Tempo"')
    assert row.endswith('"reggae","123.1"')


def test_a_row_of_csv_with_a_wrong_number_of_columns_is_reported() -> None:
    assert all_of(b"Track Name,Artist Name(s)\nJamming\nJamming,Bob Marley\n") == [
        Skipped(0, "has 1 column where the header has 2", track=0),
        Playlist({"tracks": [TUNE]}),
    ]


def test_a_cell_that_a_spreadsheet_takes_for_a_formula_stays_as_it_is() -> None:
    formula = '=HYPERLINK("https://example.org";"x")'
    playlist = Playlist({"tracks": [{"artist": "@SUM(1)", "track": formula, "album": "-1+1"}]})
    assert only(written([playlist], Format.CSV)) == playlist


MPD = {
    "info": {"generated_on": "2017-12-03 08:41:42.057563", "slice": "0-999", "version": "v1"},
    "playlists": [
        {
            "name": "musical",
            "collaborative": "false",
            "pid": 5,
            "modified_at": 1493424000,
            "num_tracks": 1,
            "num_albums": 1,
            "num_followers": 1,
            "num_edits": 2,
            "duration_ms": 166264,
            "num_artists": 1,
            "tracks": [
                {
                    "pos": 0,
                    "artist_name": "Degiheugi",
                    "track_uri": "spotify:track:7vqa3sDmtEaVJ2gcvxtRID",
                    "artist_uri": "spotify:artist:3V2paBXEoZIAfZRJmo2jL2",
                    "track_name": "Finalement",
                    "album_uri": "spotify:album:2KrRMJ9z7Xjoz1Az4O6UML",
                    "duration_ms": 166264,
                    "album_name": "Dancing Chords and Fireflies",
                }
            ],
        }
    ],
}


def test_a_slice_of_the_million_playlists() -> None:
    playlist = Playlist(
        {
            "name": "musical",
            "metadata": {"modified_at": 1493424000, "num_followers": 1, "num_edits": 2},
            "tracks": [
                {
                    "artist": "Degiheugi",
                    "track": "Finalement",
                    "album": "Dancing Chords and Fireflies",
                    "duration_ms": 166264,
                    "uri": "spotify:track:7vqa3sDmtEaVJ2gcvxtRID",
                    "provider_ids": {"spotify": "7vqa3sDmtEaVJ2gcvxtRID"},
                    "artist_uri": "spotify:artist:3V2paBXEoZIAfZRJmo2jL2",
                    "album_uri": "spotify:album:2KrRMJ9z7Xjoz1Az4O6UML",
                }
            ],
        },
        provider="mpd",
        provider_id="5",
    )
    for indent in (None, 4):
        assert only(json.dumps(MPD, indent=indent).encode()) == playlist
    again = json.loads(written([playlist], Format.MPD))
    assert again["playlists"] == MPD["playlists"]


def test_four_collections_in_one_file() -> None:
    found = all_of(
        lines(
            {
                "source": "kcrw",
                "name": "Go Zone",
                "program": "Go Zone",
                "host": "Beth Halper",
                "date": "1995-01-01",
                "tracks": [
                    {"artist": "Bjork", "title": "Kata Rokkar", "label": "Takk", "year": "1990"}
                ],
            },
            {
                "source": "harisekhon",
                "name": "Rap",
                "folder": "",
                "n": 4,
                "tracks": [
                    {"line": "50 Cent - P.I.M.P. - Remix", "uri": None},
                    {"line": " Rain ", "uri": "spotify:local:::Rain:1"},
                    {"line": "2Pac", "uri": "spotify:artist:1ZwdS5xdxEREPySFridCfh\t2Pac"},
                    {"line": " - x"},
                ],
            },
            {
                "source": "spotify_editorial",
                "name": "Hits",
                "kind": "pretty",
                "playlist_id": "1tPWTwuxOLsE2Do1JQSUxA",
                "tracks": [
                    {
                        "title": "Power",
                        "artists": ["Little Mix", "Stormzy"],
                        "duration_s": 243,
                        "spotify_id": "4QVFtAswXqPoAWRLo5yu8a",
                    },
                    {"title": "Gone", "artists": [""], "duration_s": None},
                ],
            },
            {
                "source": "beatify",
                "name": "Old",
                "version": "1.18",
                "tags": ["1940s"],
                "language": "en",
                "tracks": [
                    {
                        "artist": "Billie Holiday",
                        "title": "Strange Fruit",
                        "year": 1939,
                        "isrc": "USPR35602457",
                        "uri": "spotify:track:1CTex49P0iWwzUGsMNjgaV",
                        "uri_deezer": "deezer://track/542807362",
                        "uri_apple_music": "applemusic://track/1469579573",
                        "uri_youtube_music": "https://music.youtube.com/watch?v=pCgyKVxSkuw",
                    }
                ],
            },
        )
    )
    assert found == [
        Playlist(
            {
                "name": "Go Zone",
                "metadata": {
                    "source": "kcrw",
                    "program": "Go Zone",
                    "host": "Beth Halper",
                    "date": "1995-01-01",
                },
                "tracks": [
                    {"artist": "Bjork", "track": "Kata Rokkar", "label": "Takk", "year": 1990}
                ],
            }
        ),
        Playlist(
            {
                "name": "Rap",
                "metadata": {"source": "harisekhon"},
                "tracks": [
                    {"artist": "50 Cent", "track": "P.I.M.P. - Remix"},
                    {"artist": "", "track": "Rain", "uri": "spotify:local:::Rain:1"},
                    {"artist": "2Pac", "uri": "spotify:artist:1ZwdS5xdxEREPySFridCfh"},
                    {"artist": "", "track": "- x"},
                ],
            }
        ),
        Playlist(
            {
                "name": "Hits",
                "metadata": {"source": "spotify_editorial", "kind": "pretty"},
                "tracks": [
                    {
                        "artist": "Little Mix, Stormzy",
                        "artists": ["Little Mix", "Stormzy"],
                        "track": "Power",
                        "duration_ms": 243000,
                        "uri": "spotify:track:4QVFtAswXqPoAWRLo5yu8a",
                        "provider_ids": {"spotify": "4QVFtAswXqPoAWRLo5yu8a"},
                    },
                    {"artist": "", "track": "Gone"},
                ],
            },
            provider="spotify",
            provider_id="1tPWTwuxOLsE2Do1JQSUxA",
        ),
        Playlist(
            {
                "name": "Old",
                "metadata": {
                    "source": "beatify",
                    "source_version": "1.18",
                    "tags": ["1940s"],
                    "language": "en",
                },
                "tracks": [
                    {
                        "artist": "Billie Holiday",
                        "track": "Strange Fruit",
                        "year": 1939,
                        "isrc": "USPR35602457",
                        "uri": "spotify:track:1CTex49P0iWwzUGsMNjgaV",
                        "provider_ids": {
                            "spotify": "1CTex49P0iWwzUGsMNjgaV",
                            "deezer": "542807362",
                            "apple_music": "1469579573",
                            "youtube_music": "pCgyKVxSkuw",
                        },
                    }
                ],
            }
        ),
    ]


@pytest.mark.parametrize(
    ("value", "format"),
    [
        ({"tracks": [{"artist": "a", "title": "b"}]}, Format.KCRW),
        ({"tracks": [{"line": "a - b"}]}, Format.HARISEKHON),
        ({"tracks": [{"artists": ["a"], "title": "b"}]}, Format.SPOTIFY_EDITORIAL),
        ({"tracks": [{"artist": "a", "title": "b", "uri_deezer": "x"}]}, Format.BEATIFY),
        ({"tracks": [{"artist_name": "a", "track_name": "b"}]}, Format.MPD),
        ({"tracks": [{"artist": "a"}, {"track": "b", "title": "c"}]}, Format.VIBOMAT),
        ({"name": "nothing yet", "tracks": []}, Format.VIBOMAT),
        ({"info": {"slice": "0-1"}, "playlists": [{"pid": 1, "tracks": []}]}, Format.MPD),
        ({"playlists": [{"playlist": {"track": []}}]}, Format.JSPF),
        ([{"name": "a", "tracks": [{"track": "b"}]}], Format.VIBOMAT),
    ],
)
def test_json_is_told_apart_by_its_keys_even_when_cut_off(value: Any, format: Format) -> None:
    whole = json.dumps(value).encode()
    assert formats.detect(whole) == format
    assert formats.detect(whole[:-2]) == format
    assert formats.detect(json.dumps(value, indent=1).encode()) == format


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (b"\xef\xbb\xbf\r\n  #EXTM3U\r\n", Format.M3U8),
        (b"#EXTINF:1,x\nx", Format.M3U8),
        ("<?xml version='1.0' encoding='UTF-16'?><playlist/>".encode("utf-16"), Format.XSPF),
        (b"\n<playlist/>", Format.XSPF),
        (b'"Track Name";"Artist Name(s)"\n', Format.CSV),
        (b"added at\ttrack name\ttrack uri", Format.CSV),
    ],
)
def test_other_formats_are_told_apart_by_how_they_begin(data: bytes, format: Format) -> None:
    assert formats.detect(data) == format
    assert formats.detect(gzip.compress(data)) == format


def test_a_broken_line_is_reported_and_the_next_is_read() -> None:
    good = json.dumps({"tracks": [TUNE]}).encode()
    data = b"\n".join(
        [
            b'{"name": nonsense}',
            good,
            b"",
            b'{"tracks": ["x"',
            b"[1]",
            b'{"a": "\xff"}',
            b"{}",
            good,
        ]
    )
    assert all_of(data) == [
        Skipped(0, "is no valid JSON (Expecting value at line 1, column 10)"),
        Playlist({"tracks": [TUNE]}),
        Skipped(2, "is no valid JSON (Expecting ',' delimiter at line 1, column 16)"),
        Skipped(3, "is no JSON object"),
        Skipped(4, "isn't UTF-8"),
        Skipped(5, "is in no format that is known"),
        Playlist({"tracks": [TUNE]}),
    ]
    assert [item.index for item in all_of(data) if isinstance(item, Playlist)] == [1, 6]


def test_what_an_array_has_before_a_broken_place_is_read() -> None:
    reading = formats.read(_Chunks(iter([b'[{"tracks": [{"track": "a"}]}, {"tracks": [}]'])))
    assert next(reading) == Playlist({"tracks": [{"artist": "", "track": "a"}]})
    with pytest.raises(FormatError, match=r"^The file is no valid JSON \(Expecting value\)\.$"):
        next(reading)


@pytest.mark.parametrize("block", range(1, 20))
def test_it_does_not_matter_where_a_block_ends(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_documents, "BLOCK", block)
    data = '{"info": 12345.5e1, "x": [1, "é\\u00e9"], "playlists": [{"name": "é", "y": -17}, 5]} '
    assert all_of(data.encode()) == [
        Playlist({"name": "é", "y": -17, "tracks": []}),
        Skipped(1, "is no JSON object"),
    ]


def test_an_option_overrides_what_the_content_looks_like() -> None:
    data = json.dumps({"tracks": [{"artist": "a", "title": "b"}]}).encode()
    assert only(data) == Playlist(
        {"metadata": {"source": "kcrw"}, "tracks": [{"artist": "a", "track": "b"}]}
    )
    assert only(data, Format.VIBOMAT) == Playlist({"tracks": [{"artist": "a", "title": "b"}]})
    assert all_of(data, Format.JSPF) == [Skipped(0, "is no JSPF")]
    assert only(b"Sade - Kiss of Life.mp3", Format.M3U8).content["tracks"]


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
def test_a_path_and_a_stream_are_read_the_same(compress: Any, tmp_path: Path) -> None:
    data = compress(lines({"tracks": [TUNE]}, {"tracks": [TUNE]}))
    path = tmp_path / "playlists"
    path.write_bytes(data)
    assert list(formats.read(path)) == list(formats.read(str(path))) == all_of(data)
    assert len(all_of(data)) == 2
    assert list(formats.read(_Chunks(data[i : i + 1] for i in range(len(data))))) == all_of(data)


class _Chunks:
    """A stream that gives what it likes, as sockets do, and can't seek."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks = chunks
        self.rest = b""

    def read(self, size: int = -1, /) -> bytes:
        if not self.rest:
            self.rest = next(self.chunks, b"")
        part, self.rest = self.rest[:size], self.rest[size:]
        return part


@pytest.mark.parametrize("layout", ["lines", "slice", "array"])
def test_many_playlists_are_read_in_flat_memory(layout: str) -> None:
    one = json.dumps({**MPD["playlists"][0], "tracks": MPD["playlists"][0]["tracks"] * 50})  # type: ignore[index]
    count = 400

    def chunks() -> Iterator[bytes]:
        yield {"lines": b"", "slice": b'{"info": {}, "playlists": [', "array": b"["}[layout]
        for number in range(count):
            separator = b"\n" if layout == "lines" else b",\n"
            yield one.encode() + (separator if number < count - 1 else b"")
        yield {"lines": b"", "slice": b"]}", "array": b"]"}[layout]

    size = len(one) * count
    tracemalloc.start()
    found = sum(isinstance(item, Playlist) for item in formats.read(_Chunks(chunks())))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == count
    assert size > 6_000_000 and peak < 3_000_000


def test_a_format_whose_files_have_one_playlist_takes_no_other_number() -> None:
    playlist = Playlist({"tracks": [TUNE]})
    for format in (Format.XSPF, Format.JSPF, Format.M3U8, Format.CSV):
        for playlists in ([], [playlist, playlist]):
            with pytest.raises(FormatError, match="holds one playlist"):
                written(playlists, format)
    with pytest.raises(FormatError, match="KCRW is a format that is only read"):
        written([playlist], Format.KCRW)


def test_what_a_format_has_no_place_for_is_left_out() -> None:
    playlist = Playlist(
        {"name": "n", "mine": 1, "metadata": {"mood": "calm"}, "tracks": [{**TUNE, "mine": [2]}]},
        visibility="public",
    )
    assert only(written([playlist], Format.M3U8)) == Playlist({"name": "n", "tracks": [TUNE]})
    assert only(written([playlist], Format.CSV)) == Playlist({"tracks": [TUNE]})
    assert only(written([playlist], Format.MPD)) == Playlist(
        {"name": "n", "tracks": [TUNE]}, provider="mpd", provider_id="0"
    )
