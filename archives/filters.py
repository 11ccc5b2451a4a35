"""The kinds of indexed paths: what each reads, filters by, and keeps an index of.

A parameter's value may be text, as an address has it, or what it stands for: a number, a time, a
list of strings, an object.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.fields.array import ArrayContains, ArrayOverlap
from django.contrib.postgres.indexes import GinIndex, HashIndex, OpClass
from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import (
    BigIntegerField,
    BooleanField,
    F,
    Func,
    Index,
    JSONField,
    Q,
    TextField,
    UUIDField,
    Value,
)
from django.db.models.fields.json import DataContains
from django.utils.dateparse import parse_date, parse_datetime

from archives import sql
from archives.content import content_errors, parse_content
from archives.prepared import Constant, Once
from vibomat.accounts.validators import validate_text

MAX_LENGTH = 1000
MAX_STRINGS = 20
MAX_JSON_LENGTH = 10_000
MAX_NUMBER = 2**63 - 1
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)
# Of the others some raise errors that no caller can suppress, for values that differ by row.
METHODS = [
    "abs",
    "bigint",
    "boolean",
    "ceiling",
    "decimal",
    "double",
    "floor",
    "integer",
    "keyvalue",
    "number",
    "size",
    "string",
    "type",
]

Type = Literal["string", "strings", "integer", "time", "uuid", "json", "jsonpath"]
Condition = Any


@dataclass(frozen=True)
class Parameter:
    """What a path is asked by. `strings` are a list, or a text with commas in between."""

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
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ValidationError("Enter a list of texts.", "not_a_list")
    strings = [part for item in items for part in item.split(",") if part and not part.isspace()]
    if not strings:
        raise ValidationError("This may not be blank.", "blank")
    if len(strings) > MAX_STRINGS:
        raise ValidationError(f"At most {MAX_STRINGS} are allowed.", "too_many")
    return [clean_string(string) for string in strings]


def clean_integer(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_NUMBER:
        raise ValidationError("Enter a whole number that is not negative.", "not_a_number")
    return value


def clean_time(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            day = parse_date(value)
            # An address has a space where its writer forgot to write + as %2B.
            moment = parse_datetime(re.sub(r"(?<=:\d\d) (?=\d\d:?\d\d$)", "+", value))
            value = datetime(day.year, day.month, day.day) if day else moment  # noqa: DTZ001
        except ValueError:
            value = None
    if not isinstance(value, datetime):
        raise ValidationError(
            "Enter a date or a time, such as 2026-03-01 or 2026-03-01T12:00:00Z.", "not_a_time"
        )
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    if not EARLIEST <= moment <= LATEST:
        raise ValidationError("This time is too far away.", "too_far")
    return moment


def clean_uuid(value: Any) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except (TypeError, ValueError, AttributeError) as error:
        raise ValidationError("Enter a UUID.", "not_a_uuid") from error


def clean_json(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        if len(value) > MAX_JSON_LENGTH:
            raise ValidationError(
                f"At most {MAX_JSON_LENGTH:,} characters are allowed.", "too_long"
            )
        value = parse_content(value)
    if not isinstance(value, dict):
        raise ValidationError("Enter a JSON object.", "not_an_object")
    # What is contained need not be content, but PostgreSQL has to hold it.
    if errors := list(content_errors({"asked": value})):
        raise ValidationError([str(error) for error in errors], "not_json")
    return value


def clean_jsonpath(value: Any) -> str:
    """The path as PostgreSQL writes it."""
    with connection.cursor() as cursor:
        cursor.execute(sql.JSONPATH, [clean_string(value)] * 3)
        path, error = cursor.fetchone()
    if error:
        raise ValidationError(f"This is no jsonpath: {error}.", "not_a_jsonpath")
    code = re.sub(r'"(?:[^"\\]|\\.)*"', '""', path)
    if '$""' in code:
        raise ValidationError("Variables are not allowed.", "variables")
    if "**" in code:
        raise ValidationError("Name each level: ** is not allowed.", "any_depth")
    for method in re.findall(r"\.(\w+)\(", code):
        if method not in METHODS:
            raise ValidationError(f"The method {method}() is not allowed.", "method")
    return str(path)


CLEAN = {
    "string": clean_string,
    "strings": clean_strings,
    "integer": clean_integer,
    "time": clean_time,
    "uuid": clean_uuid,
    "json": clean_json,
    "jsonpath": clean_jsonpath,
}


@dataclass(frozen=True)
class Path:
    """Something that archives are found by; `help` completes "Archives with …". The `example` is
    for the documentation and for tests of the plan."""

    name: str
    help: str
    example: str = ""

    type: Type = "string"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter(self.name, self.type, self.help),)

    @property
    def index(self) -> Index | None:
        """Its index, if it has one; paths may share one."""
        return None

    def condition(self, values: Mapping[str, Any], *, alone: bool) -> Condition:
        """What rows have to meet, by the cleaned values of all parameters that are asked by;
        `alone` if no other path is."""
        raise NotImplementedError


@dataclass(frozen=True)
class Text(Path):
    """Strings at a jsonpath of the content, whatever their case, accents and punctuation.

    Of several strings asked for, an archive has all, or with `any` one. An index may be that of
    another path, by name.
    """

    at: str = ""
    any: bool = False
    index_of: str = ""

    @property
    def index(self) -> Index:
        keys = Func(F("content"), Value(self.at), function="archive_keys")
        return GinIndex(keys, name=f"archive_{self.index_of or self.name}", fastupdate=False)

    def condition(self, values: Mapping[str, Any], *, alone: bool) -> Condition:
        asked = values[self.name]
        return self.having(asked if isinstance(asked, list) else [asked])

    def having(self, strings: list[str]) -> Condition:
        field = ArrayField(BigIntegerField())
        keys = Func(F("content"), Constant(self.at), function="archive_keys", output_field=field)
        hashes = Func(
            *(
                Func(Value(string), function="archive_hash", output_field=BigIntegerField())
                for string in strings
            ),
            template="ARRAY[%(expressions)s]",
            output_field=field,
        )
        return (ArrayOverlap if self.any else ArrayContains)(keys, Once(hashes, "bigint[]"))


@dataclass(frozen=True)
class Track(Path):
    """The title of a track, and its artist if `by` is asked for too."""

    by: str = ""

    @property
    def index(self) -> Index:
        words = Func(F("content"), function="archive_tracks")
        return GinIndex(words, name=f"archive_{self.name}", fastupdate=False)

    def condition(self, values: Mapping[str, Any], *, alone: bool) -> Condition:
        return self.having(values[self.name], values.get(self.by))

    def having(self, title: str, artist: str | None) -> Condition:
        words = Func(F("content"), function="archive_tracks", output_field=SearchVectorField())
        asked = Func(
            Value(title),
            Value(artist),
            function="archive_track_query",
            output_field=SearchQueryField(),
        )
        return Matches(words, Once(asked, "tsquery"))


class Matches(Func):
    """Whether a tsvector matches a tsquery, or a content a jsonpath: the operator @@."""

    arg_joiner = " @@ "
    template = "(%(expressions)s)"
    output_field = BooleanField()


class Exists(Matches):
    arg_joiner = " @? "


@dataclass(frozen=True)
class Word(Path):
    """A column of few values, exactly."""

    @property
    def index(self) -> Index:
        # An array, as GIN keeps each value once and its rows in a byte or two each.
        return GinIndex(self._array(), name=f"archive_{self.name}", fastupdate=False)

    def _array(self, **options: Any) -> Func:
        return Func(F(self.name), template="(ARRAY[%(expressions)s])", **options)

    def condition(self, values: Mapping[str, Any], *, alone: bool) -> Condition:
        field = ArrayField(TextField())
        return ArrayContains(self._array(output_field=field), Value([values[self.name]], field))


@dataclass(frozen=True)
class Identifier(Path):
    """A column that few rows have the same value of, exactly."""

    @property
    def index(self) -> Index:
        return HashIndex(
            fields=[self.name], name=f"archive_{self.name}", condition=~Q(**{self.name: ""})
        )

    def condition(self, values: Mapping[str, Any], *, alone: bool) -> Condition:
        # Said once more, as a prepared query doesn't know that the value isn't empty.
        return Q(**{self.name: values[self.name]}) & ~Q(IsEmpty(F(self.name)))


@dataclass(frozen=True)
class Element(Path):
    """An id that a column's array of ids has."""

    column: str = ""
    type: Type = "uuid"

    @property
    def index(self) -> Index:
        return GinIndex(
            fields=[self.column],
            name=f"archive_{self.name}",
            fastupdate=False,
            condition=Q(**{f"{self.column}__isnull": False}),
        )

    def condition(self, values: Mapping[str, Any], *, alone: bool) -> Condition:
        field = ArrayField(UUIDField())
        return ArrayContains(F(self.column), Value([values[self.name]], field))


