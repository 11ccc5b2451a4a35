"""Interactions that wait for a vector get it, in batches of one transaction each.

A batch's rows are locked while it is embedded, and others' are skipped (`SKIP LOCKED`): any number
of processes share the work. A process that is killed leaves its batch to the others.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from embeddings.embedders import Embedder, EmbedderError, TextRefused, Vectors
from embeddings.models import EmbeddingModel, Interaction
from vibomat import timeouts

# Seconds before what failed is tried again, the first time, the second, and so on.
WAITS = (1.0, 4.0, 15.0, 60.0)
LONGEST_WAIT = 600.0
# After so many refusals without a single vector one is made of a text that nothing is wrong with.
MOST_REFUSED = 200
HARMLESS = "quiet piano"


@dataclass
class Report:
    """What was done: how many were embedded, and why some could not be, by their id."""

    embedded: int = 0
    refused: dict[UUID, str] = field(default_factory=dict)


def embed_waiting(
    model: EmbeddingModel,
    *,
    stored: Callable[[int], object] = lambda count: None,
    notify: Callable[[str], object] = lambda message: None,
) -> Report:
    """Embed the interactions that wait for this model, until none is left but those of others'
    batches and those that are refused.

    `stored` is told how many more were embedded, `notify` of failures that may pass: those are
    tried again for a while. Raises EmbedderError, with all batches before it stored.
    """
    embedder = model.embedder
    report = Report()
    with timeouts.lifted():
        # A killed process's batch is behind, where the work began.
        while _pass(model, embedder, report, stored, notify):
            pass
    return report


def _pass(
    model: EmbeddingModel,
    embedder: Embedder,
    report: Report,
    stored: Callable[[int], object],
    notify: Callable[[str], object],
) -> bool:
    """From the first id to the last; whether anything was embedded."""
    before = report.embedded
    after: UUID | None = None
    failures = 0
    works = False
    while True:
        try:
            if not works and not report.embedded and len(report.refused) >= MOST_REFUSED:
                _try(embedder)
                works = True
            with transaction.atomic():
                claimed = _claim(model, embedder.batch, after)
                if not claimed:
                    return report.embedded > before
                waiting = [row for row in _still_waiting(model, claimed) if _untried(row, report)]
                pairs = _pairs(embedder, waiting, report)
                model.store(pairs)
        except EmbedderError as error:
            if not error.temporary or failures == len(WAITS):
                raise
            seconds = max(error.retry_after or 0, WAITS[failures])
            if seconds > LONGEST_WAIT:
                raise
            failures += 1
            notify(f"{error} Trying again in {seconds:.0f} s.")
            # Outside the transaction: nobody waits for these rows meanwhile.
            time.sleep(seconds)
            continue
        after, failures = claimed[-1].pk, 0
        report.embedded += len(pairs)
        stored(len(pairs))


def _try(embedder: Embedder) -> None:
    """Raise EmbedderError if it makes no vector whatever the text."""
    try:
        embedder.embed_documents([HARMLESS])
    except TextRefused as error:
        raise EmbedderError(f"Every text is refused. {error}") from error


def _claim(model: EmbeddingModel, count: int, after: UUID | None) -> list[Interaction]:
    """The next that wait, by id, locked against all others that would claim or change them."""
    rows = Interaction.objects.waiting_for(model)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return list(
        rows.order_by("pk")
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
        .only("text")[:count]
    )


def _still_waiting(model: EmbeddingModel, claimed: list[Interaction]) -> list[Interaction]:
    """Another process may have finished with some between the look at them and their lock."""
    ids = [row.pk for row in claimed]
    return list(
        Interaction.objects.waiting_for(model).filter(pk__in=ids).order_by("pk").only("text")
    )


def _untried(row: Interaction, report: Report) -> bool:
    return row.pk not in report.refused


def _pairs(
    embedder: Embedder, rows: Sequence[Interaction], report: Report
) -> list[tuple[Interaction, Vectors]]:
    """The rows with their vectors, without those the embedder refuses, which the report gets."""
    if not rows:
        return []
    try:
        return list(zip(rows, embedder.embed_documents([row.text for row in rows]), strict=True))
    except TextRefused as error:
        if len(rows) == 1:
            report.refused[rows[0].pk] = str(error)
            return []
        half = len(rows) // 2
        return [
            *_pairs(embedder, rows[:half], report),
            *_pairs(embedder, rows[half:], report),
        ]
