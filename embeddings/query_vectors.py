"""The vectors of texts that are looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import embedders
from embeddings.vectors import Array, as_unit

if TYPE_CHECKING:
    from embeddings.models import EmbeddingModel


def query_vector(text: str, model: EmbeddingModel) -> Array | None:
    """The unit vector of a text that is looked for among a model's vectors; None if nothing of the
    text means anything. Raise EmbedderError if it can't be had."""
    try:
        (vector,) = model.embedder.embed_queries([text])
    except embedders.NothingToEmbed:
        return None
    return as_unit(vector, model.dimensions)
