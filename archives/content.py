"""What an archive's content may be, whoever gives it.

    {"name": "Late", "description": "…",
     "tracks": [{"artist": "Air", "track": "Sexy Boy", "album": "Moon Safari", "version": "Live",
                 "duration_ms": 298000, "uri": "spotify:track:…",
                 "provider_ids": {"spotify": "…"}, "playable": {"spotify": true, "youtube": null},
                 "verified_by": ["musicbrainz"]}],
     "metadata": {"mood": "calm", "tags": ["night"], "source_version": 3, …}}

Every key may be absent, except a track's `artist`, which may be empty if it has a `track`; null
means unknown. Further keys are kept as they are, at any place.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError

MAX_TRACKS = 10_000
MAX_TAGS = 1_000
MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32
MAX_DURATION_MS = 2**32 - 1
MAX_ERRORS = 20
# The first number of more digits than Python reads and writes; a power takes long to make.
TOO_MANY_DIGITS = 10**4300


class Wrong(NamedTuple):
    """An error of a content, and the path it is at; the content's own has none."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


Check = Callable[[Any, str], Iterator[Wrong]]


def validate_content(content: Any) -> None:
    """Raise ValidationError unless the content is valid; each of its messages begins with a path,
    such as `tracks[12].duration_ms`. Only the first `MAX_ERRORS` are told. Nothing is changed.
    """
    errors = _first_errors(content)
    if errors:
        raise ValidationError([str(error) for error in errors], "invalid_content")


def errors_by_field(content: Any, field: str = "content") -> dict[str, list[str]]:
    """What `validate_content` says, by the path at which it is wrong, below the field's name:
    `{"content.tracks[12].duration_ms": ["Enter …"]}`."""

    def name(path: str) -> str:
        if not path or path == "content":
            return field
        return f"{field}{path}" if path.startswith("[") else f"{field}.{path}"

    found: dict[str, list[str]] = {}
    for path, message in _first_errors(content):
        found.setdefault(name(path), []).append(message)
    return found


def _first_errors(content: Any) -> list[Wrong]:
    errors = list(islice(content_errors(content), MAX_ERRORS + 1))
    if len(errors) > MAX_ERRORS:
        errors[MAX_ERRORS:] = [Wrong("", "There are more errors.")]
    return errors


def parse_content(text: str | bytes, *, constants: bool = False) -> Any:
    """The content of a JSON text, unvalidated. Raise ValidationError for what is no JSON, or would
    lose something by being read: a key that stands twice in one object. `constants`: read NaN and
    infinities too."""
    refuse = None if constants else _refuse_constant
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=refuse)
    except RecursionError as error:
        raise ValidationError(_too_deep(), "too_deep") from error
    except ValueError as error:
        # Python's own message speaks to programmers.
        too_long = str(error).startswith("Exceeds the limit")
        reason = "a number has too many digits" if too_long else error
        raise ValidationError(f"This is not valid JSON: {reason}", "not_json") from error


def content_errors(content: Any) -> Iterator[Wrong]:
    """Every error of the content. What JSON or PostgreSQL can't hold comes alone."""
    if not isinstance(content, dict):
        yield Wrong("", "Enter a JSON object.")
        return
    unstorable = list(islice(_unstorable(content), MAX_ERRORS + 1))
    yield from unstorable
    if not unstorable:
        yield from _fields(content, "", CONTENT)


def _unstorable(content: dict[Any, Any]) -> Iterator[Wrong]:
    if _deeper_than(MAX_DEPTH, content):
        yield Wrong("", _too_deep())
        return
    # C code does what is quick, and nothing is looked at one by one unless something is wrong.
    try:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
        faithful = json.loads(text) == content
    except (TypeError, ValueError):
        found = list(_wrong_values(content, ""))
        yield from found or [Wrong("", "This is no JSON.")]
        return
    if size > MAX_BYTES:
        text = f"The content has {size:,} bytes as JSON; at most {MAX_BYTES:,} are allowed."
        yield Wrong("", text)
    elif not faithful or r"\u0000" in text:
        yield from _wrong_values(content, "")


def _deeper_than(depth: int, content: Any) -> bool:
    level = [content]
    for _ in range(depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list | tuple)
        ]
        if not level:
            return False
    return True


