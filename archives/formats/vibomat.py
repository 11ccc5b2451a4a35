"""Vibomat's own files: an archive's content as JSON, one object a playlist.

The older Vibomat wrote `{"name", "description", "public", "tracks": [{"artist", "track", "album",
"version"}]}`. This is the same with everything else an archive's content may hold, so nothing is
lost, unknown keys included. `visibility` is written where `public` can't tell it; `provider`,
`provider_id` and `created` (ISO 8601) are the playlist's own, so keys of the content with one of
these five names can't be held. A file of several playlists has one a line.
"""

import json
from collections.abc import Iterable
from typing import Any, BinaryIO

from archives.formats.playlist import VISIBILITIES, Playlist, Reading
from archives.formats.values import moment, text

OWN_KEYS = ("public", "visibility", "provider", "provider_id", "created")


def playlist(value: dict[str, Any], reading: Reading) -> Playlist:
    content = {key: item for key, item in value.items() if key not in OWN_KEYS}
    visibility = value.get("visibility")
    if visibility not in VISIBILITIES:
        public = value.get("public")
        visibility = None if not isinstance(public, bool) else "public" if public else "private"
    return Playlist(
        content,
        visibility,
        text(value.get("provider")) or "",
        text(value.get("provider_id")) or "",
        moment(value.get("created")),
    )


def write(playlists: Iterable[Playlist], stream: BinaryIO) -> int:
    count = 0
    first: dict[str, Any] | None = None
    for one in playlists:
        value = _object(one)
        count += 1
        if count == 1:
            first = value
            continue
        if first is not None:
            stream.write(_line(first))
            first = None
        stream.write(_line(value))
    if first is not None:
        stream.write(json.dumps(first, ensure_ascii=False, indent=2).encode() + b"\n")
    return count


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _object(one: Playlist) -> dict[str, Any]:
    content = {key: item for key, item in one.content.items() if key not in OWN_KEYS}
    # What the older files have comes first: by it the format is known.
    own: dict[str, Any] = {
        key: content.pop(key) for key in ("name", "description") if key in content
    }
    if one.visibility is not None:
        own["public"] = one.visibility == "public"
        if one.visibility == "unlisted":
            own["visibility"] = one.visibility
    if one.provider:
        own["provider"] = one.provider
    if one.provider_id:
        own["provider_id"] = one.provider_id
    if one.created:
        own["created"] = one.created.isoformat()
    return {**own, "tracks": content.pop("tracks"), **content}
