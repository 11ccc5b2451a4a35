"""How far each model is, and how well its index finds; all bounded in time."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db import OperationalError, connection, transaction
from django.db.models import Max, Min
from psycopg.errors import QueryCanceled

from embeddings import indexing
from embeddings.models import Embedding, EmbeddingModel, Interaction, State
from embeddings.recall import Neighbours, recall
from vibomat.pagination import EstimatingPaginator

K = 10
# Of what waits, and in how many milliseconds, it is counted.
COUNTED = 10_000
COUNTING_MS = 1_000
# How many vectors recall is measured with at most, and in how many seconds or so.
SAMPLE = 50
SECONDS = 3.0


@dataclass(frozen=True)
class Standing:
    """`vectors`: how many it has; many are estimated. `waiting`: how many interactions wait for
    one, at most `COUNTED + 1`; None if it is not known, or if the model is retired."""

    model: EmbeddingModel
    vectors: int
    waiting: int | None
    is_indexed: bool
    index_bytes: int

    @property
    def shown_vectors(self) -> str:
        return f"{self.vectors:,}" if self.vectors <= COUNTED else f"about {self.vectors:,}"

    @property
    def shown_waiting(self) -> str:
        if self.waiting is None:
            return "" if self.model.state == State.RETIRED else "not known"
        more = self.waiting > COUNTED
        return f"more than {COUNTED:,}" if more else f"{self.waiting:,}"


@dataclass(frozen=True)
class MeasuredRecall:
    """The share of the `K` exactly nearest that the index finds: a mean over `sampled` stored
    vectors, with how long a search took by each in the mean."""

    sampled: int
    recall: float
    index_ms: float
    exact_ms: float


def standing(model: EmbeddingModel) -> Standing:
    return Standing(
        model,
        EstimatingPaginator(model.embeddings.order_by("pk"), 1).count,
        None if model.state == State.RETIRED else waiting(model),
        indexing.is_valid(model),
        indexing.size(model),
    )


def embedded(interactions: Iterable[Interaction]) -> set[UUID]:
    """Which of these few have a vector of the active model.

    Not for an annotation of them: PostgreSQL would look at all vectors once, to look up a page's.
    """
    model = EmbeddingModel.objects.active()
    if model is None:
        return set()
    stored = model.embeddings.filter(interaction__in=[row.pk for row in interactions])
    return set(stored.values_list("interaction_id", flat=True))


def waiting(model: EmbeddingModel) -> int | None:
    """How many interactions wait for a vector, `COUNTED + 1` for more; None if counting them takes
    too long."""
    try:
        with _in_time(COUNTING_MS):
            count: int = Interaction.objects.waiting_for(model)[: COUNTED + 1].count()
            return count
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return None


def measure(
    model: EmbeddingModel, seconds: float = SECONDS, sample: int = SAMPLE
) -> MeasuredRecall | None:
    """The recall of the model's index by vectors drawn at random: as many as there is time for, at
    least one. None if there is no index, or no vector."""
    if not indexing.is_valid(model):
        return None
    until = time.monotonic() + seconds
    searches: list[Neighbours] = []
    spent = {"vector": 0.0, "exact": 0.0}
    for embedding in _drawn(model, sample):
        found = {}
        for mode in spent:
            started = time.perf_counter()
            rows = Interaction.objects.similar(embedding.values, K, mode=mode, model=model)
            found[mode] = {row.pk: float(row.similarity) for row in rows.only("pk")}
            spent[mode] += time.perf_counter() - started
        searches.append(Neighbours(found["exact"], found["vector"]))
        if time.monotonic() > until:
            break
    if not searches:
        return None
    milliseconds = {mode: 1000 * total / len(searches) for mode, total in spent.items()}
    return MeasuredRecall(
        len(searches), recall(searches), milliseconds["vector"], milliseconds["exact"]
    )


def _drawn(model: EmbeddingModel, sample: int) -> Iterator[Embedding]:
    """Of places among all embeddings' ids, the model's next each; a sparse one comes more often."""
    bounds = Embedding.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if bounds["first"] is None:
        return
    places = np.random.default_rng().integers(bounds["first"], bounds["last"] + 1, size=sample)
    for place in places.tolist():
        embedding = model.embeddings.filter(pk__gte=place).order_by("pk").first()
        if embedding is not None and embedding.values.any():
            yield embedding


@contextmanager
def _in_time(milliseconds: int) -> Iterator[None]:
    """Run what only reads under a limit of its own. It is rolled back: that lifts the limit."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
        yield
        transaction.set_rollback(True)
