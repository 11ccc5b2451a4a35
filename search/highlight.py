"""Which words of a found name the typed words stand for, marked in HTML."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from django.utils.html import escape
from rapidfuzz.distance import OSA

from search.spelling import words_of
from search.vocabulary import OPTIONAL, Reading, key

if TYPE_CHECKING:
    from search.engine import Hit

# A word typed to its end beats one typed in part, and that one beats a neighbour.
_AS_BEGINNING = 0.5
_AS_TWO_WORDS = 0.7


class _Place(NamedTuple):
    field: str
    start: int
    end: int
    word: str


class Highlighter:
    """Marks names for one query. `reading` is None when nothing was looked up."""

    def __init__(self, reading: Reading | None) -> None:
        self.reading = reading
        if reading is not None:
            self.near = [{near.word: near.edits for near in found} for found in reading.near]
            self.joined = [{near.word: near.edits for near in found} for found in reading.joined]
            self.names = {reading.name}
            for keys in (reading.artist_keys, reading.title_keys):
                self.names.update(near.word[1:] for near in keys)

    def highlights(self, hit: "Hit") -> dict[str, str]:
        """The hit's names as escaped HTML in which `<mark>` is the only element.

        By field: `name` of an artist, `artist` (the credit) and `title` of a track. A name is
        whole and spelt as in the catalogue, whether or not words of it are marked.
        """
        if hit.kind == "artist":
            fields = {"name": hit.name}
        else:
            fields = {"artist": hit.artist_credit or "", "title": hit.name}
        marked = self._marked(fields) if self.reading is not None else set()
        return {field: _mark(text, field, marked) for field, text in fields.items()}

    def _marked(self, fields: dict[str, str]) -> set[_Place]:
        reading = self.reading
        if reading is None:
            return set()
        by_field = {field: list(_places(field, text)) for field, text in fields.items()}
        marked = self._whole_names(reading, by_field)
        for i, typed in enumerate(reading.words):
            last = i == len(reading.words) - 1
            best = len(typed) + 1.0
            nearest: list[_Place] = []
            for field, places in by_field.items():
                if not _may_stand_in(field, reading.labels[i]):
                    continue
                for edits, found in self._candidates(i, typed, places, last):
                    if edits < best:
                        best, nearest = edits, []
                    if edits == best:
                        nearest += found
            marked.update(nearest)
        return marked

    def _whole_names(self, reading: Reading, by_field: dict[str, list[_Place]]) -> set[_Place]:
        """The words of a name or names that the query is as a whole, wherever its spaces are."""
        labels = [label for label in reading.labels if label != "C"]
        named = [
            places
            for field, places in by_field.items()
            if places and all(_may_stand_in(field, label) for label in labels)
        ]
        for places in (*named, list(chain(*named)), list(chain(*reversed(named)))):
            if key([place.word for place in places]) in self.names:
                return {place for place in places if place.word not in OPTIONAL}
        return set()

    def _candidates(
        self, i: int, typed: str, places: list[_Place], last: bool
    ) -> Iterator[tuple[float, list[_Place]]]:
        """Places that word `i` may stand for, each with how far it is from what was typed."""
        neighbours = [self.joined[n] for n in (i - 1, i) if 0 <= n < len(self.joined)]
        for n, place in enumerate(places):
            word = place.word
            if word in self.near[i]:
                yield self.near[i][word], [place]
            elif last and len(typed) > 2 and word.startswith(typed):
                yield _AS_BEGINNING, [place]
            elif (edits := OSA.distance(typed, word, score_cutoff=_most(typed))) <= _most(typed):
                yield edits, [place]
            for joined in neighbours:
                if word in joined:
                    yield joined[word] + _AS_TWO_WORDS, [place]
            if n + 1 < len(places) and len(typed) > 3:
                both = word + places[n + 1].word
                if (edits := OSA.distance(typed, both, score_cutoff=1)) <= 1:
                    yield edits + _AS_TWO_WORDS, places[n : n + 2]


def _most(typed: str) -> int:
    """How many edits away a word may be that the search looked for beyond the nearest."""
    return 0 if len(typed) < 3 or typed in OPTIONAL else 1 if len(typed) < 4 else 2


def _may_stand_in(field: str, labels: str) -> bool:
    """Whether words of these weights are looked for in that field (A titles, B artists)."""
    return "A" in labels if field == "title" else "B" in labels


def _places(field: str, text: str) -> Iterator[_Place]:
    found = False
    for start, end, word in words_of(text):
        found = True
        yield _Place(field, start, end, word)
    if not found and (signs := re.sub(r"\s", "", text)):
        # A name of signs only, as `search_normalise` spells it.
        spelt = "".join(f"u{ord(sign):x}" for sign in signs[:12])
        yield _Place(field, 0, len(text), spelt)


def _mark(text: str, field: str, marked: set[_Place]) -> str:
    pieces: list[str] = []
    position = 0
    for place in sorted(place for place in marked if place.field == field):
        pieces.append(escape(text[position : place.start]))
        pieces.append(f"<mark>{escape(text[place.start : place.end])}</mark>")
        position = place.end
    pieces.append(escape(text[position:]))
    return "".join(pieces)
