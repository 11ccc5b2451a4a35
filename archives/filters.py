"""The kinds of indexed paths: what each reads, filters by, and keeps an index of.

A parameter's value may be text, as an address has it, or what it stands for: a number, a time, a
list of strings, an object.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, ClassVar, Literal
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.fields.array import ArrayContains  # type: ignore[attr-defined]
from django.contrib.postgres.indexes import GinIndex, HashIndex, OpClass
from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import (
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
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual
from django.utils.dateparse import parse_date, parse_datetime

from archives import sql
from archives.content import content_errors, parse_content
from archives.layout import Column
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

# The planner takes evaluating a condition for as dear where its index found the row as where not.
# So in a month of few rows it would take an index of their order, and evaluate words for all.
BITMAPS = {"enable_indexscan": "off"}
# The latest rows in their order until the page is full.
IN_ORDER: dict[str, str] = {}
# Up to these shares of the rows a column's index is read, rather than rows that have other values:
# on its own, and beside another index.
FEW, FEW_BESIDE = 0.1, 0.03

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
        raise ValidationError(f"Enter a whole number from 0 to {MAX_NUMBER}.", "not_a_number")
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
        cursor.execute(sql.JSONPATH, [clean_string(value)])
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


class Matches(Func):
    """Whether a tsvector matches a tsquery, or a content a jsonpath: the operator @@."""

    arg_joiner = " @@ "
    template = "(%(expressions)s)"
    output_field = BooleanField()


class Exists(Matches):
    arg_joiner = " @? "


class IsTrue(Func):
    """A condition, such that no index answers it."""

    template = "(%(expressions)s) IS TRUE"
    output_field = BooleanField()


class ByIndex(Func):
    """A condition that an index may answer, but for the latest rows of `archives.newest` and those
    whose ids do not tell their time: there it would give all of a common value that a partition
    has, and PostgreSQL might think it enough."""

    template = "(%(expressions)s)"
    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> Any:  # type: ignore[override]
        statement, params = super().as_sql(compiler, connection, **context)
        return statement + getattr(compiler, "of_few", ""), params


@dataclass(frozen=True)
class Words:
    """An index of the words of one or several paths, by their codes."""

    name: str
    places: dict[str, str]

    @property
    def index(self) -> Index:
        words = Func(F("content"), Value(json.dumps(self.places)), function="archive_words")
        return GinIndex(words, name=self.name, fastupdate=False)

    def code(self, at: str) -> str:
        return next(code for code, place in self.places.items() if place == at)

    def match(self, queries: list[Func]) -> Condition:
        """That the words match all of them: in one condition, which the index answers at once."""
        words = Func(
            F("content"),
            Constant(json.dumps(self.places)),
            function="archive_words",
            output_field=SearchVectorField(),
        )
        return Matches(words, Once(AllOf(*queries), "tsquery"))


CODES = "pqrstuvwxyz{|}~"


def words_of(paths: "Iterable[Path]") -> dict[str, Words]:
    """The indexes of words of these paths, by name. Codes are given in the order of the paths."""
    found: dict[str, Words] = {}
    for path in paths:
        if isinstance(path, Text | Track):
            places = found.setdefault(path.index_name, Words(path.index_name, {})).places
            if isinstance(path, Track):
                places["tracks"] = path.at
            elif path.at not in places.values():
                places[CODES[len(places.keys() - {"tracks"})]] = path.at
    return found


@dataclass
class Asked:
    """The values of the parameters asked by, and what comes of them: conditions, and what the words
    of each index have to match.

    The planner of a prepared query takes any two indexes for equally good. So a column's condition
    is one that an index answers only if few rows meet it, or if its path is the `leading` one.
    """

    values: Mapping[str, Any]
    words: Mapping[str, Words]
    columns: Mapping[str, Column]
    leading: "Path"
    times: tuple[datetime, datetime] = (EARLIEST, LATEST)
    queries: dict[str, list[Func]] = field(default_factory=dict)
    others: list[Condition] = field(default_factory=list)

    @property
    def conditions(self) -> list[Condition]:
        matches = [self.words[name].match(queries) for name, queries in self.queries.items()]
        return matches + self.others

    def want(self, index_name: str, *queries: Func) -> None:
        """Add queries that the words of an index have to match."""
        self.queries.setdefault(index_name, []).extend(queries)

    @property
    def settings(self) -> dict[str, str]:
        """Of the planner."""
        return self.leading.settings(self)

    @property
    def in_steps(self) -> bool:
        """Whether it pays to look at as few of the latest rows as possible: where some that an
        index gave are looked at in vain, or JSON is read."""
        return bool(self.queries and self.others) or isinstance(self.leading, Contains)


@dataclass(frozen=True)
class Path:
    """Something that archives are found by; `help` completes "Archives with ...". The `example` is
    for documentation and for tests of the plan."""

    name: str
    help: str
    example: str = ""
    type: Type = "string"

    # Of several paths the one whose index is most likely to leave few rows.
    leads: ClassVar[int] = 0

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter(self.name, self.type, self.help),)

    @property
    def index_name(self) -> str:
        """The name of its index, which several paths may share; none is empty."""
        return f"archive_{self.name}"

    @property
    def index(self) -> Index | None:
        """Its index, unless it is one of words."""
        return None

    def settings(self, asked: Asked) -> dict[str, str]:
        """Of the planner, when it leads."""
        return BITMAPS

    def share(self, asked: Asked) -> float:
        """The share of rows that a column's path finds; 1 where that is not known."""
        return 1.0

    def ask(self, asked: Asked) -> None:
        """Add what archives have to meet."""
        raise NotImplementedError


