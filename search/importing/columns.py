"""Which column of a file is which field, and a row's values as a line of PostgreSQL's COPY.

A value that is wrong rejects its row: a row is stored whole or not at all. A value that is empty
or null says nothing, and leaves what the catalogue has.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

Kind = Literal["tracks", "artists"]

NULL = "\\N"
# Between the items of a list in one staged value; never part of a cleaned text.
SEPARATOR = "\x1f"

NAME_LIMIT = 1000
LIST_LIMIT = 10_000
ID_LIMIT = 255
LONGEST_DURATION_MS = 24 * 3600 * 1000

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
YEAR = re.compile(r"([0-9]{4})(?:\.0+|[-/].*)?")
CLOCK = re.compile(r"(?:([0-9]{1,3}):)?([0-9]{1,3}):([0-9]{2}(?:\.[0-9]+)?)")
FEATURING = re.compile(r"\s*[(\[]?\s*\b(?:feat\b\.?|ft\b\.?|featuring\b)\s*", re.IGNORECASE)
BETWEEN_FEATURED = re.compile(r"\s*(?:,|&)\s*")
BETWEEN_CREDITED = re.compile(
    r"\s*(?:[,;/&+]|\b(?:and|x|vs\.?|with|feat\.?|ft\.?|featuring)\s)\s*", re.IGNORECASE
)


class ColumnsError(Exception):
    """The file's columns can't be used; the message is one line for the user."""


class ValueProblem(Exception):
    """What is wrong with a value; `value` is how it may be shown."""

    def __init__(self, reason: str, value: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value


def text(value: Any, limit: int = NAME_LIMIT) -> str:
    """The value as clean text: no control characters, no space around it."""
    if type(value) is not str:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueProblem("is not text")
        value = str(value)
    value = value.strip()
    if not value.isprintable():
        value = _printable(value)
    if len(value) > limit:
        raise ValueProblem(f"is longer than {limit:,} characters")
    return value  # type: ignore[no-any-return]


def _printable(value: str) -> str:
    if "\0" in value:
        raise ValueProblem("has a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueProblem("has a lone surrogate") from error
    return CONTROL.sub(" ", value).strip()


def identifier(value: Any) -> str:
    return text(value, ID_LIMIT)


def musicbrainz_id(value: Any) -> str:
    found = text(value, ID_LIMIT).lower()
    if found and not UUID.fullmatch(found):
        raise ValueProblem("is no MusicBrainz id")
    return found


def musicbrainz_ids(value: Any) -> list[str]:
    if isinstance(value, str):
        value = value.strip("{} ").split(",")
    elif not isinstance(value, list):
        raise ValueProblem("is no list")
    return [found for item in value if (found := musicbrainz_id(item))]


def items(value: Any, separators: str) -> str:
    """A list, or a text split at the first of the separators it has, as one staged value."""
    if isinstance(value, str):
        if len(value) > LIST_LIMIT:
            raise ValueProblem(f"is longer than {LIST_LIMIT:,} characters")
        separator = next((sign for sign in separators if sign in value), None)
        value = [value] if separator is None else value.split(separator)
    elif not isinstance(value, list):
        raise ValueProblem("is no list")
    elif len(value) > LIST_LIMIT // 10:
        raise ValueProblem(f"has more than {LIST_LIMIT // 10:,} items")
    return SEPARATOR.join(dict.fromkeys(filter(None, map(text, value))))


def genres(value: Any) -> str:
    return items(value, "|;,")


def names(value: Any) -> str:
    return items(value, ";|")


def year(value: Any) -> str:
    """A year, or a date's year; 0 says nothing."""
    found = text(value)
    match = YEAR.fullmatch(found)
    if match is None:
        if found in ("0", "0.0"):
            return ""
        raise ValueProblem("is no year")
    found = match[1]
    if found == "0000":
        return ""
    if not "1000" <= found <= "2999":
        raise ValueProblem("is no year from 1000 to 2999")
    return found


def number(value: Any) -> float:
    try:
        if isinstance(value, bool):
            raise ValueError
        found = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueProblem("is no number") from error
    if not math.isfinite(found):
        raise ValueProblem("is no finite number")
    if found < 0:
        raise ValueProblem("is negative")
    return found


def milliseconds(value: Any) -> str:
    """A duration; 0 says nothing."""
    return _duration(number(value))


def seconds(value: Any) -> str:
    """A duration in seconds or as 3:35 or 1:02:03, in milliseconds; 0 says nothing."""
    if isinstance(value, str) and ":" in value:
        match = CLOCK.fullmatch(value.strip())
        if match is None:
            raise ValueProblem("is no duration")
        hours, minutes, rest = int(match[1] or 0), int(match[2]), float(match[3])
        return _duration((hours * 3600 + minutes * 60 + rest) * 1000)
    return _duration(number(value) * 1000)


