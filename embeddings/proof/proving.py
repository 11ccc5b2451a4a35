"""A proof, on the database at hand, that searches by meaning find what they should.

The shipped prompts are embedded, stored and searched for in a transaction that is rolled back,
whatever happens: nobody else sees any of it, and the database stays as it was.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from django.db.models import QuerySet

from embeddings import embedders, indexing
from embeddings.embedders import Vectors
from embeddings.models import EmbeddingModel, Interaction
from embeddings.proof.shipped import Prompt, prompts
from embeddings.querysets import InteractionQuerySet
from embeddings.recall import Neighbours, recall
from vibomat import timeouts

K = 10
FIVE = 5
# Recall is measured by every third prompt.
EVERY = 3
# The fewest vectors among which finding the nearest ten means something. Where there are fewer,
# some are made for the time of the proof: each a prompt's, turned into any direction this far.
CROWD = 2_000
CROWD_SIMILARITY = 0.85
SEED = 12
# A build of the index keeps writers out, so it must not wait for one of them and keep all others
# waiting behind it.
LOCK_TIMEOUT = "5s"

LEAST_RECALL = 0.98
LEAST_FILTERED_RECALL = 0.99
LEAST_FIRST_OF_THEME = 0.85
LEAST_FIVE_OF_THEME = 0.65


@dataclass
class Measure:
    """A share from 0 to 1, and the least it must be."""

    name: str
    value: float
    least: float

    @property
    def is_met(self) -> bool:
        return self.value >= self.least


@dataclass
class Proof:
    """`neighbours` are of each prompt, nearest first, with their similarity; `rows` is among how
    many vectors they were looked for, `crowd` how many of those were made for that."""

    model: str
    rows: int = 0
    crowd: int = 0
    measures: list[Measure] = field(default_factory=list)
    neighbours: dict[Prompt, list[tuple[Prompt, float]]] = field(default_factory=dict)

    @property
    def missed(self) -> list[str]:
        """Why it proves nothing; empty if it does."""
        return [
            f"{measure.name} is {measure.value:.3f} and should be {measure.least:.2f}"
            for measure in self.measures
            if not measure.is_met
        ]


def prove(id: str | None = None) -> Proof:
    """The proof for the embedder with that id; by default for the model that searches use, or the
    setting EMBEDDER if there is none yet. Raises EmbedderError."""
    active = EmbeddingModel.objects.active()
    embedder = embedders.by_id(id) if id else active.embedder if active else embedders.current()
    shipped = prompts()
    # Before the transaction, as it may take long.
    documents = embedder.embed_documents([prompt.text for prompt in shipped])
    queries = embedder.embed_queries([prompt.text for prompt in shipped])
    with _rolled_back():
        model, _ = EmbeddingModel.objects.get_or_create(
            name=embedder.id,
            defaults={"dimensions": embedder.dimensions, "distance": embedder.distance},
        )
        # Which raises if the model's vectors have other dimensions.
        proof = Proof(model.embedder.id)
        rows = _store(model, [{"theme": prompt.theme} for prompt in shipped], documents)
        by_id = dict(zip(rows, shipped, strict=True))
        proof.rows = model.embeddings.count()
        if proof.rows < CROWD:
            proof.crowd = CROWD - proof.rows
            proof.rows = CROWD
            made = _crowd(documents, proof.crowd)
            _store(model, [{"half": number % 2} for number in range(proof.crowd)], made)
        if not indexing.is_valid(model):
            # No index can be built while foreign keys wait to be checked.
            connection.check_constraints()
            indexing.build(model, concurrently=False)
        _search(proof, model, rows, queries, by_id)
    return proof


@contextmanager
def _rolled_back() -> Iterator[None]:
    with timeouts.lifted(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        yield
        transaction.set_rollback(True)


def _store(model: EmbeddingModel, marks: list[dict[str, object]], vectors: Vectors) -> list[UUID]:
    rows = [Interaction(text="proof", metadata={"proof": True} | mark) for mark in marks]
    Interaction.objects.bulk_create(rows, batch_size=500)
    model.store(zip(rows, vectors, strict=True))
    return [row.pk for row in rows]


def _crowd(vectors: Vectors, count: int) -> Vectors:
    random = np.random.default_rng(SEED)
    near = vectors[random.integers(len(vectors), size=count)]
    aside = random.normal(size=near.shape)
    # At right angles to the prompt's, so that the similarity is the stated one.
    aside -= np.einsum("ij,ij->i", aside, near)[:, None] * near
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    turned = CROWD_SIMILARITY * near + np.sqrt(1 - CROWD_SIMILARITY**2) * aside
    crowd: Vectors = turned.astype(np.float32)
    return crowd


def _search(
    proof: Proof,
    model: EmbeddingModel,
    rows: list[UUID],
    queries: Vectors,
    by_id: dict[UUID, Prompt],
) -> None:
    everything = Interaction.objects.all()
    ours = everything.filter(metadata__contains={"proof": True}, pk__in=rows)
    half = everything.filter(metadata__contains={"proof": True, "half": 0})
    unfiltered, filtered = [], []
    for query in queries[::EVERY]:
        unfiltered.append(_neighbours(everything, query, model, K))
        filtered.append(_neighbours(ours, query, model, K))
        if proof.crowd:
            filtered.append(_neighbours(half, query, model, K))
    for row, query in zip(rows, queries, strict=True):
        nearest = _found(ours.exclude(pk=row), query, model, FIVE, "vector")
        proof.neighbours[by_id[row]] = [(by_id[pk], nearest[pk]) for pk in nearest]
    of_theme = [
        [other.theme == prompt.theme for other, _ in others]
        for prompt, others in proof.neighbours.items()
    ]
    proof.measures = [
        Measure("Recall@10 of the index", recall(unfiltered), LEAST_RECALL),
        Measure("Recall@10 under a filter", recall(filtered), LEAST_FILTERED_RECALL),
        Measure(
            "The share of prompts whose nearest has their theme",
            float(np.mean([same[0] for same in of_theme])),
            LEAST_FIRST_OF_THEME,
        ),
        Measure(
            "The share of the five nearest with the same theme",
            float(np.mean(of_theme)),
            LEAST_FIVE_OF_THEME,
        ),
    ]


def _neighbours(
    among: InteractionQuerySet, query: Vectors, model: EmbeddingModel, k: int
) -> Neighbours:
    return Neighbours(
        _found(among, query, model, k, "exact"), _found(among, query, model, k, "vector")
    )


def _found(
    among: InteractionQuerySet, query: Vectors, model: EmbeddingModel, k: int, mode: str
) -> dict[UUID, float]:
    """Similarities by id, the nearest first."""
    similar: QuerySet[Any] = among.similar(query, k, mode=mode, model=model)
    return dict(similar.values_list("pk", "similarity"))
