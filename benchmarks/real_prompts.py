"""The nearest of real prompts, and where they are from."""

from __future__ import annotations

import random
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import transaction
from rich.console import Console
from rich.table import Table

from benchmarks.prompts import Prompt
from embeddings import embedders, indexing
from embeddings.models import EmbeddingModel, Interaction

if TYPE_CHECKING:
    from embeddings.embedders import Vectors

NEIGHBOURS = 5


def measure_real(console: Console, prompts: list[Prompt], real: Vectors) -> None:
    """The prompts themselves, in the scratch database for a moment."""
    sources = {prompt.text: prompt.source for prompt in prompts}
    choose = random.Random(1)
    with transaction.atomic():
        EmbeddingModel.objects.update(state="retired")
        embedder = embedders.current()
        model = EmbeddingModel.objects.create(name=embedder.id, dimensions=embedder.dimensions)
        rows = [Interaction(text=prompt.text) for prompt in prompts]
        Interaction.objects.bulk_create(rows)
        model.store(zip(rows, real, strict=True))
        indexing.build(model, concurrently=False)
        model.activate()
        vectors = dict(zip((row.pk for row in rows), real, strict=True))
        same, recalls, shown = [], [], []
        for row in choose.sample(rows, min(len(rows), 300)):
            near, exact = (_others(row, vectors[row.pk], mode) for mode in ("vector", "exact"))
            recalls.append(len(set(exact) & set(near)) / NEIGHBOURS)
            same.append(np.mean([sources[found.text] == sources[row.text] for found in near]))
            shown.append((row, near))
        transaction.set_rollback(True)
    chance = sum(
        (list(sources.values()).count(s) / len(sources)) ** 2 for s in set(sources.values())
    )
    console.print(
        f"{len(rows):,} prompts by {embedder.id}: {np.mean(same):.1%} of the {NEIGHBOURS} nearest "
        f"are from the same source, {chance:.1%} would be by chance; recall {np.mean(recalls):.4f}"
    )
    table = Table("prompt", "nearest", "similarity", "source")
    for row, near in islice(shown, 5):
        for place, found in enumerate(near[:3]):
            cells = (_short(found.text), f"{found.similarity:.3f}", sources[found.text])
            table.add_row("" if place else _short(row.text), *cells)
        table.add_section()
    console.print(table)


def _others(row: Interaction, vector: Vectors, mode: str) -> list[Any]:
    """The nearest others, without a filter, by which the index need not be asked."""
    found = Interaction.objects.similar(vector, NEIGHBOURS + 1, mode=mode)
    return [other for other in found if other.pk != row.pk][:NEIGHBOURS]


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
