"""Playlists as four collections publish them, read only: one JSON object each.

- `kcrw`: radio shows, with program, host and date, and each track's label and year;
- `harisekhon`: text files, each track a line "artist - title";
- `spotify_editorial`: Spotify's own, with lists of artists;
- `beatify`: a game's lists, with a URI of several providers and the ISRC for each track.

What tells about a playlist goes to `metadata`, with the collection's name as `source`; what
tells about a track stays on it under its own name.
"""

from collections.abc import Mapping
from typing import Any

from archives.formats.playlist import Playlist, Reading
from archives.formats.providers import provider_ids
from archives.formats.values import text, without_empty

_SEPARATOR = " - "


def kcrw(value: dict[str, Any], reading: Reading) -> Playlist:
    return _playlist("kcrw", value, ("program", "host", "date"), _titled)


def harisekhon(value: dict[str, Any], reading: Reading) -> Playlist:
    return _playlist("harisekhon", value, ("folder",), _line)


def spotify_editorial(value: dict[str, Any], reading: Reading) -> Playlist:
    provider_id = text(value.get("playlist_id")) or ""
    return _playlist(
        "spotify_editorial",
        value,
        ("kind",),
        _credited,
        provider="spotify" if provider_id else "",
        provider_id=provider_id,
    )


def beatify(value: dict[str, Any], reading: Reading) -> Playlist:
    return _playlist(
        "beatify", value, ("tags", "language", "file"), _titled, source_version=value.get("version")
    )


def _playlist(
    source: str,
    value: dict[str, Any],
    about: tuple[str, ...],
    track: Any,
    provider: str = "",
    provider_id: str = "",
    **metadata: Any,
) -> Playlist:
    known = {"name", "description", "tracks", "source", "n", "version", "playlist_id", *about}
    listed = value.get("tracks")
    content = {
        "name": value.get("name"),
        "description": value.get("description"),
        "metadata": without_empty(
            {
                "source": source,
                **metadata,
                **{key: value.get(key) for key in about},
                **{key: item for key, item in value.items() if key not in known},
            }
        ),
        "tracks": (
            [track(item) if isinstance(item, dict) else item for item in listed]
            if isinstance(listed, list)
            else listed
        ),
    }
    return Playlist(without_empty(content), None, provider, provider_id)


def _titled(value: Mapping[str, Any]) -> dict[str, Any]:
    """A track with `title`, perhaps a `year`, and URIs of providers."""
    track = {key: item for key, item in value.items() if key != "title"}
    track["track"] = value.get("title")
    uris = [track.pop(key) for key in list(track) if key.startswith("uri_")]
    if text(uri := track.get("uri")):
        uris.insert(0, uri)
    track["provider_ids"] = provider_ids([uri for uri in uris if isinstance(uri, str)])
    year = track.get("year")
    if isinstance(year, str) and year.isascii() and year.isdigit() and len(year) <= 4:
        track["year"] = int(year)
    return _seconds(track)


def _credited(value: Mapping[str, Any]) -> dict[str, Any]:
    """A track with a list of artists, kept where it says more than the artist's text."""
    track = {key: item for key, item in value.items() if key not in ("title", "spotify_id")}
    track["track"] = value.get("title")
    artists = track.get("artists")
    track["artist"] = track.get("artist") or artists
    if not (isinstance(artists, list) and len(artists) > 1):
        track.pop("artists", None)
    if identifier := text(value.get("spotify_id")):
        track["uri"] = f"spotify:track:{identifier}"
        track["provider_ids"] = provider_ids([track["uri"]])
    return _seconds(track)


def _line(value: Mapping[str, Any]) -> dict[str, Any]:
    """A track that is a line. Without a separator it is all title, or an artist's name."""
    track = {key: item for key, item in value.items() if key != "line"}
    line = (text(value.get("line")) or "").strip()
    uri = track.get("uri")
    if isinstance(uri, str):
        # Some have the line once more behind a tab.
        uri = track["uri"] = uri.split("\t")[0].strip()
        track["provider_ids"] = provider_ids([uri])
        if uri.startswith("spotify:artist:"):
            return without_empty({**track, "artist": line})
    artist, separator, title = line.partition(_SEPARATOR)
    if separator and artist.strip():
        track |= {"artist": artist.strip(), "track": title.strip()}
    else:
        track["track"] = line
    return without_empty(track)


def _seconds(track: dict[str, Any]) -> dict[str, Any]:
    seconds = track.pop("duration_s", None)
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool):
        seconds = seconds * 1000
    track["duration_ms"] = seconds
    return without_empty(track)
