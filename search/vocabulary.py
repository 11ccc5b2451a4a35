"""Which lexemes of the catalogue the words of a query may stand for."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

from rapidfuzz.distance import OSA

from search import sql
from search.query import Query

# Words that people add and leave out: never required, no part of a name's key.
OPTIONAL = frozenset(("the", "and", "n", "feat", "ft", "featuring"))

# The weights of the search vectors' lexemes: A title, B artist, C album, D keys of whole names.
ANYWHERE = "ABD"

MAX_WORDS = 16
MAX_WORD_LENGTH = 60


class Cursor(Protocol):
    def execute(self, statement: str, parameters: Any, /) -> None: ...

    def fetchall(self) -> list[tuple[Any, ...]]: ...


class Near(NamedTuple):
    """A lexeme `edits` away from a typed word: insertions, deletions, substitutions and exchanges
    of neighbours (optimal string alignment distance). `ndoc` rows have it."""

    edits: int
    word: str
    ndoc: int


@dataclass
class Reading:
    """A query's words with the lexemes near them, nearest and most frequent first.

    `labels` are the weights of the fields a word may stand in; `joined[i]` is for words `i` and
    `i + 1` written together; `name` is the key of all words but the album's. `corrected` are
    keys in which exchanged neighbours are put back. `splits[i]` are pairs that make up word `i`.
    """

    words: list[str]
    labels: list[str]
    name: str
    near: list[list[Near]]
    joined: list[list[Near]]
    artist_keys: list[Near]
    title_keys: list[Near]
    splits: list[list[tuple[str, str, int]]]
    phrases: list[list[str]] = field(default_factory=list)
    excluded: list[list[str]] = field(default_factory=list)

    @property
    def required(self) -> list[int]:
        """The places of the words that a row must have."""
        places = [i for i, word in enumerate(self.words) if word not in OPTIONAL]
        return places or list(range(len(self.words)))

    def is_known(self, place: int) -> bool:
        return bool(self.near[place]) and self.near[place][0].edits == 0

    @property
    def corrected(self) -> list[str]:
        def exchanged(typed: str, near: list[Near]) -> str:
            if near and near[0].edits == 0:
                return typed
            swaps = (n.word for n in near if n.edits == 1 and sorted(n.word) == sorted(typed))
            return next(swaps, typed)

        words = [exchanged(word, self.near[i]) for i, word in enumerate(self.words)]
        keys = [key(words)] if words != self.words else []
        for sign, near in (("@", self.artist_keys), ("=", self.title_keys)):
            whole = exchanged(sign + self.name[:MAX_WORD_LENGTH], near)[1:]
            if whole != self.name[:MAX_WORD_LENGTH]:
                keys.append(whole)
        return list(dict.fromkeys(keys))


def key(words: list[str]) -> str:
    """The key of a name given as normalised words, as `search_key` in the database makes it."""
    return ("".join(w for w in words if w not in OPTIONAL) or "".join(words))[:120]


def read(cursor: Cursor, query: Query) -> Reading:
    """Look the query's words up, in one statement."""
    parts = [(" ".join(query.words), ANYWHERE)]
    parts += [(text, "B") for text in query.artist]
    parts += [(text, "A") for text in query.title]
    named = len(parts)
    parts += [(text, "C") for text in query.album]
    searched = len(parts)
    texts = [text for text, _ in parts] + query.phrases + query.excluded
    cursor.execute(sql.LOOKUP, [texts, named, searched])
    rows = cursor.fetchall()

    normalised = {n: word for kind, n, word, _, _ in rows if kind == "text"}
    words: list[str] = []
    labels: list[str] = []
    for n, (_, label) in enumerate(parts[:searched], start=1):
        for word in normalised[n].split():
            words.append(word[:MAX_WORD_LENGTH])
            labels.append(label)
    del words[MAX_WORDS:], labels[MAX_WORDS:]
    name = next(word for kind, _, word, _, _ in rows if kind == "name")

    size = len(words)
    units = [*words, *(a + b for a, b in pairwise(words))]
    units += ["@" + name[:MAX_WORD_LENGTH], "=" + name[:MAX_WORD_LENGTH]]
    near: list[list[Near]] = [[] for _ in units]
    splits: list[list[tuple[str, str, int]]] = [[] for _ in words]
    for kind, n, word, _, ndoc in rows:
        if kind == "near":
            near[n - 1].append(Near(OSA.distance(units[n - 1], word), word, ndoc))
        elif kind == "split":
            left, _, right = word.partition(" ")
            splits[n - 1].append((left, right, ndoc))
    for lexemes in near:
        lexemes.sort(key=_nearest_and_most_frequent)
    return Reading(
        words,
        labels,
        name,
        near[:size],
        near[size : 2 * size - 1],
        near[-2],
        near[-1],
        splits,
        phrases=[normalised[searched + 1 + i].split() for i in range(len(query.phrases))],
        excluded=[
            normalised[searched + 1 + len(query.phrases) + i].split()
            for i in range(len(query.excluded))
        ],
    )


def look_further(cursor: Cursor, units: list[str], distances: list[int]) -> dict[str, list[Near]]:
    """Lexemes near each unit, up to its distance of 1 or 2, nearest and most frequent first."""
    near: dict[str, list[Near]] = {unit: [] for unit in units}
    cursor.execute(sql.NEARBY, [units, distances])
    for n, word, _, ndoc in cursor.fetchall():
        unit = units[n - 1]
        near[unit].append(Near(OSA.distance(unit, word), word, ndoc))
    for lexemes in near.values():
        lexemes.sort(key=_nearest_and_most_frequent)
    return near


def _nearest_and_most_frequent(near: Near) -> tuple[int, int]:
    return near.edits, -near.ndoc
