"""JSPF: XSPF in JSON, as ListenBrainz exports and imports it.

Sources: https://xspf.org/jspf, https://xspf.org/spec and, for visibility and the ids of
MusicBrainz, https://musicbrainz.org/doc/jspf. What the standard members can't hold stands in an
extension of ours, so nothing is lost, unknown keys included; of other software's files, what an
archive has no place for is kept under the key `xspf` of the track or of `metadata`.

A duration of 0 and empty texts come back from files of ours only.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from archives.formats.playlist import VISIBILITIES, Playlist, Reading
from archives.formats.providers import address, is_uri, provider_ids, recognised
from archives.formats.values import moment, text, without_empty

EXTENSION = "urn:x-vibomat:archive:1"
MUSICBRAINZ_PLAYLIST = "https://musicbrainz.org/doc/jspf#playlist"

PLAYLIST_TEXTS = {"title": "name", "annotation": "description"}
TRACK_TEXTS = {"title": "track", "creator": "artist", "album": "album"}


def playlist(value: dict[str, Any], reading: Reading) -> Playlist:
    """The playlist of a JSPF object, `{"playlist": {…}}`."""
    members = value["playlist"]
    ours = _extension(members, EXTENSION)
    content: dict[str, Any] = {}
    for member, key in PLAYLIST_TEXTS.items():
        content[key] = members.get(member)
    tracks = members.get("track")
    if tracks is None and isinstance(members.get("trackList"), list):
        tracks = members["trackList"]
    listed = tracks if isinstance(tracks, list) else []
    if tracks is not None and not isinstance(tracks, list):
        reading.skip("is no list", field="track")
    content["tracks"] = [_track(track, foreign=ours is None) for track in listed]
    identified = recognised(text(members.get("identifier")) or "", "playlist") or ("", "")
    created = moment(members.get("date"))
    if ours is None:
        left = {
            key: item
            for key, item in members.items()
            if key not in (*PLAYLIST_TEXTS, "creator", "track", "trackList")
            and not (key == "date" and created)
        }
        metadata = {"creator": text(members.get("creator")), "xspf": without_empty(left)}
        content["metadata"] = without_empty(metadata)
        return Playlist(
            without_empty(content), _musicbrainz_visibility(members), *identified, created
        )
    kept = ours.get("content")
    visibility = ours.get("visibility")
    return Playlist(
        {
            **without_empty({key: content[key] for key in content if key != "tracks"}),
            **(kept if isinstance(kept, dict) else {}),
            "tracks": content["tracks"],
        },
        visibility if visibility in VISIBILITIES else None,
        text(ours.get("provider")) or "",
        text(ours.get("provider_id")) or "",
        created,
    )


def _track(value: Any, foreign: bool) -> Any:
    if not isinstance(value, dict):
        return value
    track = {key: value.get(member) for member, key in TRACK_TEXTS.items()}
    locations = _texts(value.get("location"))
    track["uri"] = locations[0] if locations else None
    track["duration_ms"] = value.get("duration")
    if not foreign:
        return {**without_empty(track), **(_extension(value, EXTENSION) or {})}
    if track["duration_ms"] in (0, "0"):
        track["duration_ms"] = None
    identifiers = _texts(value.get("identifier"))
    track["provider_ids"] = provider_ids(identifiers + locations)
    left = {
        **{
            key: item
            for key, item in value.items()
            if key not in (*TRACK_TEXTS, "location", "identifier", "duration")
        },
        "location": locations[1:],
        "identifier": [uri for uri in identifiers if not recognised(uri, "track")],
    }
    track["xspf"] = without_empty(left)
    return without_empty(track)


def _musicbrainz_visibility(members: Mapping[str, Any]) -> str | None:
    public = (_extension(members, MUSICBRAINZ_PLAYLIST) or {}).get("public")
    if public in (True, "true"):
        return "public"
    return "private" if public in (False, "false") else None


def _extension(members: Mapping[str, Any], application: str) -> dict[str, Any] | None:
    """The first object of an extension, which MusicBrainz doesn't put in a list."""
    extensions = members.get("extension")
    found = extensions.get(application) if isinstance(extensions, dict) else None
    if isinstance(found, list):
        found = found[0] if found else None
    return found if isinstance(found, dict) else None


def _texts(value: Any) -> list[str]:
    """The texts of a list, or the one text that older drafts had in its place."""
    listed = value if isinstance(value, list) else [value]
    return [item for item in listed if isinstance(item, str) and item]


def document(one: Playlist, holds: Callable[[str], bool] = bool) -> dict[str, Any]:
    """The playlist as an object of JSPF.

    `holds` tells whether a member can hold a text; one that it can't stands in the extension.
    """
    rest = dict(one.content)
    tracks = rest.pop("tracks", None) or []
    members = _standard(rest, PLAYLIST_TEXTS, holds)
    creator = (rest.get("metadata") or {}).get("creator")
    if isinstance(creator, str) and holds(creator):
        members["creator"] = creator
    if identifier := address(one.provider, one.provider_id, "playlist"):
        members["identifier"] = identifier
    if one.created:
        members["date"] = one.created.isoformat()
    ours: dict[str, Any] = {"content": rest}
    for key in ("visibility", "provider", "provider_id"):
        if said := getattr(one, key):
            ours[key] = said
    extension: dict[str, Any] = {EXTENSION: [ours]}
    if one.visibility:
        extension[MUSICBRAINZ_PLAYLIST] = {"public": one.visibility == "public"}
    return {
        "playlist": {
            **members,
            "extension": extension,
            "track": [_track_members(track, holds) for track in tracks],
        }
    }


def _track_members(track: Mapping[str, Any], holds: Callable[[str], bool]) -> dict[str, Any]:
    rest = dict(track)
    members: dict[str, Any] = {}
    if is_uri(rest.get("uri")):
        members["location"] = [rest.pop("uri")]
    ids = rest.get("provider_ids")
    if isinstance(ids, Mapping):
        addresses = [address(provider, identifier, "track") for provider, identifier in ids.items()]
        if known := [uri for uri in addresses if uri]:
            members["identifier"] = known
    members |= _standard(rest, TRACK_TEXTS, holds)
    duration = rest.get("duration_ms")
    if isinstance(duration, int) and not isinstance(duration, bool) and duration >= 0:
        members["duration"] = rest.pop("duration_ms")
    if rest:
        members["extension"] = {EXTENSION: [rest]}
    return members


def _standard(
    rest: dict[str, Any], members: Mapping[str, str], holds: Callable[[str], bool]
) -> dict[str, Any]:
    """The texts that stand in members of the format, taken out of the rest."""
    return {
        member: rest.pop(key)
        for member, key in members.items()
        if isinstance(rest.get(key), str) and holds(rest[key])
    }


def write(one: Playlist, stream: BinaryIO) -> None:
    stream.write(json.dumps(document(one), ensure_ascii=False, indent=2).encode() + b"\n")