class IsEmpty(Func):
    template = "%(expressions)s = ''"
    output_field = BooleanField()


@dataclass(frozen=True)
class Range(Path):
    """Bounds of a column, both included."""

    column: str = ""
    least: str = ""
    most: str = ""
    fields: tuple[str, ...] = ()
    type: Type = "integer"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(self.least, self.type, f"{self.help}, at least this"),
            Parameter(self.most, self.type, f"{self.help}, at most this"),
        )

    @property
    def index(self) -> Index:
        return Index(fields=self.fields or [self.column], name=f"archive_{self.name}")

    def condition(self, values: Mapping[str, Any], *, alone: bool) -> Condition:
        outer = (EARLIEST, LATEST) if self.type == "time" else (0, MAX_NUMBER)
        bounds = {"gte": values.get(self.least), "lte": values.get(self.most)}
        if alone:
            # A generic plan takes a range for few rows, but one bound for a third of all.
            bounds = {
                lookup: default if bounds[lookup] is None else bounds[lookup]
                for lookup, default in zip(bounds, outer, strict=True)
            }
        return Q(
            **{
                f"{self.column}__{name}": value
                for name, value in bounds.items()
                if value is not None
            }
        )


@dataclass(frozen=True)
class Contains(Path):
    """JSON that the content contains, exactly.

    The index has all but the tracks. Of tracks, what another path has an index of is found by that.
    """

    tracks: tuple[Text | Track, ...] = ()
    type: Type = "json"

    @property
    def index(self) -> Index:
        return GinIndex(
            OpClass(Func(F("content"), template="(%(expressions)s - 'tracks')"), "jsonb_path_ops"),
            name=f"archive_{self.name}",
            fastupdate=False,
        )

    def condition(self, values: Mapping[str, Any], *, alone: bool) -> Condition:
        value = values[self.name]
        others = {name: inner for name, inner in value.items() if name != "tracks"}
        conditions = [*self._of_tracks({"tracks": value.get("tracks")})]
        if _has_value(others):
            content = Func(
                F("content"), template="(%(expressions)s - 'tracks')", output_field=JSONField()
            )
            conditions.append(DataContains(content, Value(others, JSONField())))
        if others != value or not conditions:
            conditions.append(Q(content__contains=value))
        return Q(*conditions)

    def _of_tracks(self, value: Any) -> Iterator[Condition]:
        for path in self.tracks:
            if isinstance(path, Text):
                if strings := list(strings_at(path.at, value)):
                    yield path.having(strings[:MAX_STRINGS])
            elif titles := list(strings_at("$.tracks[*].track", value)):
                yield path.having(titles[0], None)


