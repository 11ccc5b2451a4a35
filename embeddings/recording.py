"""Interactions as they come: stored first, embedded after, so that nothing typed is lost."""

import logging
import time

from django.db import DatabaseError, transaction

from embeddings.embedders import EmbedderError
from embeddings.models import EmbeddingModel, Interaction
from embeddings.storing import store_unchanged

logger = logging.getLogger(__name__)

# Seconds. An embedder that failed is left alone for so long: everybody would wait for it in turn.
PAUSE = 30.0
_resumed: dict[str, float] = {}


def record(interaction: Interaction) -> None:
    """Store a new interaction; its vector by the active model follows once that is committed.

    Raises ValidationError, by field, and stores nothing, for what is no interaction. If there is no
    model, or it fails, the interaction waits for `manage.py embed`.
    """
    interaction.full_clean(exclude={"user", "archive"}, validate_unique=False)
    interaction.save(force_insert=True)
    transaction.on_commit(lambda: _embed(interaction), robust=True)


def _embed(interaction: Interaction) -> None:
    try:
        model = EmbeddingModel.objects.active()
        if model is None or _resumed.get(model.name, 0) > time.monotonic():
            return
        try:
            (vector,) = model.embedder.embed_documents([interaction.text])
        except EmbedderError as error:
            if error.temporary:
                _resumed[model.name] = time.monotonic() + max(error.retry_after or 0, PAUSE)
            raise
        store_unchanged(model, [(interaction, vector)])
    except (EmbedderError, DatabaseError) as error:
        # Without the text, which is the user's.
        logger.warning("Interaction %s waits for its vector: %s", interaction.pk, error)
