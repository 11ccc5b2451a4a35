"""The parameters of a list of archives: those of paging, and the declared paths."""

from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from archives import paths
from archives.filters import Parameter
from archives.listing import Whose
from search.query import MAX_LENGTH
from vibomat.strict import refused, validated

MAX_LIMIT = 100

TYPES: dict[str, Any] = {
    "integer": OpenApiTypes.INT64,
    "time": OpenApiTypes.DATETIME,
    "uuid": OpenApiTypes.UUID,
}


class ListParameters(serializers.Serializer[dict[str, Any]]):
    owner = serializers.ChoiceField(
        choices=["me", "public"],
        required=False,
        help_text="`me`: your own; `public`: everybody's public ones. Without it both, or the "
        "public ones if you are not logged in.",
    )
    deleted = serializers.BooleanField(
        default=False, help_text="Your own that are in the bin, instead of those in use."
    )
    q = serializers.CharField(
        required=False,
        trim_whitespace=False,
        max_length=MAX_LENGTH,
        help_text="Words of names and descriptions, and artists in the tracks, spelt as badly as "
        "need be; the best come first. Without it the newest do.",
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=20, help_text="How many archives at most."
    )
    cursor = serializers.CharField(
        required=False, max_length=1000, help_text="Where to go on: part of a page's `next`."
    )


@dataclass(frozen=True)
class Asked:
    """What a list is asked for; `paths` are the parameters of `archives.paths.PATHS`."""

    limit: int
    paths: dict[str, Any] = field(default_factory=dict)
    owner: Whose | None = None
    deleted: bool = False
    q: str | None = None
    cursor: str | None = None


def read(query: QueryDict) -> Asked:
    """Raise ValidationError for parameters that are unknown, wrong, or given twice. One that is
    empty is as good as none."""
    given = {name: values for name, values in query.lists() if any(values)}
    own = ListParameters().fields
    declared = path_parameters()
    lists = [name for name, parameter in declared.items() if parameter.type == "strings"]
    errors = refused(query, {*own, *declared}, lists)
    parameters = ListParameters(data={n: values[0] for n, values in given.items() if n in own})
    values = validated(parameters, errors)
    asked = {
        name: texts if name in lists else texts[0]
        for name, texts in given.items()
        if name in declared
    }
    return Asked(**values, paths=asked)


def path_parameters() -> dict[str, Parameter]:
    return {parameter.name: parameter for path in paths.PATHS for parameter in path.parameters}


def documented_paths() -> list[OpenApiParameter]:
    return [
        OpenApiParameter(
            name,
            {"type": "array", "items": {"type": "string"}}
            if parameter.type == "strings"
            else TYPES.get(parameter.type, OpenApiTypes.STR),
            explode=False if parameter.type == "strings" else None,
            description=parameter.help[0].upper() + parameter.help[1:] + ".",
        )
        for name, parameter in path_parameters().items()
    ]