def strings_at(path: str, value: Any) -> Iterator[str]:
    """The strings at a jsonpath that has members and [*] only."""
    found = [value]
    for step in re.findall(r"\.(\w+)|(\[\*\])", path):
        if step[0]:
            lists = [item for item in found if isinstance(item, list)]
            found += [inner for item in lists for inner in item]
            found = [item[step[0]] for item in found if isinstance(item, dict) and step[0] in item]
        else:
            found = [
                inner for item in found for inner in (item if isinstance(item, list) else [item])
            ]
    for item in found:
        if isinstance(item, str) and item and not item.isspace():
            yield item


def _has_value(value: Any) -> bool:
    """Whether there is anything but empty objects and lists."""
    if isinstance(value, dict):
        return any(map(_has_value, value.values()))
    if isinstance(value, list):
        return any(map(_has_value, value))
    return True


@dataclass(frozen=True)
class JSONPath(Path):
    """A jsonpath: a predicate that is true of the content, or what exists in it. Without index."""

    type: Type = "jsonpath"

    def condition(self, values: Mapping[str, Any], *, alone: bool) -> Condition:
        path = values[self.name]
        operator = Exists if re.match(r"(strict )?\$", path) else Matches
        return operator(F("content"), JSONPathValue(path))


class JSONPathValue(Value):
    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s::jsonpath", [self.value]


def unique_indexes(paths: "tuple[Path, ...]") -> list[Index]:
    indexes: dict[str, Index] = {}
    for path in paths:
        if path.index is not None:
            indexes.setdefault(path.index.name, path.index)
    return list(indexes.values())
