"""Fields and parameters that nobody knows are refused, lest a misspelt one be lost."""

from collections.abc import Collection
from typing import Any

from django.http import QueryDict
from rest_framework import serializers


class Strict(serializers.Serializer[Any]):
    """Refuses unknown fields of a body."""

    def to_internal_value(self, data: Any) -> Any:
        errors: dict[str, Any] = {}
        if isinstance(data, dict):
            errors = {
                str(name): ["There is no such field."] for name in data if name not in self.fields
            }
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors |= error.detail if isinstance(error.detail, dict) else {}
        if errors:
            raise serializers.ValidationError(errors)
        return values


def refused(
    query: QueryDict, known: Collection[str], lists: Collection[str] = ()
) -> dict[str, list[str]]:
    """Messages for parameters that are unknown, unless they are empty, or given twice without being
    lists."""
    errors = {}
    for name, values in query.lists():
        if name not in known:
            if any(values):
                errors[name] = ["There is no such parameter."]
        elif len(values) > 1 and name not in lists:
            errors[name] = ["Give this parameter once."]
    return errors


def validated(
    parameters: serializers.Serializer[Any], errors: dict[str, list[str]]
) -> dict[str, Any]:
    """Raise ValidationError for what the serializer refuses, and for `errors`."""
    if not parameters.is_valid():
        errors = parameters.errors | errors
    if errors:
        raise serializers.ValidationError(errors)
    values: dict[str, Any] = parameters.validated_data
    return values
