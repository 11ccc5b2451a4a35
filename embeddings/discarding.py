"""Deleting what a model that nothing uses any more has left: its vectors, its index, itself."""

from collections.abc import Callable

from django.db import transaction

from embeddings import indexing
from embeddings.models import EmbeddingModel, State

BATCH = 5_000


class InUse(Exception):
    """The model is not retired: searches go by it, or it is being filled."""


def discard(model: EmbeddingModel, deleted: Callable[[int], object] = lambda count: None) -> int:
    """Delete a retired model with its vectors and its index, and return how many vectors it had.

    `deleted` is called with the number of each batch. Interrupted, it goes on when run again. Raise
    InUse for another than a retired model, also if somebody takes it up again meanwhile, and
    IndexBusy while somebody builds its index.
    """
    _retired(model)
    indexing.drop(model)
    total, last = 0, 0
    while True:
        with transaction.atomic():
            # Whoever takes it up again waits here, and finds it gone or with fewer vectors.
            _retired(model)
            found = model.embeddings.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)
            if not (batch := list(found[:BATCH])):
                model.embeddings.all().delete()
                model.delete()
                return total
            model.embeddings.filter(pk__in=batch).delete()
        total, last = total + len(batch), batch[-1]
        deleted(len(batch))


def _retired(model: EmbeddingModel) -> None:
    with transaction.atomic():
        locked = EmbeddingModel.objects.select_for_update().filter(pk=model.pk)
        if [found.state for found in locked] != [State.RETIRED]:
            raise InUse(f"{model} is not retired: nothing more of it is deleted.")