@dataclass(frozen=True)
class Text(Path):
    """Strings at a jsonpath of the content, whatever their case, accents and punctuation.

    Of several strings asked for, an archive has all, or with `any` one. Its index is one of its own
    unless `words` names one that it shares with paths it is often asked together with.
    """

    leads = 4

    at: str = ""
    any: bool = False
    words: str = ""

    @property
    def index_name(self) -> str:
        return f"archive_{self.words or self.name}"

    def ask(self, asked: Asked) -> None:
        value = asked.values[self.name]
        strings = value if isinstance(value, list) else [value]
        wanted = [self.wanted(string, asked) for string in strings]
        asked.want(self.index_name, *([AnyOf(*wanted)] if self.any else wanted))

    def wanted(self, string: str, asked: Asked) -> Func:
        code = asked.words[self.index_name].code(self.at)
        return Word(Value(code), Value(string))


@dataclass(frozen=True)
class Track(Path):
    """The title of a track, and its artist if `by` is asked for too."""

    leads = 4

    at: str = "$.tracks[*]"
    by: str = ""
    words: str = ""

    @property
    def index_name(self) -> str:
        return f"archive_{self.words or self.name}"

    def ask(self, asked: Asked) -> None:
        wanted = self.wanted(asked.values[self.name], asked.values.get(self.by))
        asked.want(self.index_name, wanted)

    def wanted(self, title: str, artist: str | None) -> Func:
        return Func(
            Value(title),
            Value(artist),
            function="archive_track_query",
            output_field=SearchQueryField(),
        )


class Word(Func):
    function = "archive_word_query"
    output_field = SearchQueryField()


class AnyOf(Func):
    arg_joiner = " || "
    template = "(%(expressions)s)"
    output_field = SearchQueryField()

    def __init__(self, *queries: Func) -> None:
        # A text without a key is none of those wanted.
        super().__init__(*(Func(q, template="coalesce(%(expressions)s, '')") for q in queries))


