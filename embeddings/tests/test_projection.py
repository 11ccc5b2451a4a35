"""Vectors in a plane: as far apart as they are, and linked to what is nearest."""

from typing import Any

import numpy as np
import pytest

from embeddings.projection import BLOCK, links, project
from embeddings.vectors import Array


def unit(rows: Any) -> Array:
    array = np.array(rows, dtype=np.float32)
    scaled: Array = (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def test_points_of_a_plane_are_as_far_apart_as_there() -> None:
    """Rotated into five dimensions, a cross is a cross, the longer axis first."""
    random = np.random.default_rng(1)
    rotation, _ = np.linalg.qr(random.normal(size=(5, 5)))
    cross = np.zeros((4, 5))
    cross[:, :2] = [[2, 0], [-2, 0], [0, 1], [0, -1]]
    projection = project((cross @ rotation).astype(np.float32))
    assert projection.kept == pytest.approx(1)
    assert np.abs(projection.points).round(6).tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    assert (projection.points[0] + projection.points[1]).round(6).tolist() == [0, 0]


def test_the_share_of_the_variance_is_told() -> None:
    rows = np.eye(4, dtype=np.float32)
    assert project(rows).kept == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "rows", [np.zeros((0, 3)), np.ones((1, 3)), np.ones((5, 3)), np.array([[1.0], [2.0]])]
)
def test_what_has_no_two_axes_has_points_all_the_same(rows: Any) -> None:
    points, kept = project(rows.astype(np.float32))
    assert points.shape == (len(rows), 2)
    assert np.isfinite(points).all() and np.abs(points).max(initial=0) <= 1
    assert 0 <= kept <= 1


def test_each_is_linked_to_its_nearest_every_pair_once() -> None:
    found = links(unit([[1, 0], [1, 0.1], [0, 1], [-0.1, 1], [-1, 1]]))
    assert sorted((link.first, link.second) for link in found) == [(0, 1), (2, 3), (3, 4)]
    assert {round(link.similarity, 2) for link in found} == {1.0, 0.77}


def test_links_are_the_same_in_several_blocks() -> None:
    vectors = unit(np.random.default_rng(2).normal(size=(BLOCK + 90, 8)))
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -1)
    nearest = similarities.argmax(axis=1)
    expected = {tuple(sorted((row, int(other)))) for row, other in enumerate(nearest)}
    assert {(link.first, link.second) for link in links(vectors)} == expected
    assert links(vectors[:1]) == []
