"""Vibomat's own files: an archive's content as JSON, one object a playlist.

    {"urn:x-vibomat:archive:1": {}, "name": "Late", "public": true, "tracks": [{"artist": "Air"}]}

The first key tells the format, whatever the other keys are called. The older Vibomat wrote no such
key: `{"name", "description", "public", "tracks": [{"artist", "track", "album", "version"}]}`.
Nothing is lost, unknown keys included. `visibility` is written where `public` can't tell it;
`provider`, `provider_id` and `created` (ISO 8601) are the playlist's own. Keys of the content that
are called as one of these stand in the first key's object. A file of several playlists has one a
line.
"""

import json
from collections.abc import Iterable
from typing import Any, BinaryIO

from archives.formats.jspf import EXTENSION
from archives.formats.playlist import VISIBILITIES, Playlist, Reading
from archives.formats.values import moment, text

MARK = EXTENSION
OWN_KEYS = (MARK, "public", "visibility", "provider", "provider_id", "created")


def is_marked(value: dict[str, Any]) -> bool:
    return isinstance(value.get(MARK), dict)


def playlist(value: dict[str, Any], reading: Reading) -> Playlist:
    content = {key: item for key, item in value.items() if key not in OWN_KEYS}
    if is_marked(value):
        content = {**value[MARK], **content}
    elif MARK in value:
        content[MARK] = value[MARK]
    visibility = value.get("visibility")
    if visibility not in VISIBILITIES:
        public = value.get("public")
        visibility = None if not isinstance(public, bool) else "public" if public else "private"
    created = moment(value.get("created"))
    if created is None and value.get("created") is not None:
        reading.skip("is no time", field="created")
    return Playlist(
        content,
        visibility,
        text(value.get("provider")) or "",
        text(value.get("provider_id")) or "",
        created,
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
    content = dict(one.content)
    # The mark comes first: it is found in a beginning of any length.
    own: dict[str, Any] = {MARK: {key: content.pop(key) for key in OWN_KEYS if key in content}}
    own.update({key: content.pop(key) for key in ("name", "description") if key in content})
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
