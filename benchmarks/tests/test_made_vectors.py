"""Made vectors are as near each other as the real ones, and the same each time."""

import numpy as np
import pytest

from benchmarks.made_vectors import BLOCK, Recipe, nearest_distances
from benchmarks.vector_runs import truth


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    random = np.random.default_rng(3)
    centres = random.normal(size=(40, 16))
    real = (centres[random.integers(40, size=800)] + 0.5 * random.normal(size=(800, 16))).astype(
        np.float32
    )
    real /= np.linalg.norm(real, axis=1, keepdims=True)
    return Recipe(real, BLOCK + 500)


def test_as_many_made_vectors_as_real_ones_have_their_median_distance(recipe: Recipe) -> None:
    made = np.concatenate(list(recipe.blocks()))
    assert made.shape == (BLOCK + 500, 16)
    assert np.linalg.norm(made, axis=1) == pytest.approx(1, abs=1e-5)
    real = np.median(nearest_distances(recipe.real))
    assert np.median(nearest_distances(made[:800])) == pytest.approx(real, rel=0.15)


def test_the_same_recipe_makes_the_same_vectors(recipe: Recipe) -> None:
    again = Recipe(recipe.real, recipe.count)
    for one, other in zip(recipe.blocks(), again.blocks(), strict=True):
        assert (one == other).all()
    assert not (recipe.others(10) == next(iter(recipe.blocks()))[:10]).any(axis=1).any()


def test_the_truth_of_all_blocks_is_that_of_all_vectors(recipe: Recipe) -> None:
    made = np.concatenate(list(recipe.blocks()))
    queries = recipe.others(5)
    found = truth(recipe, queries, {"all": lambda n: n > 0, "even": lambda n: n % 2 == 0})
    similarity = queries @ made.T
    expected = (np.argsort(-similarity, axis=1)[:, :10] + 1).tolist()
    assert [set(row) for row in found["all"]] == [set(row) for row in expected]
    assert all(n % 2 == 0 for row in found["even"] for n in row)
