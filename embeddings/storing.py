"""Vectors are stored only if they are those of the text that stands there now."""

from collections.abc import Iterable

from django.db import transaction

from embeddings.models import EmbeddingModel, Interaction
from embeddings.vectors import Given


def store_unchanged(model: EmbeddingModel, vectors: Iterable[tuple[Interaction, Given]]) -> int:
    """Store the vectors of those interactions that nobody has edited or deleted since they were
    read; return their number."""
    given = {interaction.pk: (interaction, vector) for interaction, vector in vectors}
    with transaction.atomic():
        # Whoever edits one now waits, and then takes back its vector.
        present = dict(
            Interaction.objects.filter(pk__in=given)
            .order_by("pk")
            .select_for_update(no_key=True, of=("self",))
            .values_list("pk", "text")
        )
        return model.store(pair for pk, pair in given.items() if present.get(pk) == pair[0].text)