def _duration(found: float) -> str:
    if found > LONGEST_DURATION_MS:
        raise ValueProblem("is longer than a day")
    return str(round(found)) if found >= 0.5 else ""


def popularity(value: Any) -> str:
    return repr(number(value))


def isrc(value: Any) -> str:
    found = text(value).replace("-", "").replace(" ", "").upper()
    if found and not ISRC.fullmatch(found):
        raise ValueProblem("is no ISRC")
    return found


@dataclass(frozen=True)
class Field:
    """A field of the import: the names its column has in files, and how a value is read.

    `target` is the staged column it fills, its own name unless said.
    """

    name: str
    read: Callable[[Any], Any]
    columns: Sequence[str]
    target: str = ""


SHARED = (
    Field("genres", genres, ("genres", "genre", "tags")),
    Field("popularity", popularity, ("popularity", "score")),
    Field("spotify", identifier, ("spotify_id", "spotify")),
)
FIELDS: dict[Kind, tuple[Field, ...]] = {
    "tracks": (
        Field(
            "external_id",
            identifier,
            ("external_id", "id", "track_id", "provider_id", "recording_mbid"),
        ),
        Field(
            "title", text, ("title", "track_title", "track_name", "track", "recording_name", "song")
        ),
        Field(
            "artist_credit",
            text,
            ("artist_credit", "artist_credit_name", "artist", "artist_name", "performer"),
        ),
        Field("artists", names, ("all_artists", "artists"), "artist_names"),
        Field("album", text, ("album", "album_name", "album_title", "release_name", "release")),
        Field("year", year, ("year", "release_year", "release_date", "date")),
        Field("duration_ms", milliseconds, ("duration_ms", "length_ms"), "duration_ms"),
        Field("duration_s", seconds, ("duration_s", "duration", "length"), "duration_ms"),
        Field("isrc", isrc, ("isrc",)),
        *SHARED,
        Field(
            "musicbrainz",
            musicbrainz_id,
            ("recording_mbid", "musicbrainz_id", "musicbrainz", "mbid"),
        ),
        Field(
            "artist_musicbrainz",
            musicbrainz_ids,
            ("artist_mbids", "artist_mbid", "artist_musicbrainz"),
        ),
    ),
    "artists": (
        Field("external_id", identifier, ("external_id", "id", "artist_id", "artist_mbid")),
        Field("name", text, ("name", "artist", "artist_name")),
        Field("sort_name", text, ("sort_name",)),
        Field("aliases", names, ("aliases", "alias")),
        *SHARED,
        Field(
            "musicbrainz",
            musicbrainz_id,
            ("artist_mbid", "musicbrainz_id", "musicbrainz", "mbid"),
        ),
    ),
}
STAGED: dict[Kind, tuple[str, ...]] = {
    "tracks": (
        "external_id",
        "title",
        "artist_credit",
        "album",
        "year",
        "duration_ms",
        "isrc",
        "genres",
        "artist_names",
        "popularity",
        "spotify",
        "musicbrainz",
        "artist_musicbrainz",
    ),
    "artists": (
        "external_id",
        "name",
        "sort_name",
        "aliases",
        "genres",
        "popularity",
        "spotify",
        "musicbrainz",
    ),
}
# In ListenBrainz's canonical data `id` counts the dump's rows, and `score` is the place of the
# release in the order in which canonical recordings are chosen: neither an id nor a popularity.
LISTENBRAINZ = {"recording_mbid", "recording_name", "artist_credit_name", "combined_lookup"}
NOT_OF_LISTENBRAINZ = {"id", "score"}


@dataclass(frozen=True)
class Columns:
    """Which of a file's columns is which field: `by_field` has their indexes."""

    kind: Kind
    names: Sequence[str]
    by_field: Mapping[str, int]

    def copy_line(self, line: int, values: Sequence[Any]) -> str:
        """The row as a line of COPY, without its end. Raises `ValueProblem`."""
        staged: dict[str, Any] = {}
        for field in FIELDS[self.kind]:
            index = self.by_field.get(field.name)
            if index is None:
                continue
            value = values[index]
            if value is None or value in ("", NULL):
                continue
            try:
                found = field.read(value)
            except ValueProblem as problem:
                raise ValueProblem(f"{self.names[index]} {problem}", repr(value)[:60]) from None
            if found:
                staged[field.target or field.name] = found
        if self.kind == "tracks":
            _complete_credit(staged)
        required = "title" if self.kind == "tracks" else "name"
        if required not in staged:
            raise ValueProblem(f"{required} is missing")
        parts = [str(line)]
        for name in STAGED[self.kind]:
            found = staged.get(name, NULL)
            parts.append(found.replace("\\", "\\\\") if found is not NULL else found)
        return "\t".join(parts)


