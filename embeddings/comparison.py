"""Two models over the same interactions: do they find the same, and does the index find it all?"""

from dataclasses import dataclass
from uuid import UUID

from embeddings.models import EmbeddingModel, Interaction
from embeddings.recall import Neighbours, recall
from embeddings.vectors import Array
from vibomat import timeouts

K = 10
SAMPLE = 100


@dataclass
class Comparison:
    """Means over `sampled` interactions that both models have vectors of.

    `recall_old`, `recall_new`: the share of the `k` exactly nearest that a model's index finds.
    `overlap`: the share of the `k` nearest by one model that are so by the other as well.
    """

    sampled: int
    k: int
    recall_old: float
    recall_new: float
    overlap: float


def compare(old: EmbeddingModel, new: EmbeddingModel) -> Comparison | None:
    """Compare by interactions drawn at random; None if there are less than two to compare."""
    with timeouts.lifted():
        both = Interaction.objects.filter(embeddings__model=old).filter(embeddings__model=new)
        drawn = list(both.order_by("?")[:SAMPLE])
        # An older vector may be zero, and then has no neighbours.
        sample = [row for row in drawn if _vector(row, old).any() and _vector(row, new).any()]
        k = min(K, len(sample) - 1)
        if k < 1:
            return None
        by_old = [_neighbours(row, old, k) for row in sample]
        by_new = [_neighbours(row, new, k) for row in sample]
    same = sum(
        len(first.exact.keys() & second.exact.keys())
        for first, second in zip(by_old, by_new, strict=True)
    )
    return Comparison(
        sampled=len(sample),
        k=k,
        recall_old=recall(by_old),
        recall_new=recall(by_new),
        overlap=same / (k * len(sample)),
    )


def _vector(row: Interaction, model: EmbeddingModel) -> Array:
    return model.embeddings.get(interaction=row).values


def _neighbours(row: Interaction, model: EmbeddingModel, k: int) -> Neighbours:
    """The `k` nearest others, exactly and by the index.

    Without a filter: `similar_to` has one, by which it need not ask the index.
    """
    vector = _vector(row, model)

    def others(mode: str) -> dict[UUID, float]:
        found = Interaction.objects.similar(vector, k + 1, model=model, mode=mode)
        similarities = dict(found.values_list("pk", "similarity"))
        similarities.pop(row.pk, None)
        return dict(list(similarities.items())[:k])

    return Neighbours(others("exact"), others("vector"))
