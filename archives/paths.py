"""The paths by which archives are found.

A line here makes the parameter of the API, the index, the row of the table in docs/archives.md, the
measurement and the test of the plan. After adding one run `manage.py makemigrations archives`: the
migration that writes builds the index partition by partition while others read and write.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from archives.filters import (
    Asked,
    Choice,
    Contains,
    Element,
    Identifier,
    JSONPath,
    Path,
    Range,
    Text,
    Track,
    indexes_of,
    words_of,
)
from archives.layout import Column

ARTIST = Text(
    "artist",
    "that artist anywhere in the tracks",
    "beyonce",
    at="$.tracks[*].artist",
    words="words",
)
TRACK = Track(
    "track", "a track of that title, by `artist` if given", "halo", by="artist", words="words"
)
ALBUM = Text(
    "album", "a track of that album", "moon safari", at="$.tracks[*].album", words="words"
)  # fmt: skip
MOOD = Text("mood", "that mood", "calm", at="$.metadata.mood", words="words")
TAGS = Text(
    "tags", "all of these tags", "calm,sleep", "strings", at="$.metadata.tags[*]", words="words"
)  # fmt: skip

PATHS: tuple[Path, ...] = (
    ARTIST,
    TRACK,
    ALBUM,
    MOOD,
    TAGS,
    Text(
        "tags_any", "one of these tags", "calm,sleep", "strings",
        at="$.metadata.tags[*]", any=True, words="words",
    ),
    Choice("provider", "that provider", "spotify"),
    Identifier("provider_id", "that id at their provider", "37i9dQZF1DX0XUsuxWHRQd"),
    Choice("status", "that status", "published"),
    Range(
        "tracks", "a number of tracks", "10",
        column="track_count", least="min_tracks", most="max_tracks",
    ),
    Range(
        "duration", "a total duration in ms", "3600000",
        column="total_duration_ms", least="min_duration_ms", most="max_duration_ms",
        greatest=2**63 - 1,
    ),
    Range(
        "created", "a time of creation", "2026-03-01", "time",
        column="created", least="created_after", most="created_before",
        fields=("created", "id"),
    ),
    Element(
        "catalogue_track", "a track matched to that one of the catalogue",
        "8f9b9c62-3c0f-4b5e-9a51-0f6f8f0e8d2a", column="catalogue_tracks",
    ),
    Contains(
        "contains", "this JSON in their content", '{"metadata": {"source_version": 3}}',
        texts=(ARTIST, TRACK, ALBUM, MOOD, TAGS),
    ),
    JSONPath("path", "content that this jsonpath is true of; for staff", "$.metadata.year > 1999"),
)  # fmt: skip

WORDS = words_of(PATHS)
INDEXES = indexes_of(PATHS, WORDS)


def ask(asked: Mapping[str, Any], columns: Mapping[str, Column]) -> Asked:
    """What archives have to meet, and how they are found, given how common the values of columns
    are.

    Raise ValidationError, by parameter.
    """
    parameters = {parameter.name: parameter for path in PATHS for parameter in path.parameters}
    errors: dict[str, ValidationError] = {}
    values: dict[str, Any] = {}
    for name, value in asked.items():
        try:
            if name not in parameters:
                raise ValidationError("There is no such parameter.", "unknown")
            values[name] = parameters[name].clean(value)
        except ValidationError as error:
            errors[name] = error
    if errors:
        raise ValidationError(errors)
    wanted = [path for path in PATHS if any(p.name in values for p in path.parameters)]
    result = Asked(values, WORDS, columns, leading=wanted[0])
    result.leading = max(wanted, key=lambda path: (path.leads, -path.share(result)))
    for path in wanted:
        path.ask(result)
    return result
