"""The paths by which archives are found.

A line here makes the parameter of the API, the index, the row of the table in docs/archives.md, the
measurement and the test of the plan. After adding one run `manage.py makemigrations archives`: the
migration that writes builds the index partition by partition while others read and write.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from archives.filters import (
    Contains,
    Element,
    Identifier,
    JSONPath,
    Path,
    Range,
    Text,
    Track,
    Word,
    unique_indexes,
)

ARTIST = Text("artist", "an artist anywhere in the tracks", "beyonce", at="$.tracks[*].artist")
TRACK = Track("track", "a track of that title, by `artist` if given", "halo", by="artist")
ALBUM = Text("album", "a track of that album", "moon safari", at="$.tracks[*].album")

PATHS: tuple[Path, ...] = (
    ARTIST,
    TRACK,
    ALBUM,
    Text("mood", "that mood", "calm", at="$.metadata.mood"),
    Text("tags", "all of these tags", "calm,sleep", "strings", at="$.metadata.tags[*]"),
    Text(
        "tags_any", "one of these tags", "calm,sleep", "strings", at="$.metadata.tags[*]",
        any=True, index_of="tags",
    ),
    Word("provider", "that provider", "spotify"),
    Identifier("provider_id", "that id at their provider", "37i9dQZF1DX0XUsuxWHRQd"),
    Word("status", "that status", "published"),
    Range(
        "tracks", "a number of tracks", "10",
        column="track_count", least="min_tracks", most="max_tracks",
    ),
    Range(
        "duration", "a total duration in ms", "3600000",
        column="total_duration_ms", least="min_duration_ms", most="max_duration_ms",
    ),
    Range(
        "created", "a time of creation", "2026-03-01", "time",
        column="created", least="created_after", most="created_before",
        fields=("-created", "-id"),
    ),
    Element(
        "catalogue_track", "a track matched to that one of the catalogue",
        "8f9b9c62-3c0f-4b5e-9a51-0f6f8f0e8d2a", column="catalogue_tracks",
    ),
    Contains(
        "contains", "this JSON in their content", '{"metadata": {"source_version": 3}}',
        tracks=(ARTIST, TRACK, ALBUM),
    ),
    JSONPath("path", "content that this jsonpath is true of; for staff", "$.metadata.year > 1999"),
)  # fmt: skip

INDEXES = unique_indexes(PATHS)


def conditions(asked: Mapping[str, Any]) -> list[Any]:
    """What archives have to meet. Raise ValidationError, by parameter."""
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
    return [path.condition(values, alone=len(wanted) == 1) for path in wanted]
