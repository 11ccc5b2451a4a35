"""Any number of vectors that lie as those of real prompts do.

Each is a real prompt's vector with noise of the real vectors' own covariance, scaled to length 1.
The noise is as strong as makes the median distance to the nearest neighbour, in a sample as large
as the real vectors are many, the same as among those.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from embeddings.embedders import Vectors

BLOCK = 10_000
SHARES = (10, 50, 90)


@dataclass(frozen=True)
class Recipe:
    """`count` vectors made of those real ones; the same for the same `seed`."""

    real: Vectors
    count: int
    seed: int = 1

    @cached_property
    def strength(self) -> float:
        """Of the noise, as a share of the real vectors' own deviation."""
        aim = float(np.median(nearest_distances(self.real)))
        low, high = 0.0, 2.0
        for _ in range(12):
            middle = (low + high) / 2
            made = self._made(len(self.real), middle, np.random.default_rng([self.seed, 0]))
            if np.median(nearest_distances(made)) < aim:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    def blocks(self) -> Iterator[Vectors]:
        """The vectors, by the ten thousand."""
        for start in range(0, self.count, BLOCK):
            random = np.random.default_rng([self.seed, 1, start])
            yield self._made(min(BLOCK, self.count - start), self.strength, random)

    def others(self, count: int) -> Vectors:
        """Further vectors, to look for."""
        return self._made(count, self.strength, np.random.default_rng([self.seed, 2]))

    @cached_property
    def _axes(self) -> Vectors:
        """The real vectors' principal axes, each as long as their deviation along it."""
        deviations, axes = np.linalg.eigh(np.cov(self.real, rowvar=False))
        scaled: Vectors = (axes * np.sqrt(deviations.clip(0))).T.astype(np.float32)
        return scaled

    def _made(self, count: int, strength: float, random: np.random.Generator) -> Vectors:
        chosen = self.real[random.integers(len(self.real), size=count)]
        drawn = random.standard_normal((count, self.real.shape[1]), dtype=np.float32)
        vectors: Vectors = chosen + np.float32(strength) * (drawn @ self._axes)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def nearest_distances(vectors: Vectors) -> Vectors:
    """The cosine distance of each to its nearest other one."""
    found = []
    for start in range(0, len(vectors), 1000):
        similarity = vectors[start : start + 1000] @ vectors.T
        rows = np.arange(len(similarity))
        similarity[rows, start + rows] = -1
        found.append(1 - similarity.max(axis=1))
    distances: Vectors = np.concatenate(found)
    return distances


def shares(distances: Vectors) -> str:
    """The 10th, 50th and 90th percentile."""
    return " / ".join(f"{value:.4f}" for value in np.percentile(distances, SHARES))


def described(recipe: Recipe) -> str:
    """The recipe, and how far the nearest are from real and from made vectors."""
    made = next(iter(Recipe(recipe.real, BLOCK).blocks()))[: len(recipe.real)]
    return (
        f"{recipe.count:,} vectors of {recipe.real.shape[1]} dimensions, made of "
        f"{len(recipe.real):,} real ones with noise of {recipe.strength:.3f} of their deviation.\n"
        f"Distance to the nearest, p10 / p50 / p90: real {shares(nearest_distances(recipe.real))}, "
        f"as many made {shares(nearest_distances(made))}"
    )