class OrAny(Func):
    """What matches a text's words; everything if it has no key."""

    # No word is as short.
    arg_joiner = ") IS NULL THEN '!x' ELSE "
    template = "CASE WHEN archive_key(%(expressions)s END"
    output_field = SearchQueryField()

    def __init__(self, text: str, query: Func) -> None:
        super().__init__(Value(text), query)


class AllOf(Func):
    arg_joiner = " && "
    template = "(%(expressions)s)"
    output_field = SearchQueryField()


@dataclass(frozen=True)
class Choice(Path):
    """A column of few values, exactly."""

    leads = 1

    @property
    def index(self) -> Index:
        # An array, as GIN keeps each value once and its rows in a byte or two each.
        return GinIndex(self._array(), name=self.index_name, fastupdate=False)

    def _array(self, **options: Any) -> Func:
        return Func(F(self.name), template="(ARRAY[%(expressions)s])", **options)

    def settings(self, asked: Asked) -> dict[str, str]:
        return BITMAPS if self.share(asked) <= FEW else IN_ORDER

    def share(self, asked: Asked) -> float:
        known = asked.columns.get(self.name)
        return known.share_of(asked.values[self.name]) if known else 1.0

    def ask(self, asked: Asked) -> None:
        value, field = asked.values[self.name], ArrayField(TextField())
        is_in = ArrayContains(self._array(output_field=field), Value([value], field))
        if asked.leading is self:
            asked.others.append(is_in if self.share(asked) <= FEW else ByIndex(is_in))
        elif self.share(asked) <= FEW_BESIDE:
            asked.others.append(ByIndex(is_in))
        else:
            asked.others.append(Q(**{self.name: value}))


@dataclass(frozen=True)
class Identifier(Path):
    """A column that few rows have the same value of, exactly."""

    leads = 3

    @property
    def index(self) -> Index:
        return HashIndex(fields=[self.name], name=self.index_name, condition=~Q(**{self.name: ""}))

    def ask(self, asked: Asked) -> None:
        # A prepared query does not know that the value is not empty: the index's condition.
        is_empty = Func(F(self.name), template="%(expressions)s = ''", output_field=BooleanField())
        asked.others.append(Q(**{self.name: asked.values[self.name]}) & ~Q(is_empty))


@dataclass(frozen=True)
class Element(Path):
    """An id that a column's array of ids has."""

    leads = 3

    column: str = ""
    type: Type = "uuid"

    @property
    def index(self) -> Index:
        return GinIndex(
            fields=[self.column],
            name=self.index_name,
            fastupdate=False,
            condition=Q(**{f"{self.column}__isnull": False}),
        )

    def ask(self, asked: Asked) -> None:
        field = ArrayField(UUIDField())
        asked.others.append(ArrayContains(F(self.column), Value([asked.values[self.name]], field)))


@dataclass(frozen=True)
class Range(Path):
    """Bounds of a column, both included. `greatest` is the greatest number that it can have."""

    leads = 1

    column: str = ""
    least: str = ""
    most: str = ""
    fields: tuple[str, ...] = ()
    greatest: int = 2**31 - 1
    type: Type = "integer"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(self.least, self.type, f"{self.help}, at least this"),
            Parameter(self.most, self.type, f"{self.help}, at most this"),
        )

    @property
    def index(self) -> Index:
        return Index(fields=self.fields or [self.column], name=self.index_name)

    def settings(self, asked: Asked) -> dict[str, str]:
        return BITMAPS if self.share(asked) <= FEW else IN_ORDER

    def share(self, asked: Asked) -> float:
        known = asked.columns.get(self.column)
        return known.share_between(*self._bounds(asked)) if known else 1.0

    def _bounds(self, asked: Asked) -> tuple[Any, Any]:
        least, most = self._bound(asked, self.least), self._bound(asked, self.most)
        outer = (EARLIEST, LATEST) if self.type == "time" else (0, self.greatest)
        return outer[0] if least is None else least, outer[1] if most is None else most

    def ask(self, asked: Asked) -> None:
        # A generic plan takes a range for few rows, but a single bound for a third of all.
        inside = Q(**{f"{self.column}__range": self._bounds(asked)})
        if self.type == "time":
            asked.times = self._bounds(asked)
        share = self.share(asked)
        if asked.leading is self and share <= FEW:
            asked.others.append(inside)
            return
        if asked.leading is self or share <= FEW_BESIDE:
            asked.others.append(ByIndex(inside))
            return
        least, most = self._bound(asked, self.least), self._bound(asked, self.most)
        for lookup, bound in ((GreaterThanOrEqual, least), (LessThanOrEqual, most)):
            if bound is not None:
                asked.others.append(IsTrue(lookup(F(self.column), bound)))

    def _bound(self, asked: Asked, name: str) -> Any:
        value = asked.values.get(name)
        return min(value, self.greatest) if isinstance(value, int) else value


