"""A primary key that carries its time of creation, and JSON that is validated as content."""

import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import models

from archives.content import validate_content


def uuid7(moment: datetime | None = None) -> uuid.UUID:
    """A UUID of version 7 (RFC 9562) for now, or for a moment since 1970: 48 bits of milliseconds,
    12 bits of their fraction.

    PostgreSQL's `uuidv7()` is built alike, so ids from both sort by time to the microsecond.
    """
    now = time.time_ns() if moment is None else int(moment.timestamp() * 1_000_000) * 1_000
    milliseconds, nanoseconds = divmod(now, 1_000_000)
    fraction = (nanoseconds << 12) // 1_000_000
    random = uuid.uuid4().int & ((1 << 62) - 1)
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 0b10 << 62 | random)


class UUID7Field(models.UUIDField):  # type: ignore[type-arg]
    """A UUID of version 7, made when the instance is, or by the database for other writers.

    Migrations see a `UUIDField` with the database's default.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["default"] = uuid7
        kwargs["db_default"] = models.Func(function="uuidv7", output_field=models.UUIDField())
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        del kwargs["default"]
        return name, "django.db.models.UUIDField", args, kwargs


class ContentField(models.JSONField):
    """An archive's content; see `archives.content`. Migrations see a `JSONField`."""

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        # Not JSONField's own: it fails on what is nested too deep, and lets NaN pass.
        validate_content(value)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs
