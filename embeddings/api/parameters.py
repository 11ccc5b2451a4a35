"""The parameters of addresses."""

from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from embeddings.api.fields import MetadataText
from embeddings.api.filters import Filters
from embeddings.search import MODES
from vibomat.strict import refused, validated

MAX_LIMIT = 100


class Parameters(Filters):
    metadata = MetadataText(
        required=False, help_text='A JSON object that their metadata contains: `{"mood":"calm"}`.'
    )


class ListParameters(Parameters):
    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=20, help_text="How many at most."
    )
    cursor = serializers.CharField(
        required=False, max_length=1000, help_text="Where to go on: part of a page's `next`."
    )


class SimilarParameters(Parameters):
    k = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=10, help_text="How many at most."
    )
    mode = serializers.ChoiceField(choices=MODES, default="vector")


def read(kind: type[serializers.Serializer[dict[str, Any]]], query: QueryDict) -> dict[str, Any]:
    """Raise ValidationError for parameters that are unknown, wrong, or given twice. One that is
    empty is as good as none."""
    parameters = kind(data={name: values[0] for name, values in query.lists() if any(values)})
    return validated(parameters, refused(query, parameters.fields))
