"""Searches for parts of titles, made from the catalogue: people seldom type a whole one.

The judged queries are whole names. These are one or two words of a title, as they are or with two
letters exchanged.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from rich.console import Console
from rich.table import Table

from benchmarks.judging import percentile
from search.engine import Hit, search
from search.models import Track
from search.spelling import words_of

CASES = 300
# Titles are drawn from among so many popular ones.
POPULAR = 20_000
# Of a word among others, and of one alone.
LEAST_LETTERS = 4
LEAST_LETTERS_ALONE = 6

Part = Callable[[list[str]], list[str]]


@dataclass(frozen=True)
class Case:
    """`text` was typed where `words`, some of the `title`, were meant."""

    text: str
    words: list[str]
    title: str

    def has_words(self, hit: Hit) -> bool:
        return set(self.words) <= set(_words(f"{hit.name} {hit.artist_credit or ''}"))


def print_quality(console: Console) -> None:
    table = Table("typed", title="Parts of titles")
    for column in ("queries", "words in first", "in ten", "title in ten", "corrected", "p95 ms"):
        table.add_column(column, justify="right")
    for kind, cases in cases_by_kind().items():
        results = [search(case.text, limit=10) for case in cases]
        found = [(case, result.hits) for case, result in zip(cases, results, strict=True)]
        table.add_row(
            kind,
            str(len(cases)),
            _share(any(case.has_words(hit) for hit in hits[:1]) for case, hits in found),
            _share(any(case.has_words(hit) for hit in hits) for case, hits in found),
            _share(any(hit.name == case.title for hit in hits) for case, hits in found),
            _share(result.did_you_mean is not None for result in results),
            f"{percentile((result.took_ms for result in results), 0.95):.2f}",
        )
    console.print(table)


def cases_by_kind(seed: int = 7) -> dict[str, list[Case]]:
    """Up to `CASES` of each kind, no title twice."""
    draw = random.Random(seed)
    popular = Track.objects.order_by("-popularity", "id").values_list("title", flat=True)
    titles = list(dict.fromkeys(popular[:POPULAR]))
    draw.shuffle(titles)
    left = iter(titles)

    def typed(words: list[str]) -> str:
        return " ".join(words)

    def mistyped(words: list[str]) -> str:
        return " ".join([*words[:-1], _exchanged(words[-1], draw)])

    return {
        kind: list(islice(_cases(left, part, write), CASES))
        for kind, part, write in (
            ("two words", _two_words, typed),
            ("one word", _one_word, typed),
            ("two words, one mistyped", _two_words, mistyped),
            ("one word, mistyped", _one_word, mistyped),
        )
    }


def _cases(titles: Iterator[str], part: Part, write: Callable[[list[str]], str]) -> Iterator[Case]:
    for title in titles:
        if words := part(_words(title)):
            yield Case(write(words), words, title)


def _two_words(words: list[str]) -> list[str]:
    """The first two of a title of three or more."""
    fit = len(words) > 2 and all(len(word) >= LEAST_LETTERS for word in words[:2])
    return words[:2] if fit else []


def _one_word(words: list[str]) -> list[str]:
    """The longest of a title of two or more."""
    longest = max(words, key=len, default="")
    return [longest] if len(words) > 1 and len(longest) >= LEAST_LETTERS_ALONE else []


def _exchanged(word: str, draw: random.Random) -> str:
    """The word with two letters that stand beside each other exchanged, the first one left."""
    places = [i for i in range(1, len(word) - 1) if word[i] != word[i + 1]]
    if not places:
        return word
    i = draw.choice(places)
    return word[:i] + word[i + 1] + word[i] + word[i + 2 :]


def _words(name: str) -> list[str]:
    return [word for *_, word in words_of(name) if word]


def _share(judged: Iterable[bool]) -> str:
    each = list(judged)
    return f"{sum(each) / max(1, len(each)):.3f}".removeprefix("0")
