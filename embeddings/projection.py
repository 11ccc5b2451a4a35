"""Vectors of many dimensions as points in a plane, for looking at them."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from embeddings.vectors import Array

# Rows whose similarities to all others are in memory at once.
BLOCK = 512


class Projection(NamedTuple):
    """`points`, of shape `(n, 2)`, are from -1 to 1 on each axis; `kept` is the share of the
    variance that the two axes have, from 0 to 1."""

    points: npt.NDArray[np.float64]
    kept: float


class Link(NamedTuple):
    """Two rows, the first the lesser, and their similarity."""

    first: int
    second: int
    similarity: float


def project(vectors: Array) -> Projection:
    """The rows of `vectors`, of shape `(n, dimensions)`, on their first two principal components
    (K. Pearson, 1901). The same vectors give the same points."""
    if len(vectors) < 2:
        return Projection(np.zeros((len(vectors), 2)), 1.0)
    centred = vectors.astype(np.float64)
    centred -= centred.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :2]
    # An axis has two directions, of which `eigh` takes any.
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])] < 0, -1, 1)
    points = np.zeros((len(vectors), 2))
    points[:, : axes.shape[1]] = centred @ axes
    least, most = points.min(axis=0), points.max(axis=0)
    points = (2 * points - least - most) / np.where(most > least, most - least, 1)
    total = variances.sum()
    return Projection(points, float(variances[-2:].sum() / total) if total > 0 else 1.0)


def links(vectors: Array) -> list[Link]:
    """Each row, of length 1, with the one that is nearest to it; every pair once."""
    if len(vectors) < 2:
        return []
    found: dict[tuple[int, int], float] = {}
    for start in range(0, len(vectors), BLOCK):
        similarities = vectors[start : start + BLOCK] @ vectors.T
        rows = np.arange(len(similarities))
        similarities[rows, start + rows] = -np.inf
        for row, nearest in enumerate(similarities.argmax(axis=1).tolist(), start):
            pair = (min(row, nearest), max(row, nearest))
            found[pair] = float(similarities[row - start, nearest])
    return [Link(*pair, similarity) for pair, similarity in found.items()]
