"""The vectors of texts that are looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings.vectors import Array

if TYPE_CHECKING:
    from embeddings.models import EmbeddingModel


def query_vector(text: str, model: EmbeddingModel) -> Array:
    """The unit vector of a text that is looked for among a model's vectors."""
    raise NotImplementedError
