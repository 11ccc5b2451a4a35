"""How much of what is exactly nearest a search finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

# What half precision makes of equal distances.
EPSILON = 1e-4


@dataclass
class Neighbours:
    """What two searches for the same found: similarities by id, the nearest first."""

    exact: dict[UUID, float]
    found: dict[UUID, float]


def recall(searches: Sequence[Neighbours]) -> float:
    """The mean share of the exactly nearest that were found; 1 if there was nothing to find.

    What is as near as the last of the exact ones counts as one of them: of several alike a search
    may take any. M. Aumüller et al., "ANN-Benchmarks", 2020.
    """
    shares = [_share(search) for search in searches if search.exact]
    return sum(shares) / len(shares) if shares else 1.0


def _share(search: Neighbours) -> float:
    farthest = min(search.exact.values()) - EPSILON
    near = sum(similarity >= farthest for similarity in search.found.values())
    return min(near / len(search.exact), 1.0)
