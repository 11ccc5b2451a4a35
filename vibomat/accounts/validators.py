"""What PostgreSQL cannot store is told to the person who typed it, before a statement fails."""

import json
from typing import Any

from django.core.exceptions import ValidationError


def validate_text(value: str) -> None:
    """Raise ValidationError for NUL and lone surrogates, which text in PostgreSQL cannot hold."""
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValidationError("Null characters and lone surrogates are not allowed.", "unstorable")


def validate_list(value: Any) -> None:
    """Raise ValidationError unless the value is a list that `jsonb` can hold."""
    if not isinstance(value, list):
        raise ValidationError("Enter a JSON list.", "not_a_list")
    try:
        validate_text(json.dumps(value, ensure_ascii=False, allow_nan=False))
        _validate_strings(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValidationError("Enter a list of JSON values.", "not_json") from error


def _validate_strings(value: Any) -> None:
    """`json.dumps` writes NUL as an escape, which only `jsonb` refuses."""
    if isinstance(value, str):
        validate_text(value)
    elif isinstance(value, list):
        for item in value:
            _validate_strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _validate_strings(key)
            _validate_strings(item)
