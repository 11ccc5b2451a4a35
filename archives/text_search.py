"""Archives by the words of their names and descriptions and by the artists in them, badly typed.

What is found comes in tiers, the best first, each from the newest archive on:

0. the name is what was typed
1. every word is in the name, or an artist's name is what was typed
2. every word is somewhere
3. the same with the last word as a beginning
4. the same with words an edit away, two words joined or one split
5. the same with words two edits away
6. one word left out

The last two are asked only when nothing else was found. A lexeme that only others' private
archives have never takes part in what is found among public ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Case, Q, SmallIntegerField, When

from archives import sql
from archives.listing import rows_asked
from archives.newest import ComesAfter, prepared_page
from archives.querysets import matches
from search.tsquery import all_of, any_of, lexeme
from search.vocabulary import OPTIONAL

if TYPE_CHECKING:
    from archives.listing import Part
    from archives.models import Archive

# How many lexemes of public archives a word may stand for, the nearest first.
ALTERNATIVES = 16
# So many samples of one in 500: see archives/migrations/sql/search.sql.
COMMON = 4
# Shorter words have too many neighbours that are two edits away.
FURTHER_LENGTH = 5
PREFIX_LENGTH = 3
LAST_RESORT = 5

# Of `archive_nearby`: the unit's number, the lexeme, its edits, whether it is public, and how often
# that is noted.
Row = tuple[int, str, int, bool, int]


class Place(NamedTuple):
    """Where an archive stands in what is found."""

    tier: int
    created: datetime
    pk: UUID


class Found(NamedTuple):
    tier: int
    archive: "Archive"

    @property
    def place(self) -> Place:
        return Place(self.tier, self.archive.created, self.archive.pk)


def search(
    text: str, parts: "Sequence[Part]", limit: int, after: Place | None = None
) -> list[Found]:
    """The best `limit` of these parts of a list for a typed text, after that place if given."""
    reading = _read(text, only_public=not any(part.is_own for part in parts))
    if reading is None or limit < 1:
        return []
    found: list[Found] = []
    has_better = after is not None and after.tier < LAST_RESORT
    for stage in STAGES:
        if after is not None and after.tier >= stage.stop:
            continue
        if len(found) == limit or (stage.start == LAST_RESORT and has_better):
            break
        rows: list[Found] = []
        for part in parts:
            # An owner has so few archives that all are looked at.
            find = _newest if not part.is_own and reading.is_common(stage) else _ranked
            rows += find(reading, stage, part, rows_asked(limit), after)
        found += sorted(rows, key=_best_and_newest)[: limit - len(found)]
        has_better = has_better or bool(found)
    return found


def _ranked(
    reading: "_Reading", stage: range, part: "Part", limit: int, after: Place | None
) -> list[Found]:
    """Those of a part that are of the stage's tiers, in one statement."""
    tiers = [TIERS[n](reading, part.is_own) for n in stage]
    asked = any_of(tiers)
    if asked is None:
        return []
    # Not to find again what has been found.
    better = any_of(TIERS[n](reading, part.is_own) for n in range(stage.start))
    # An empty tsquery matches nothing; so the statement is the same for every text.
    whens = [When(matches(query or ""), then=n) for n, query in zip(stage, tiers, strict=True)]
    rows = (
        part.archives.filter(matches(asked))
        .exclude(matches(better or ""))
        .annotate(tier=Case(*whens, default=stage.stop, output_field=SmallIntegerField()))
    )
    if after is not None:
        same = Q(ComesAfter((after.created, after.pk)), tier=after.tier)
        rows = rows.filter(Q(tier__gt=after.tier) | same)
    return [Found(row.tier, row) for row in prepared_page(rows, limit, "tier", "-created", "-id")]  # type: ignore[attr-defined]


def _newest(
    reading: "_Reading", stage: range, part: "Part", limit: int, after: Place | None
) -> list[Found]:
    """The same tier by tier, without a look at every archive that is of one."""
    found: list[Found] = []
    for tier in stage:
        query = TIERS[tier](reading, part.is_own)
        if query is None or (after is not None and after.tier > tier) or len(found) >= limit:
            continue
        better = any_of(TIERS[n](reading, part.is_own) for n in range(tier))
        rows = part.archives.having_lexemes(query, but_not=better).newest(
            limit,
            (after.created, after.pk) if after is not None and after.tier == tier else None,
        )
        found += [Found(tier, row) for row in rows]
    return found


def _best_and_newest(found: Found) -> tuple[int, float, int]:
    return found.tier, -found.archive.created.timestamp(), -found.archive.pk.int


@dataclass
class _Alternatives:
    """Lexemes near one typed, nearest first; those that public archives have, and all."""

    public: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    noted: dict[str, int] = field(default_factory=dict)

    def of(self, is_own: bool) -> list[str]:
        return self.known if is_own else self.public[:ALTERNATIVES]

    def has(self, word: str, is_own: bool) -> bool:
        """Whether there is the lexeme itself."""
        return word in (self.known if is_own else self.public)


