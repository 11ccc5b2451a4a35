"""What is asked for when interactions are searched by meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from embeddings.vectors import Array

if TYPE_CHECKING:
    from embeddings.models import EmbeddingModel

MODES = ("vector", "exact", "hybrid")
MOST_K = 1000
# pgvector's bounds.
MOST_EF_SEARCH = 1000


@dataclass(frozen=True)
class Search:
    """The `k` interactions nearest to a unit vector of that model; in mode "hybrid" also by the
    words of `text`.

    `ef_search` is how many candidates the index keeps in mind, None for a good default;
    `threshold` the least similarity.
    """

    model: EmbeddingModel
    vector: Array
    k: int = 10
    mode: str = "vector"
    text: str = ""
    ef_search: int | None = None
    threshold: float | None = None


def validate_search(
    k: int, mode: str, has_text: bool, ef_search: int | None, threshold: float | None
) -> None:
    """Raise ValidationError, by parameter, for what can't be asked."""
    errors = {}
    if mode not in MODES:
        errors["mode"] = f"This is one of {', '.join(MODES)}."
    elif mode == "hybrid" and not has_text:
        errors["mode"] = "A hybrid search needs a text, for its words."
    if not _is_whole(k, 1, MOST_K):
        errors["k"] = f"This is a whole number from 1 to {MOST_K}."
    if ef_search is not None and not _is_whole(ef_search, 1, MOST_EF_SEARCH):
        errors["ef_search"] = f"This is a whole number from 1 to {MOST_EF_SEARCH}."
    # Of NaN neither is true.
    if threshold is not None and not -1 <= threshold <= 1:
        errors["threshold"] = "A similarity is a number from -1 to 1."
    if errors:
        raise ValidationError(errors)


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
