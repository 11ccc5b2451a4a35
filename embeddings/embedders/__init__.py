"""Models that make vectors of texts, and which of them is used; docs/embeddings.md tells more."""

from embeddings.embedders.base import (
    Embedder,
    EmbedderError,
    NothingToEmbed,
    TextRefused,
    Vectors,
)
from embeddings.embedders.choosing import UnknownEmbedder, by_id, current

__all__ = [
    "Embedder",
    "EmbedderError",
    "NothingToEmbed",
    "TextRefused",
    "UnknownEmbedder",
    "Vectors",
    "by_id",
    "current",
]
