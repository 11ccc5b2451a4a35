"""Fields and parameters that nobody knows are refused, lest a misspelt one be lost."""

from typing import Any

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
