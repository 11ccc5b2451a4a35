"""Values as requests have them, checked before anything asks the database."""

import re
import unicodedata
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from archives.content import parse_content
from archives.filters import clean_time
from embeddings.metadata import MAX_BYTES, validate_metadata
from embeddings.models import MOST_CHARACTERS
from embeddings.vectors import MOST_DIMENSIONS, as_unit

# Tags as BCP 47 has them: en, pt-BR, zh-Hant-TW.
validate_language = RegexValidator(
    re.compile(r"\A[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*\Z"),
    "Enter a language tag such as en or pt-BR.",
)


class Words(serializers.CharField):
    """A string that somebody typed, as it was typed."""

    default_error_messages = {
        "controls": "Control characters other than tabs and line breaks are not allowed."
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, max_length=MOST_CHARACTERS, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        # The field's own validators say it of NUL.
        if any(unicodedata.category(c) == "Cc" and c not in "\0\t\n\r" for c in data):
            self.fail("controls")
        if not data.strip():
            self.fail("blank")
        return data


class Language(serializers.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=35, validators=[validate_language], **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field(OpenApiTypes.DATETIME)
class Time(serializers.Field[Any, Any, Any, Any]):
    """A date or a time; UTC where it does not say."""

    def to_internal_value(self, data: Any) -> Any:
        return _checked(clean_time, data)


@extend_schema_field({"type": "object", "additionalProperties": True})
class Metadata(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> Any:
        _checked(validate_metadata, data)
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(OpenApiTypes.STR)
class MetadataText(Metadata):
    """The same in an address."""

    def to_internal_value(self, data: Any) -> Any:
        if len(data) > MAX_BYTES:
            raise serializers.ValidationError(f"At most {MAX_BYTES:,} characters are allowed.")
        return super().to_internal_value(_checked(parse_content, data))


@extend_schema_field(
    {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": MOST_DIMENSIONS}
)
class Vector(serializers.Field[Any, Any, Any, Any]):
    """Numbers of which at least one isn't zero; whether they are as many as the model wants is
    known only later."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, list) or not data:
            raise serializers.ValidationError("A vector is a list of numbers.")
        if len(data) > MOST_DIMENSIONS:
            raise serializers.ValidationError(
                f"A vector has at most {MOST_DIMENSIONS:,} dimensions, this one {len(data):,}."
            )
        return _checked(lambda vector: as_unit(vector, len(vector)), data)


def _checked(check: Any, data: Any) -> Any:
    try:
        return check(data)
    except ValidationError as error:
        raise serializers.ValidationError(error.messages) from error
