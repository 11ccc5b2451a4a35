"""Interactions by their words alone, for when no vector of what is looked for can be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import FloatField, Value

from embeddings.expressions import Position
from embeddings.nearest import expected_rows
from embeddings.words import by_words, words_of

if TYPE_CHECKING:
    from embeddings.querysets import InteractionQuerySet


def with_words(candidates: InteractionQuerySet, text: str, k: int) -> InteractionQuerySet:
    """The `k` of these that have the most and rarest words of the text, those first; as `similar`
    gives them, with null for a similarity."""
    words = words_of(text, candidates.db)
    found = by_words(candidates.order_by(), words, expected_rows(candidates), k)
    ids = [] if found is None else [pk for pk, _ in found]
    nothing = Value(None, output_field=FloatField())
    return candidates.filter(pk__in=ids).order_by(Position(ids, "pk")).annotate(similarity=nothing)