def _wrong_values(value: Any, path: str) -> Iterator[Wrong]:
    """What is in the value that JSON or PostgreSQL can't hold; `value` is not too deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(key, str):
                yield from _wrong_text(key, path or "content", f"its key {_shown(key)}: ")
                yield from _wrong_values(inner, _join(path, key))
            else:
                yield Wrong(path or "content", f"The key {_shown(key)} is no string.")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _wrong_values(inner, f"{path}[{index}]")
    elif isinstance(value, str):
        yield from _wrong_text(value, path)
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            yield Wrong(path, f"{value} is no JSON number.")
    elif isinstance(value, int):
        if not isinstance(value, bool) and abs(value) >= TOO_MANY_DIGITS:
            yield Wrong(path, "A number has too many digits.")
    elif value is not None:
        yield Wrong(path, f"{type(value).__name__} is no type of JSON.")


def _wrong_text(text: str, path: str, what: str = "") -> Iterator[Wrong]:
    if "\0" in text:
        yield Wrong(path, f"{what}Null characters are not allowed.")
    try:
        text.encode()
    except UnicodeEncodeError:
        yield Wrong(path, f"{what}Lone surrogates are not allowed.")


def _string(value: Any, path: str) -> Iterator[Wrong]:
    if not isinstance(value, str):
        yield Wrong(path, f"Enter a string, not {_shown(value)}.")


def _duration(value: Any, path: str) -> Iterator[Wrong]:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        yield Wrong(path, f"Enter a whole number of milliseconds, not {_shown(value)}.")
    elif value > MAX_DURATION_MS:
        yield Wrong(path, f"At most {MAX_DURATION_MS:,} ms are allowed.")


def _strings(value: Any, path: str) -> Iterator[Wrong]:
    if not isinstance(value, list):
        yield Wrong(path, f"Enter a list of strings, not {_shown(value)}.")
        return
    for index, item in enumerate(value):
        yield from _string(item, f"{path}[{index}]")


def _tags(value: Any, path: str) -> Iterator[Wrong]:
    if isinstance(value, list) and len(value) > MAX_TAGS:
        yield Wrong(path, f"There are {len(value):,} tags; at most {MAX_TAGS:,} are allowed.")
    else:
        yield from _strings(value, path)


def _provider_ids(value: Any, path: str) -> Iterator[Wrong]:
    if not isinstance(value, dict):
        yield Wrong(path, f"Enter an object of ids by provider, not {_shown(value)}.")
        return
    for provider, item in value.items():
        yield from _string(item, _join(path, provider))


def _playable(value: Any, path: str) -> Iterator[Wrong]:
    if not isinstance(value, dict):
        yield Wrong(
            path, f"Enter an object of true, false or null by provider, not {_shown(value)}."
        )
        return
    for provider, item in value.items():
        if item is not None and not isinstance(item, bool):
            yield Wrong(_join(path, provider), f"Enter true, false or null, not {_shown(item)}.")


def _metadata(value: Any, path: str) -> Iterator[Wrong]:
    if isinstance(value, dict):
        yield from _fields(value, path, METADATA)
    else:
        yield Wrong(path, f"Enter an object, not {_shown(value)}.")


def _tracks(value: Any, path: str) -> Iterator[Wrong]:
    if not isinstance(value, list):
        yield Wrong(path, f"Enter a list of tracks, not {_shown(value)}.")
        return
    if len(value) > MAX_TRACKS:
        yield Wrong(path, f"There are {len(value):,} tracks; at most {MAX_TRACKS:,} are allowed.")
        return
    for index, track in enumerate(value):
        if not isinstance(track, dict):
            yield Wrong(f"{path}[{index}]", f"Enter an object, not {_shown(track)}.")
            continue
        artist = track.get("artist")
        if not isinstance(artist, str):
            instead = f"a string, not {_shown(artist)}" if "artist" in track else "the artist"
            yield Wrong(f"{path}[{index}].artist", f"Enter {instead}.")
        elif not artist or artist.isspace():
            title = track.get("track")
            if not isinstance(title, str) or not title.strip():
                yield Wrong(
                    f"{path}[{index}].artist", "This may be blank only if there is a track."
                )
        yield from _fields(track, f"{path}[{index}]", TRACK)


def _fields(value: dict[str, Any], path: str, checks: dict[str, Check]) -> Iterator[Wrong]:
    for name, item in value.items():
        check = checks.get(name)
        # Most values are right, and most of them strings.
        if (
            check is not None
            and item is not None
            and (check is not _string or type(item) is not str)
        ):
            yield from check(item, _join(path, name))


CONTENT: dict[str, Check] = {
    "name": _string,
    "description": _string,
    "tracks": _tracks,
    "metadata": _metadata,
}
TRACK: dict[str, Check] = {
    "track": _string,
    "album": _string,
    "version": _string,
    "uri": _string,
    "duration_ms": _duration,
    "provider_ids": _provider_ids,
    "playable": _playable,
    "verified_by": _strings,
}
METADATA: dict[str, Check] = {"mood": _string, "tags": _tags}


def _join(path: str, name: str) -> str:
    """The path of a member; names that are no word are quoted."""
    if name.isidentifier():
        return f"{path}.{name}" if path else name
    return f"{path}[{_shown(name)}]"


def _shown(value: Any) -> str:
    """The value as JSON, cut to what fits a message."""
    try:
        text = json.dumps(value, default=str)
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= 40 else f"{text[:39]}…"


def _too_deep() -> str:
    return f"The content is nested more than {MAX_DEPTH} levels deep."


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        count = Counter(key for key, _ in pairs)
        twice = next(key for key in found if count[key] > 1)
        raise ValueError(f"the key {_shown(twice)} stands twice in one object")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
