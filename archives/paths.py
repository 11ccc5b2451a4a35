"""The paths by which archives are found: one line each makes the index, the filter of the API, the
row of docs/archives.md and the test of the plan.

A new line wants `manage.py makemigrations archives`: the migration builds its index in every
partition without keeping writers out.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from archives.filters import Column, Contains, JSONPath, Keys, Path, Range

PATHS: tuple[Path, ...] = (
    Keys("artist", "an artist anywhere in the tracks", at="$.tracks[*].artist"),
    Keys("track", "the title of a track, by that artist if there is one", at="$.tracks[*].track"),
    Keys("album", "an album anywhere in the tracks", at="$.tracks[*].album"),
    Keys("mood", "the mood in the metadata", at="$.metadata.mood"),
    Keys("tags", "tags, each of them", at="$.metadata.tags[*]", type="strings"),
    Keys("tags_any", "tags, one of them", at="$.metadata.tags[*]", any=True, type="strings"),
    Column("provider", "the provider it came from"),
    Column("provider_id", "its id there"),
    Column("status", "its status"),
    Range(
        "tracks", "the number of tracks", column="track_count", least="min_tracks",
        most="max_tracks",
    ),
    Range(
        "duration", "the total duration in ms", column="total_duration_ms", least="min_duration_ms",
        most="max_duration_ms",
    ),
    Range(
        "created", "the time of creation", column="created", least="created_after",
        most="created_before", type="time",
    ),
    Contains("contains", "JSON that the content contains"),
    JSONPath("path", "a jsonpath predicate over the content, for staff"),
)  # fmt: skip


def conditions(asked: Mapping[str, Any]) -> list[Any]:
    """What rows must meet to answer these parameters. Raise ValidationError, by parameter."""
    parameters = {parameter.name: parameter for path in PATHS for parameter in path.parameters}
    errors: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name, value in asked.items():
        if name not in parameters:
            errors[name] = ["There is no such filter."]
            continue
        try:
            values[name] = parameters[name].clean(value)
        except ValidationError as error:
            errors[name] = error
    if errors:
        raise ValidationError(errors)
    return [
        path.condition(values)
        for path in PATHS
        if any(parameter.name in values for parameter in path.parameters)
    ]
