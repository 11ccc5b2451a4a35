"""What ways of finding the nearest give, beside the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from benchmarks.judging import percentile
from benchmarks.made_vectors import BLOCK, Recipe

if TYPE_CHECKING:
    from embeddings.embedders import Vectors

K = 10

Numbers = npt.NDArray[np.int64]
# Which of the numbers a filter keeps.
Keeps = Callable[[Numbers], npt.NDArray[np.bool_]]


@dataclass
class Run:
    """What a way of asking gave: milliseconds, the share of the true neighbours, rows missing."""

    took_ms: list[float] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)
    missing: int = 0

    def note(self, took: float, found: set[int], true: list[int]) -> None:
        self.took_ms.append(took * 1000)
        self.recalls.append(len(found & set(true)) / len(true))
        self.missing += len(found) < len(true)

    def figures(self) -> list[str]:
        took = self.took_ms
        return [
            f"{np.mean(self.recalls):.4f}",
            f"{self.missing / len(took):.0%}",
            f"{percentile(took, 0.5):.2f}",
            f"{percentile(took, 0.95):.2f}",
            f"{max(took):.1f}",
        ]


def truth(
    recipe: Recipe, queries: Vectors, filters: dict[str, Keeps]
) -> dict[str, list[list[int]]]:
    """The numbers of the nearest to each query, by filter, of full precision."""
    best: dict[str, tuple[Vectors, Numbers]] = {}
    start = 1
    total = -(-recipe.count // BLOCK)
    for block in tqdm(recipe.blocks(), total=total, desc="truth", disable=None, leave=False):
        numbers = np.arange(start, start + len(block))
        start += len(block)
        similarity = queries @ block.T
        for name, keeps in filters.items():
            kept = keeps(numbers)
            near, which = (
                similarity[:, kept],
                np.broadcast_to(numbers[kept], (len(queries), kept.sum())),
            )
            if name in best:
                near = np.hstack([best[name][0], near])
                which = np.hstack([best[name][1], which])
            order = np.argsort(-near, axis=1)[:, :K]
            best[name] = (
                np.take_along_axis(near, order, axis=1),
                np.take_along_axis(which, order, axis=1),
            )
    return {name: which.tolist() for name, (_, which) in best.items()}


def copied(rows: npt.NDArray[Any]) -> bytes:
    """Rows in the layout of COPY's binary format, with its head and end."""
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"
