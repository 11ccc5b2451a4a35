"""What an interaction's metadata may be, and the field that validates it."""

import json
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from vibomat.accounts.validators import validate_text

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32


class MetadataField(models.JSONField):
    """An interaction's metadata. Migrations see a `JSONField`."""

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        # Not JSONField's own: it fails on what is nested too deep, and lets NaN pass.
        validate_metadata(value)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


def validate_metadata(value: Any) -> None:
    """Raise ValidationError unless it is a JSON object that `jsonb` can hold and gives back."""
    if not isinstance(value, dict):
        raise ValidationError("Enter a JSON object.", "not_an_object")
    _validate(value, MAX_DEPTH)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
        faithful = json.loads(text) == value
    except (TypeError, ValueError) as error:
        raise ValidationError(f"This is no JSON: {error}.", "not_json") from error
    if size > MAX_BYTES:
        raise ValidationError(
            f"It has {size:,} bytes as JSON; at most {MAX_BYTES:,} are allowed.", "too_large"
        )
    if not faithful:
        raise ValidationError("The keys of a JSON object are strings.", "not_json")


def _validate(value: Any, depth: int) -> None:
    """`json.dumps` writes NUL as an escape, which only `jsonb` refuses."""
    if isinstance(value, str):
        validate_text(value)
    elif isinstance(value, dict | list):
        if not depth:
            raise ValidationError(f"It is nested more than {MAX_DEPTH} levels deep.", "too_deep")
        for inner in [*value, *value.values()] if isinstance(value, dict) else value:
            _validate(inner, depth - 1)
