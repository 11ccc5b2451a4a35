"""Interactions by the words of a text: those that have the rarest of them come first.

A prompt is a sentence, and the text search configuration has no stop words. So any of its words is
enough, each counts by its inverse document frequency (K. Spärck Jones, 1972), and words so common
that they would bring more than `MOST` interactions are not looked for, only counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.models import Case, QuerySet, Value, When

from embeddings import sql
from embeddings.expressions import matches
from search import tsquery

if TYPE_CHECKING:
    from embeddings.models import Interaction

MOST = 5000
MOST_WORDS = 32
# For a word that the statistics do not know.
UNKNOWN = 1e-6


@dataclass(frozen=True)
class Word:
    """A lexeme, and the share of all interactions that have it."""

    lexeme: str
    frequency: float

    @property
    def weight(self) -> float:
        return 1 - math.log(max(self.frequency, UNKNOWN))


def words_of(text: str, using: str) -> list[Word]:
    """The words of a text, the rarest first."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql.WORDS, [text])
        words = [Word(lexeme, frequency) for lexeme, frequency in cursor.fetchall()]
    return sorted(words, key=lambda word: word.frequency)[:MOST_WORDS]


def by_words(
    candidates: QuerySet[Interaction], words: Sequence[Word], expected: float, n: int
) -> QuerySet[Any] | None:
    """The ids of the `n` candidates that have the most of the words, with the sum of their weights,
    greatest first; None without a word. `expected`: how many candidates there are, or so."""
    if not words:
        return None
    weight: Any = Value(0.0)
    for word in words:
        having = When(matches(tsquery.lexeme(word.lexeme)), then=Value(word.weight))
        weight += Case(having, default=Value(0.0))
    asked: list[str] = []
    rows = 0.0
    for word in words:
        rows += expected * word.frequency
        if asked and rows > MOST:
            break
        asked.append(tsquery.lexeme(word.lexeme))
    found = candidates.filter(matches(tsquery.any_of(asked) or ""))
    return (
        candidates.model._base_manager.using(candidates.db)
        .filter(pk__in=found.values("pk")[:MOST])
        .annotate(weight=weight)
        .order_by("-weight", "-created")
        .values_list("pk", "weight")[:n]
    )
