"""The values of an archive's content, made out of whatever a file has in their place."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from archives.content import MAX_DEPTH, MAX_DURATION_MS
from archives.formats.playlist import VISIBILITIES, Playlist, Reading

TRACK_TEXTS = ("artist", "track", "album", "version", "uri")

# Neither UTF-8 nor PostgreSQL's text holds these.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

# Stands for a track whose loss a reader has noted already, so that the others keep their places.
LEFT_OUT = object()


class TooDeep(Exception):
    """A value that is nested deeper than `MAX_DEPTH`."""


def storable(value: Any) -> tuple[Any, bool]:
    """The value with U+FFFD where its texts have a NUL or a lone surrogate, and whether they do.

    Raises `TooDeep`.
    """
    replaced = False

    def walk(value: Any, depth: int) -> Any:
        nonlocal replaced
        if isinstance(value, str):
            text, count = _UNSTORABLE.subn("\ufffd", value)
            replaced = replaced or count > 0
            return text
        if isinstance(value, (dict, list)):
            if depth == MAX_DEPTH:
                raise TooDeep
            if isinstance(value, dict):
                return {walk(key, depth): walk(item, depth + 1) for key, item in value.items()}
            return [walk(item, depth + 1) for item in value]
        return value

    return walk(value, 0), replaced


def text(value: Any) -> str | None:
    """A text, the digits of a number, or names in a list joined; None for what is none of them."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return None


def milliseconds(value: Any) -> int:
    """A duration, whether written as a number or as its digits.

    Raises `ValueError` with the reason for anything else.
    """
    if isinstance(value, str):
        value = value.strip()
        if not re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{0,15})?", value):
            raise ValueError("is no number of milliseconds")
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("is no number of milliseconds")
    if value < 0:
        raise ValueError("is negative")
    if not value <= MAX_DURATION_MS:
        raise ValueError(f"is more than {MAX_DURATION_MS:,} ms")
    return round(value)


def moment(value: Any) -> datetime | None:
    """A time as ISO 8601 writes it, in UTC unless it has a zone; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.strip())
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def says(values: Mapping[str, Any], *keys: str) -> bool:
    """Whether one of the texts has more than spaces."""
    return any((values.get(key) or "").strip() for key in keys)


def without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without the empty texts, lists and objects, and without nulls."""
    return {key: value for key, value in values.items() if value not in ("", None, [], {})}


def tidy_tracks(tracks: Iterable[Any], reading: Reading) -> list[dict[str, Any]]:
    """The tracks in their order, their known keys of the types that an archive asks for.

    What isn't a track, and a value that can't be made right, is left out and noted.
    """
    kept = []
    for index, track in enumerate(tracks):
        if track is LEFT_OUT:
            continue
        if not isinstance(track, dict):
            reading.skip("is no object", index)
            continue
        tidied = _tidy_track(track, index, reading)
        if says(tidied, "artist", "track"):
            kept.append(tidied)
        else:
            reading.skip("has neither an artist nor a title", index)
    return kept


def _tidy_track(track: Mapping[str, Any], index: int, reading: Reading) -> dict[str, Any]:
    tidied = dict(track)

    def skip(key: str, reason: str) -> None:
        reading.skip(reason, index, key)

    for key in TRACK_TEXTS:
        _tidy_text(tidied, key, skip)
    if tidied.get("artist") is None:
        tidied["artist"] = ""
    if tidied.get("duration_ms") is not None:
        duration = tidied.pop("duration_ms")
        try:
            tidied["duration_ms"] = milliseconds(duration)
        except ValueError as error:
            skip("duration_ms", str(error))
    for key, right, wrong in (
        ("provider_ids", _is_text, "is no text"),
        ("playable", _is_answer, "is neither true, false nor null"),
    ):
        _drop_unless(_is_object, tidied, key, "is no object", skip)
        if tidied.get(key) is None:
            continue
        kept = {}
        for provider, item in tidied[key].items():
            item = text(item) or item if right is _is_text else item
            if right(item):
                kept[provider] = item
            elif item is not None:
                skip(f"{key}.{provider}", wrong)
        tidied[key] = kept
    _drop_unless(_is_texts, tidied, "verified_by", "is no list of texts", skip)
    return tidied


def tidy_content(content: Mapping[str, Any], reading: Reading) -> dict[str, Any]:
    """The content whose known keys have the right types; its tracks are taken as they are."""
    tidied = dict(content)

    def skip(key: str, reason: str) -> None:
        reading.skip(reason, field=key)

    for key in ("name", "description"):
        _tidy_text(tidied, key, skip)
    _drop_unless(_is_object, tidied, "metadata", "is no object", skip)
    if tidied.get("metadata") is not None:
        metadata = tidied["metadata"] = dict(tidied["metadata"])
        _drop_unless(_is_text, metadata, "mood", "is no text", skip, "metadata.")
        _drop_unless(_is_texts, metadata, "tags", "is no list of texts", skip, "metadata.")
    _drop_unless(_is_list, tidied, "tracks", "is no list", skip)
    return tidied


def _tidy_text(values: dict[str, Any], key: str, skip: Callable[[str, str], None]) -> None:
    if key in values and (as_text := text(values[key])) is not None:
        values[key] = as_text
    _drop_unless(_is_text, values, key, "is no text", skip)


def _drop_unless(
    right: Callable[[Any], bool],
    values: dict[str, Any],
    key: str,
    reason: str,
    skip: Callable[[str, str], None],
    place: str = "",
) -> None:
    """Take out a value of the wrong type and note that; null is of any."""
    if values.get(key) is not None and not right(values[key]):
        del values[key]
        skip(place + key, reason)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_answer(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def finished(playlist: Playlist, reading: Reading) -> Playlist | None:
    """The playlist with its types made right, or None where it says nothing at all."""
    content, replaced = storable(dict(playlist.content))
    if replaced:
        reading.skip("a NUL or lone surrogate, in whose place is U+FFFD", field="content")
    content = tidy_content(content, reading)
    content["tracks"] = tidy_tracks(content.get("tracks") or [], reading)
    if not content["tracks"] and not says(content, "name", "description"):
        return None
    provider, provider_id = storable([playlist.provider, playlist.provider_id])[0]
    return replace(
        playlist,
        content=content,
        visibility=playlist.visibility if playlist.visibility in VISIBILITIES else None,
        provider=provider,
        provider_id=provider_id,
        index=reading.index,
    )
