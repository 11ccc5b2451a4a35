"""Archives' tracks matched to the catalogue, and what was found kept with them."""

from typing import Any

from archives import editing
from archives.models import Archive
from search.resolve import Entry, Resolution, resolve

# What is longer is no name of anything.
MAX_TEXT = 1000


def resolve_tracks(archive: Archive) -> list[Resolution]:
    """What each track of the archive means in the catalogue, in their order.

    It is kept in the archive's `catalogue_tracks` and `resolution` until its tracks change, and is
    no edit: neither `revision` nor `updated` change. Raise `archives.editing.StaleRevision`, and
    keep nothing, if the archive was changed since it was read.
    """
    entries = [entry_of(track) for track in tracks_of(archive.content)]
    # The same track is looked for once.
    distinct = list(dict.fromkeys(entries))
    found = dict(zip(distinct, resolve(distinct), strict=True))
    resolutions = [found[entry] for entry in entries]
    editing.change(
        archive,
        catalogue_tracks=[each.track.id if each.track else None for each in resolutions],
        resolution=[
            {"confidence": round(each.confidence, 4), "grade": each.grade} for each in resolutions
        ],
    )
    return resolutions


def tracks_of(content: Any) -> list[Any]:
    """The tracks; older content may have anything in their place."""
    tracks = content.get("tracks")
    return tracks if isinstance(tracks, list) else []


def entry_of(track: Any) -> Entry:
    """A track as the catalogue is asked for it; what is no track means none."""
    known = track if isinstance(track, dict) else {}
    duration = known.get("duration_ms")
    return Entry(
        _text(known.get("artist")),
        _text(known.get("track")),
        _text(known.get("album")),
        duration if isinstance(duration, int) and not isinstance(duration, bool) else None,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= MAX_TEXT else ""
