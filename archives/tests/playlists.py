"""Playlists as each format can hold them, for the tests that write and read them again."""

import io
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from archives import formats
from archives.content import MAX_DURATION_MS
from archives.formats import Format, Playlist, Skipped, exportify, vibomat
from archives.formats.providers import provider_ids
from archives.formats.values import says

# Everything that PostgreSQL's text holds.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
names = texts.filter(lambda text: text.strip() != "")
spotify_ids = st.from_regex(r"[0-9A-Za-z]{22}", fullmatch=True)
spotify_uris = spotify_ids.map("spotify:track:{}".format)
uris = spotify_uris | st.from_regex(
    r"https://example\.org/[a-z0-9%/]{0,3}[a-z]\.ogg", fullmatch=True
)
durations = st.integers(0, MAX_DURATION_MS)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | texts
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
providers = st.sampled_from(["spotify", "deezer", "musicbrainz", "elsewhere"])


def objects(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(required, optional=optional)


def _named(track: dict[str, Any]) -> bool:
    return says(track, "artist", "track")


def tracks(**keys: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Tracks with some of the keys, and an artist or a title."""
    return st.lists(objects({}, keys).filter(_named), max_size=4)


def says_something(playlist: Playlist) -> bool:
    return bool(playlist.content["tracks"]) or says(playlist.content, "name", "description")


def _with_unknown_keys(
    known: st.SearchStrategy[Any], taken: set[str], telling: tuple[str, ...] = ()
) -> st.SearchStrategy[Any]:
    """Also with keys by which other formats are known."""
    keys = texts.filter(lambda key: key not in taken)
    values = anything
    if telling:
        keys |= st.sampled_from(telling)
        values |= st.just("kcrw") | st.dictionaries(keys, anything, max_size=2)
    unknown = st.dictionaries(keys, values, max_size=2)
    return st.builds(lambda unknown, known: {**unknown, **known}, unknown, known)


unknown = st.none()
track_keys = {
    "track": unknown | texts,
    "album": unknown | texts,
    "version": unknown | texts,
    "duration_ms": unknown | durations,
    "uri": unknown | uris | texts,
    "provider_ids": unknown | st.dictionaries(providers, texts, max_size=2),
    "playable": unknown | st.dictionaries(providers, st.none() | st.booleans(), max_size=2),
    "verified_by": unknown | st.lists(texts, max_size=2),
}
whole_tracks = st.lists(
    _with_unknown_keys(
        objects({"artist": texts}, track_keys).filter(_named),
        {"artist", *track_keys},
        ("track_uri", "track_name", "artist_name", "title", "artists", "uri_spotify", "line"),
    ),
    max_size=3,
)
metadata_keys = {
    "mood": unknown | texts,
    "tags": unknown | st.lists(texts, max_size=3),
    "creator": texts,
}
metadata = _with_unknown_keys(objects({}, metadata_keys), set(metadata_keys))
content_keys = {
    "name": unknown | texts,
    "description": unknown | texts,
    "metadata": unknown | metadata,
}
whole_contents = _with_unknown_keys(
    objects({"tracks": whole_tracks}, content_keys),
    {"tracks", *content_keys},
    ("playlist", "playlists", "source", "pid", "program", "host", "playlist_id", *vibomat.OWN_KEYS),
)
# With everything an archive can have: what the formats without loss hold.
whole = st.builds(
    Playlist,
    content=whole_contents,
    visibility=st.none() | st.sampled_from(formats.VISIBILITIES),
    provider=st.just("") | providers,
    provider_id=texts,
    created=st.none()
    | st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
).filter(says_something)


def _identified(track: dict[str, Any]) -> dict[str, Any]:
    ids = provider_ids([track.get("uri", "")])
    return {**track, "provider_ids": ids} if ids else track


def _without_empty(track: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in track.items() if value != ""}


def plain(content: st.SearchStrategy[Any], **keys: Any) -> st.SearchStrategy[Playlist]:
    return st.builds(Playlist, content=content, **keys).filter(says_something)


def plain_tracks(**keys: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    return tracks(**keys).map(
        lambda found: [{"artist": ""} | _identified(_without_empty(track)) for track in found]
    )


_lines = texts.map(lambda text: " ".join(text.splitlines()).replace("\r", "").strip())
m3u = plain(
    objects(
        {"tracks": plain_tracks(
            artist=_lines, track=_lines, album=_lines, duration_ms=durations, uri=uris)},
        {"name": _lines.filter(bool)},
    )
)  # fmt: skip
_columns = {
    exportify.key_of(column): texts
    for column in (*exportify.COLUMNS, *exportify.OPTIONAL_COLUMNS)
} | {
    "uri": spotify_uris | st.just("spotify:local:a::b:1"),
    "artist": texts.filter(lambda text: "\\," not in text),
    "duration_ms": durations,
}  # fmt: skip
csv = plain(objects({"tracks": plain_tracks(**_columns)}, {}))
_counts = st.integers(1, 2**40)
mpd = plain(
    objects(
        {"tracks": plain_tracks(
            artist=texts, track=texts, album=texts, duration_ms=st.integers(1, MAX_DURATION_MS),
            uri=spotify_uris, artist_uri=texts, album_uri=texts)},
        {"name": texts.filter(bool), "description": texts.filter(bool),
         "metadata": objects({"num_followers": _counts}, {
             "modified_at": _counts, "num_edits": _counts, "collaborative": st.just(True)})},
    ),
    provider=st.just("mpd"),
    provider_id=st.integers(0, 10**6).map(str),
)  # fmt: skip

HELD = {
    Format.VIBOMAT: whole,
    Format.JSPF: whole,
    Format.XSPF: whole,
    Format.M3U8: m3u,
    Format.CSV: csv,
    Format.MPD: mpd,
}


def written(playlists: list[Playlist], format: Format) -> bytes:
    stream = io.BytesIO()
    formats.write(playlists, format, stream)
    return stream.getvalue()


def all_of(data: bytes, format: Format | None = None) -> list[Playlist | Skipped]:
    return list(formats.read(io.BytesIO(data), format))


def only(data: bytes, format: Format | None = None) -> Playlist:
    """The one playlist in a file from which nothing is left out."""
    (found,) = all_of(data, format)
    assert isinstance(found, Playlist)
    return found