@dataclass
class _Reading:
    words: list[str]
    key: str
    near: list[_Alternatives]
    splits: list[_Alternatives]
    only_public: bool

    @property
    def required(self) -> list[int]:
        """The places of the words that may not be missing."""
        places = [i for i, word in enumerate(self.words) if word not in OPTIONAL]
        return places or list(range(len(self.words)))

    def is_common(self, stage: range) -> bool:
        """Whether about `COMMON` rows of the vocabulary or more, and so many archives, have what
        the stage's tiers of public archives ask for."""

        def noted(place: int, typed: str) -> int:
            near = self.near[place]
            words = near.of(False) if stage.start else [typed]
            # The first row of each says that there is one, the others how many.
            return sum(near.noted.get(word, 1) - 1 for word in words)

        words = min(noted(place, self.words[place]) for place in self.required)
        return words + noted(-2, "@" + self.key) + noted(-1, "=" + self.key) >= COMMON

    def exact_name(self, is_own: bool) -> str | None:
        name = "=" + self.key
        return lexeme(name) if self.near[-1].has(name, is_own) else None

    def words_of_name(self, is_own: bool) -> str | None:
        artist = "@" + self.key
        return any_of(
            [
                all_of(lexeme("~" + self.words[i]) for i in self.required)
                if self.knows_every_word(is_own)
                else None,
                lexeme(artist) if self.near[-2].has(artist, is_own) else None,
            ]
        )

    def every_word(self, is_own: bool) -> str | None:
        if not self.knows_every_word(is_own):
            return None
        return all_of(lexeme(self.words[i]) for i in self.required)

    def knows_every_word(self, is_own: bool) -> bool:
        return all(self.near[i].has(self.words[i], is_own) for i in self.required)

    def beginning(self, is_own: bool) -> str | None:
        last = len(self.words) - 1
        others = [i for i in self.required if i != last]
        if len(self.words[last]) < PREFIX_LENGTH or not all(
            self.near[i].has(self.words[i], is_own) for i in others
        ):
            return None
        words = (lexeme(self.words[i]) for i in others)
        return all_of([*words, lexeme(self.words[last], prefix=True)])

    def near_words(self, is_own: bool) -> str | None:
        groups = {i: self._group(i, is_own) for i in self.required}
        ways = [all_of(groups.values())]
        for i in range(len(self.words) - 1):
            joined = self.near[len(self.words) + i].of(is_own)
            if joined:
                others = [group for place, group in groups.items() if place not in (i, i + 1)]
                ways.append(all_of([any_of(map(lexeme, joined)), *others]))
        return any_of([*ways, *(any_of(map(lexeme, keys.of(is_own))) for keys in self.near[-2:])])

    def further_words(self, is_own: bool) -> str | None:
        if not any(self.further[i].of(is_own) for i in self.required):
            return None
        return all_of(
            any_of([self._group(i, is_own), *map(lexeme, self.further[i].of(is_own))])
            for i in self.required
        )

    def all_but_one(self, is_own: bool) -> str | None:
        groups = [self._group(i, is_own) for i in self.required]
        if len(groups) < 2:
            return None
        return any_of(all_of(groups[:i] + groups[i + 1 :]) for i in range(len(groups)))

    def _group(self, place: int, is_own: bool) -> str | None:
        """What the word at that place may stand for."""
        word = self.words[place]
        is_beginning = place == len(self.words) - 1 and len(word) >= PREFIX_LENGTH
        halves = (pair.split() for pair in self.splits[place].of(is_own))
        return any_of(
            [
                lexeme(word, prefix=is_beginning),
                *map(lexeme, self.near[place].of(is_own)),
                *(all_of(map(lexeme, pair)) for pair in halves),
            ]
        )

    @cached_property
    def further(self) -> list[_Alternatives]:
        distances = [2 if len(word) >= FURTHER_LENGTH else 0 for word in self.words]
        with connection.cursor() as cursor:
            cursor.execute(sql.NEARBY, [self.words, distances, self.only_public])
            return _alternatives(len(self.words), cursor.fetchall())


TIERS = (
    _Reading.exact_name,
    _Reading.words_of_name,
    _Reading.every_word,
    _Reading.beginning,
    _Reading.near_words,
    _Reading.further_words,
    _Reading.all_but_one,
)
# Tiers that are asked for together: by few lexemes, by many, and those of the last resort.
STAGES = (range(4), range(4, LAST_RESORT), range(LAST_RESORT, len(TIERS)))


def _read(text: str, only_public: bool) -> _Reading | None:
    """Look up what was typed; None if it has no word."""
    with connection.cursor() as cursor:
        cursor.execute(sql.LOOKUP, [text, only_public])
        rows = cursor.fetchall()
    by_kind: dict[str, list[Row]] = {"near": [], "split": [], "word": []}
    for kind, *row in rows:
        by_kind.setdefault(kind, []).append(tuple(row))
    words = [word for _, word, *_ in sorted(by_kind["word"])]
    if not words:
        return None
    return _Reading(
        words,
        by_kind["key"][0][1],
        _alternatives(2 * len(words) + 1, by_kind["near"]),
        _alternatives(len(words), by_kind["split"]),
        only_public,
    )


def _alternatives(size: int, rows: list[Row]) -> list[_Alternatives]:
    found = [_Alternatives() for _ in range(size)]
    for n, word, _, is_public, noted in sorted(rows, key=lambda row: (row[2], -row[4], row[1])):
        near = found[n - 1]
        near.known.append(word)
        near.noted[word] = noted
        if is_public:
            near.public.append(word)
    return found
