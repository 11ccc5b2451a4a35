"""Logistic regression, as small as a handful of features needs."""

import math
from collections.abc import Sequence

ROUNDS = 50
CONVERGED = 1e-8


def fit(
    rows: Sequence[Sequence[float]],
    right: Sequence[bool],
    weights: Sequence[float],
    *,
    penalty: float = 0.1,
) -> list[float]:
    """The intercept and coefficients that make `right` likeliest, found by Newton's method with an
    L2 penalty on the coefficients."""
    inputs = [[1.0, *row] for row in rows]
    size = len(inputs[0])
    found = [0.0] * size
    for _ in range(ROUNDS):
        gradient = [-penalty * value * (i > 0) for i, value in enumerate(found)]
        curvature = [
            [(penalty if i else 1e-9) * (i == k) for k in range(size)] for i in range(size)
        ]
        for row, is_right, weight in zip(inputs, right, weights, strict=True):
            probability = 1 / (1 + math.exp(-sum(a * b for a, b in zip(found, row, strict=True))))
            for i, value in enumerate(row):
                if value:
                    gradient[i] += weight * (is_right - probability) * value
                    for k in range(size):
                        curvature[i][k] += weight * probability * (1 - probability) * value * row[k]
        step = _solve(curvature, gradient)
        found = [a + b for a, b in zip(found, step, strict=True)]
        if max(map(abs, step)) < CONVERGED:
            break
    return found


def _solve(matrix: list[list[float]], vector: list[float]) -> list[float]:
    """Gaussian elimination; the matrix is positive definite."""
    size = len(vector)
    rows = [[*row, value] for row, value in zip(matrix, vector, strict=True)]
    for i in range(size):
        for lower in rows[i + 1 :]:
            factor = lower[i] / rows[i][i]
            for k in range(i, size + 1):
                lower[k] -= factor * rows[i][k]
    solution = [0.0] * size
    for i in reversed(range(size)):
        known = sum(rows[i][k] * solution[k] for k in range(i + 1, size))
        solution[i] = (rows[i][size] - known) / rows[i][i]
    return solution