def _complete_credit(staged: dict[str, Any]) -> None:
    """Fill in the artists that the credit names, or the credit that the artists make."""
    credit, ids = staged.get("artist_credit", ""), staged.pop("artist_musicbrainz", [])
    if "artist_names" not in staged and credit:
        staged["artist_names"] = credited_artists(credit, len(ids))
    elif not credit and "artist_names" in staged:
        joined = staged["artist_names"].replace(SEPARATOR, ", ")
        if len(joined) > NAME_LIMIT:
            raise ValueProblem(f"the artists' names are longer than {NAME_LIMIT:,} characters")
        staged["artist_credit"] = joined
    # Which id is whose can't be told where there are more: the order isn't the credit's.
    if len(ids) == 1 and SEPARATOR not in staged.get("artist_names", SEPARATOR):
        staged["artist_musicbrainz"] = ids[0]


@lru_cache(maxsize=8192)
def credited_artists(credit: str, count: int = 0) -> str:
    """The artists that a credit names, as one staged value.

    That is the credit up to its "feat.", and each artist after it; where it is known how many
    there are, and cutting at every "&", "and" and the like gives so many, it is those.
    """
    if count == 1:
        return credit
    if count > 1:
        parts = [part for part in BETWEEN_CREDITED.split(credit) if part]
        if len(parts) == count:
            return SEPARATOR.join(parts)
    main, *featured = FEATURING.split(credit)
    flat = [main]
    for part in featured:
        flat += BETWEEN_FEATURED.split(part.rstrip(")] "))
    return SEPARATOR.join(dict.fromkeys(filter(None, flat))) or credit


def recognise(names: Sequence[str], chosen: Mapping[str, str], path: object) -> Columns:
    """The fields of a file's columns, those `chosen` (column by field) first.

    Raises `ColumnsError` when there is neither a title and an artist nor an artist's name.
    """
    known = {field.name for fields in FIELDS.values() for field in fields}
    for field_name, column in chosen.items():
        if field_name not in known:
            raise ColumnsError(
                f"--columns: there is no field {field_name!r};"
                f" there are {', '.join(sorted(known))}."
            )
        if column not in names:
            raise ColumnsError(
                f"--columns: {path} has no column {column!r}; it has {_listed(names)}."
            )
    for kind in ("tracks", "artists"):
        by_field = _assigned(kind, names, chosen)
        if kind == "tracks":
            usable = "title" in by_field and not by_field.keys().isdisjoint(
                ("artist_credit", "artists")
            )
        else:
            # Of a file with other columns, "artist" alone doesn't make a file about artists.
            usable = (
                "name" in by_field
                and by_field.keys() >= chosen.keys()
                and (
                    "name" in chosen or "name" in names or len(set(by_field.values())) == len(names)
                )
            )
        if usable:
            return Columns(kind, names, by_field)
    raise ColumnsError(
        f"{path} has no columns known as a track's title and artist or an artist's name; it has "
        f"{_listed(names)}. Say which they are: --columns title=COLUMN,artist_credit=COLUMN"
    )


def _assigned(kind: Kind, names: Sequence[str], chosen: Mapping[str, str]) -> dict[str, int]:
    index_of: dict[str, int] = {}
    for index, name in enumerate(names):
        index_of.setdefault(_folded(name), index)
    ignored = NOT_OF_LISTENBRAINZ if index_of.keys() >= LISTENBRAINZ else set()
    by_field = {}
    taken = {names.index(column) for column in chosen.values()}
    for field in FIELDS[kind]:
        if field.name in chosen:
            by_field[field.name] = names.index(chosen[field.name])
            continue
        for column in field.columns:
            place = index_of.get(column)
            if place is not None and place not in taken and column not in ignored:
                by_field[field.name] = place
                break
    if "name" in names and kind == "tracks" and "title" not in by_field:
        # "name" is a track's where a column says whose it is.
        index = names.index("name")
        if index not in taken and by_field.keys() & {"artist_credit", "artists"}:
            by_field["title"] = index
    return by_field


def _folded(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().casefold())


def _listed(names: Iterable[str]) -> str:
    shown = [
        "".join(character if character.isprintable() else "?" for character in name[:40])
        for name in names
    ]
    return ", ".join(shown[:30]) + (f" and {len(shown) - 30} more" if len(shown) > 30 else "")
