"""Slices of Spotify's Million Playlist Dataset: thousands of playlists in one JSON object.

Beside names and tracks they hold Spotify's URIs (`artist_uri` and `album_uri` stay on the track
under these names) and, in `metadata`, `modified_at` (seconds since 1970), `num_followers`,
`num_edits` and `collaborative`. The dataset's number of a playlist (`pid`) is its id at the
provider `mpd`; other playlists are numbered as they are written. A Spotify URI always brings its
id along in `provider_ids`.

It can't hold versions, URIs and ids of other providers, other metadata, unknown keys, visibility,
or the time of creation. Counts are not read: they are counted when written. The format is
described in the dataset's README (https://www.aicrowd.com/challenges/spotify-million-playlist-dataset-challenge).
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

from archives.formats.playlist import Playlist, Reading
from archives.formats.providers import provider_ids, spotify_uri
from archives.formats.values import text, without_empty

PROVIDER = "mpd"
TRACK_KEYS = {
    "artist_name": "artist",
    "track_name": "track",
    "album_name": "album",
    "duration_ms": "duration_ms",
    "track_uri": "uri",
    "artist_uri": "artist_uri",
    "album_uri": "album_uri",
}
COUNTED = ("pos", "num_tracks", "num_albums", "num_artists", "duration_ms")
METADATA = ("modified_at", "num_followers", "num_edits")


def playlist(value: dict[str, Any], reading: Reading) -> Playlist:
    listed = value.get("tracks")
    metadata: dict[str, Any] = {key: value.get(key) or None for key in METADATA}
    metadata["collaborative"] = value.get("collaborative") in (True, "true") or None
    known = {"name", "description", "tracks", "pid", "collaborative", *METADATA, *COUNTED}
    content = {
        **{key: item for key, item in value.items() if key not in known},
        "name": value.get("name"),
        "description": value.get("description"),
        "metadata": without_empty(metadata),
        "tracks": (
            [_track(track) if isinstance(track, dict) else track for track in listed]
            if isinstance(listed, list)
            else listed
        ),
    }
    pid = text(value.get("pid"))
    return Playlist(without_empty(content), None, PROVIDER if pid else "", pid or "")


def _track(value: Mapping[str, Any]) -> dict[str, Any]:
    track = {TRACK_KEYS.get(key, key): item for key, item in value.items() if key != "pos"}
    track["duration_ms"] = track.get("duration_ms") or None
    if isinstance(track.get("uri"), str):
        track["provider_ids"] = provider_ids([track["uri"]])
    return without_empty(track)


def write(playlists: Iterable[Playlist], stream: BinaryIO) -> int:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    count = 0
    stream.write(b'{"playlists": [')
    for one in playlists:
        stream.write(b",\n" if count else b"\n")
        stream.write(json.dumps(_object(one, count), ensure_ascii=False).encode())
        count += 1
    # The number of playlists, and so the slice's name, is known only at the end.
    info = {"generated_on": now, "slice": f"0-{max(count - 1, 0)}", "version": "v1"}
    stream.write(b'\n], "info": ' + json.dumps(info).encode() + b"}\n")
    return count


def _object(one: Playlist, number: int) -> dict[str, Any]:
    content = one.content
    tracks: list[dict[str, Any]] = [
        {
            "pos": position,
            "artist_name": _text(track, "artist"),
            "track_uri": spotify_uri(track),
            "artist_uri": _text(track, "artist_uri"),
            "track_name": _text(track, "track"),
            "album_uri": _text(track, "album_uri"),
            "duration_ms": _count(track, "duration_ms"),
            "album_name": _text(track, "album"),
        }
        for position, track in enumerate(content.get("tracks") or [])
    ]
    metadata = content.get("metadata") or {}
    is_pid = one.provider == PROVIDER and one.provider_id.isascii() and one.provider_id.isdigit()
    value = {
        "name": _text(content, "name"),
        "collaborative": "true" if metadata.get("collaborative") is True else "false",
        "pid": int(one.provider_id) if is_pid and len(one.provider_id) < 19 else number,
        "modified_at": _count(metadata, "modified_at"),
        "num_tracks": len(tracks),
        "num_albums": len({(track["artist_name"], track["album_name"]) for track in tracks}),
        "num_artists": len({track["artist_name"] for track in tracks}),
        "num_followers": _count(metadata, "num_followers"),
        "num_edits": _count(metadata, "num_edits"),
        "duration_ms": sum(track["duration_ms"] for track in tracks),
        "tracks": tracks,
    }
    if description := _text(content, "description"):
        value["description"] = description
    return value


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""


def _count(values: Mapping[str, Any], key: str) -> int:
    value = values.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