@dataclass(frozen=True)
class Contains(Path):
    """JSON that the content contains, exactly.

    What another path has an index of, one of `texts`, is found by that. The index has the rest, but
    for the tracks.
    """

    leads = 2

    texts: tuple[Text | Track, ...] = ()
    type: Type = "json"

    @property
    def index(self) -> Index:
        others = Func(F("content"), function="archive_without_tracks")
        return GinIndex(OpClass(others, "jsonb_path_ops"), name=self.index_name, fastupdate=False)

    def ask(self, asked: Asked) -> None:
        value = asked.values[self.name]
        others = {name: inner for name, inner in value.items() if name != "tracks"}
        found = 0
        for path in self.texts:
            for query in islice(_wanted(path, value, asked), MAX_STRINGS):
                asked.want(path.index_name, query)
            found += len(list(islice(strings_at(path.at, others), MAX_STRINGS)))
        is_indexed = found < len(list(_values(others)))
        if is_indexed:
            content = Func(
                F("content"), function="archive_without_tracks", output_field=JSONField()
            )
            asked.others.append(DataContains(content, Value(others, JSONField())))
        if not is_indexed or others != value:
            asked.others.append(Q(content__contains=value))


@dataclass(frozen=True)
class JSONPath(Path):
    """A jsonpath: a predicate that is true of the content, or what exists in it. Without index."""

    type: Type = "jsonpath"

    def settings(self, asked: Asked) -> dict[str, str]:
        return IN_ORDER

    @property
    def index_name(self) -> str:
        return ""

    def ask(self, asked: Asked) -> None:
        path = asked.values[self.name]
        value = Func(Value(path), template="%(expressions)s::jsonpath", output_field=TextField())
        is_predicate = not re.match(r"(strict )?\$", path)
        asked.others.append((Matches if is_predicate else Exists)(F("content"), value))


def indexes_of(paths: "Iterable[Path]", words: Mapping[str, Words]) -> list[Index]:
    """The indexes of these paths, each once."""
    return [
        *(group.index for group in words.values()),
        *(path.index for path in paths if path.index is not None),
    ]


def items_at(path: str, value: Any) -> list[Any]:
    """What is at a jsonpath that has members and [*] only."""
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
    return found


def strings_at(path: str, value: Any) -> Iterator[str]:
    """The strings there that are not blank."""
    return filter(_is_text, items_at(path, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and not value.isspace()


def _wanted(path: Text | Track, value: Any, asked: Asked) -> Iterator[Func]:
    """What the words of a content that contains the value match."""
    if isinstance(path, Text):
        for string in strings_at(path.at, value):
            yield OrAny(string, path.wanted(string, asked))
        return
    for track in items_at(path.at, value):
        if isinstance(track, dict) and _is_text(track.get("track")):
            artist = track.get(path.by)
            query = path.wanted(track["track"], artist if _is_text(artist) else None)
            yield OrAny(track["track"], query)


def _values(value: Any) -> Iterator[Any]:
    """All but objects and lists."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _values(inner)
    else:
        yield value
