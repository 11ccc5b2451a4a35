"""The kinds of indexed paths: how each reads its parameters, what it filters by, its index.

A path knows nothing of HTTP. A parameter's value may be text, as an address has it, or what it
stands for: a number, a time, a list of strings, an object.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.fields.array import ArrayContains, ArrayOverlap
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.db.models import F, Func, Index, Q, TextField, Value
from django.utils.dateparse import parse_date, parse_datetime

from archives.content import parse_content
from vibomat.accounts.validators import validate_text

MAX_LENGTH = 1000
MAX_STRINGS = 20
MAX_JSON_LENGTH = 10_000
MAX_NUMBER = 2**63 - 1

Condition = Any
Type = Literal["string", "strings", "integer", "time", "json", "jsonpath"]


@dataclass(frozen=True)
class Parameter:
    """What a filter is asked by. `strings` may be a list, or one text with commas in between."""

    name: str
    type: Type
    help: str

    def clean(self, value: Any) -> Any:
        """The value as its type. Raise ValidationError."""
        return CLEAN[self.type](value)


def clean_string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValidationError("Enter text.", "not_text")
    validate_text(value)
    if not value or value.isspace():
        raise ValidationError("This may not be blank.", "blank")
    if len(value) > MAX_LENGTH:
        raise ValidationError(f"At most {MAX_LENGTH:,} characters are allowed.", "too_long")
    return value


def clean_strings(value: Any) -> list[str]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValidationError("Enter a list of texts.", "not_a_list")
    strings: list[str] = []
    for item in items:
        if not isinstance(item, str):
            raise ValidationError("Enter a list of texts.", "not_a_list")
        strings += [part for part in item.split(",") if part and not part.isspace()]
        if len(strings) > MAX_STRINGS:
            raise ValidationError(f"At most {MAX_STRINGS} are allowed.", "too_many")
    if not strings:
        raise ValidationError("This may not be blank.", "blank")
    return [clean_string(string) for string in strings]


def clean_integer(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.strip().isdigit() and len(value) < 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_NUMBER:
        raise ValidationError("Enter a whole number that is not negative.", "not_a_number")
    return value


def clean_time(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            day = parse_date(value)
            value = (
                datetime(day.year, day.month, day.day, tzinfo=UTC)
                if day
                else parse_datetime(value.replace(" ", "+"))
            )
        except ValueError:
            value = None
    if not isinstance(value, datetime):
        raise ValidationError(
            "Enter a date or time, such as 2026-03-01 or 2026-03-01T12:00:00Z.", "not_a_time"
        )
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def clean_json(value: Any) -> dict[str, Any]:

    if isinstance(value, str):
        if len(value) > MAX_JSON_LENGTH:
            raise ValidationError(
                f"At most {MAX_JSON_LENGTH:,} characters are allowed.", "too_long"
            )
        value = parse_content(value)
    if not isinstance(value, dict):
        raise ValidationError("Enter a JSON object.", "not_an_object")
    from archives.content import _unstorable

    errors = list(_unstorable(value))
    if errors:
        raise ValidationError([str(error) for error in errors], "not_json")
    return value


CLEAN: dict[Type, Callable[[Any], Any]] = {
    "string": clean_string,
    "strings": clean_strings,
    "integer": clean_integer,
    "time": clean_time,
    "json": clean_json,
    "jsonpath": clean_string,
}


@dataclass(frozen=True)
class Path:
    name: str
    help: str
    type: Type = "string"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter(self.name, self.type, self.help),)

    @property
    def index(self) -> Index | None:
        raise NotImplementedError

    def condition(self, values: Mapping[str, Any]) -> Condition:
        """What a row must meet, given the cleaned values of all parameters in use."""
        raise NotImplementedError


class Literally(Func):
    """A call with a jsonpath written into the statement."""


def keys(at: str, *members: str) -> Func:
    return Func(
        F("content"),
        Value(at),
        *(Value(member) for member in members),
        function="archive_keys",
        output_field=ArrayField(TextField()),
    )


def key(value: Any) -> Func:
    return Func(value, function="archive_key", output_field=TextField())


@dataclass(frozen=True)
class Keys(Path):
    """Strings at a jsonpath of the content, whatever their case and accents."""

    at: str = ""
    any: bool = False

    @property
    def index(self) -> Index | None:
        return GinIndex(keys(self.at), name=f"archive_{self.name}", fastupdate=False)

    def condition(self, values: Mapping[str, Any]) -> Condition:
        value = values[self.name]
        wanted = value if isinstance(value, list) else [value]
        array = Func(
            *(key(Value(item)) for item in wanted),
            function="ARRAY",
            template="%(function)s[%(expressions)s]",
            output_field=ArrayField(TextField()),
        )
        return (ArrayOverlap if self.any else ArrayContains)(keys(self.at), array)


@dataclass(frozen=True)
class Column(Path):
    """A column's exact value."""

    @property
    def index(self) -> Index | None:
        return Index(self.name, "-created", "-id", name=f"archive_{self.name}")

    def condition(self, values: Mapping[str, Any]) -> Condition:
        return Q(**{self.name: values[self.name]})


@dataclass(frozen=True)
class Range(Path):
    """The bounds of a column, both included."""

    column: str = ""
    least: str = ""
    most: str = ""
    type: Type = "integer"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(self.least, self.type, f"{self.help}, at least"),
            Parameter(self.most, self.type, f"{self.help}, at most"),
        )

    @property
    def index(self) -> Index | None:
        return Index(self.column, name=f"archive_{self.name}")

    def condition(self, values: Mapping[str, Any]) -> Condition:
        bounds = {}
        if self.least in values:
            bounds[f"{self.column}__gte"] = values[self.least]
        if self.most in values:
            bounds[f"{self.column}__lte"] = values[self.most]
        return Q(**bounds)


@dataclass(frozen=True)
class Contains(Path):
    type: Type = "json"

    @property
    def index(self) -> Index | None:
        return None

    def condition(self, values: Mapping[str, Any]) -> Condition:
        return Q(content__contains=values[self.name])


@dataclass(frozen=True)
class JSONPath(Path):
    type: Type = "jsonpath"

    @property
    def index(self) -> Index | None:
        return None

    def condition(self, values: Mapping[str, Any]) -> Condition:
        from django.db.models import BooleanField

        return Func(
            F("content"),
            Value(values[self.name]),
            template="jsonb_path_match(%(expressions)s::jsonpath, '{}', true)",
            output_field=BooleanField(),
        )
