"""Recall is the share of the nearest that were found, whichever of equals those are."""

from uuid import UUID

import pytest

from embeddings.recall import Neighbours, recall


def near(*similarities: float, first: int = 0) -> dict[UUID, float]:
    return {UUID(int=first + place): value for place, value in enumerate(similarities)}


def test_it_is_the_mean_share_of_the_nearest_that_were_found() -> None:
    half = Neighbours(near(0.9, 0.8), {**near(0.9), **near(0.5, first=7)})
    whole = Neighbours(near(0.9, 0.8), near(0.9, 0.8))
    assert recall([half]) == 0.5
    assert recall([half, whole, whole]) == pytest.approx(5 / 6)


def test_rows_that_are_not_there_are_not_found() -> None:
    assert recall([Neighbours(near(0.9, 0.8, 0.7, 0.6), near(0.9))]) == 0.25
    assert recall([Neighbours(near(0.9), {})]) == 0


def test_what_is_as_near_as_the_last_is_one_of_them() -> None:
    exact = near(0.9, 0.8)
    assert recall([Neighbours(exact, {**near(0.9), **near(0.8, first=7)})]) == 1
    assert recall([Neighbours(exact, near(0.9, 0.8, 0.8))]) == 1


def test_where_there_is_nothing_nothing_is_missed() -> None:
    assert recall([]) == recall([Neighbours({}, {})]) == 1
