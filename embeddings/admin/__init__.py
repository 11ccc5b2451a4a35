"""The admin's pages for looking into embeddings."""

from embeddings.admin.embeddings import EmbeddingAdmin
from embeddings.admin.interactions import InteractionAdmin
from embeddings.admin.models import EmbeddingModelAdmin

__all__ = ["EmbeddingAdmin", "EmbeddingModelAdmin", "InteractionAdmin"]
