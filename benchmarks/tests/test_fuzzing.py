"""A few hundred of the requests that `manage.py fuzz_api` makes."""

from typing import Any

import pytest

from benchmarks.fuzzing import fuzz
from search.api import serializers

pytestmark = pytest.mark.django_db(transaction=True)


# What is quickly made up; archives' contents take the machine longer than the API.
@pytest.mark.parametrize("only", ["/api/search/", "/api/tokens/"])
def test_every_answer_is_documented_and_none_is_a_5xx(only: str) -> None:
    found = fuzz(80, seed=7, only=only)
    assert found.problems == {}
    assert found.requests > 50
    assert len(found.statuses) > 1


@pytest.mark.parametrize(
    ("answer", "title"),
    [(lambda: 1 / 0, "Server error"), (lambda: {"query": 5}, "Response violates schema")],
)
def test_a_wrong_answer_is_told(monkeypatch: pytest.MonkeyPatch, answer: Any, title: str) -> None:
    monkeypatch.setattr(serializers, "suggest_response", lambda *args: answer())
    found = fuzz(40, seed=7, only="/api/search/suggest/")
    assert title in {problem[1] for problem in found.problems}
