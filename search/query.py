"""What people type into a search box, taken apart.

Besides words: "a phrase", -word, artist:, title:, album:, genre:, year:1997, year:1990-1999, each
also with a quoted value (artist:"daft punk"). What isn't understood is searched for as words.
"""

import re
import unicodedata
from dataclasses import dataclass, field

MAX_LENGTH = 500

_TOKEN = re.compile(
    r"""(?P<minus>-?)(?:(?P<field>artist|title|album|genre|year):)?
        (?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s"]\S*))""",
    re.VERBOSE | re.IGNORECASE,
)
_YEARS = re.compile(r"(?P<first>\d{4})?(?P<dash>-)?(?P<last>\d{4})?")


@dataclass
class Query:
    """A query's parts, as typed. `years` are inclusive bounds, None where open."""

    text: str
    words: list[str] = field(default_factory=list)
    artist: list[str] = field(default_factory=list)
    title: list[str] = field(default_factory=list)
    album: list[str] = field(default_factory=list)
    genres: list[str] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    years: tuple[int | None, int | None] = (None, None)

    @property
    def is_blank(self) -> bool:
        return not any((self.words, self.artist, self.title, self.album, self.genres)) and (
            self.years == (None, None)
        )

    @property
    def accented(self) -> list[str]:
        """The words typed with accents, case folded."""
        typed = " ".join(self.words + self.artist + self.title).casefold()
        return [
            word
            for word in re.findall(r"\w+", unicodedata.normalize("NFC", typed))
            if any(unicodedata.combining(c) for c in unicodedata.normalize("NFD", word))
        ]


def parse(text: str) -> Query:
    """Take a query apart. Never fails; NUL characters and lone surrogates are dropped."""
    text = text.replace("\x00", " ").encode("utf-8", "ignore").decode("utf-8")
    query = Query(text)
    position = 0
    for match in _TOKEN.finditer(text):
        if match.start() < position:
            continue
        position = match.end()
        # A sign or field name inside a word (AC-DC, Re:Stacks) is part of the word.
        name = (match["field"] or "").lower()
        value = match["quoted"] if match["quoted"] is not None else match["bare"]
        if not value.strip():
            continue
        if name == "year" and not match["minus"] and (years := _years(value)):
            query.years = years
        elif name in ("artist", "title", "album") and not match["minus"]:
            getattr(query, name).append(value)
        elif name == "genre" and not match["minus"]:
            query.genres.append(value)
        elif match["minus"] and not name:
            query.excluded.append(value)
        elif match["quoted"] is not None and not name:
            query.phrases.append(value)
            query.words.append(value)
        else:
            query.words.append(match[0])
    if query.excluded and query.is_blank:
        # Nothing but exclusions: "-" before the only word is a slip.
        query.words, query.excluded = query.excluded, []
    return query


def _years(value: str) -> tuple[int | None, int | None] | None:
    match = _YEARS.fullmatch(value)
    if not match or not (match["first"] or match["last"]):
        return None
    first = int(match["first"]) if match["first"] else None
    last = int(match["last"]) if match["last"] else None
    if match["dash"]:
        return (last, first) if first and last and last < first else (first, last)
    return (first, first) if last is None else None
