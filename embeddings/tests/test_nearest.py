"""The nearest of many, against NumPy: recall, k rows however narrow the filter, and the plans."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from embeddings import nearest
from embeddings.models import EmbeddingModel, Interaction
from embeddings.search import Search
from embeddings.words import words_of
from search.plans import plans_of

from .conftest import ROWS, Many

pytestmark = pytest.mark.django_db


def numbers(found: Any) -> list[int]:
    return [row.metadata["n"] for row in found]


def recall(many: Many, queries: int, k: int, every: int = 1, **options: Any) -> float:
    """The mean share of the k nearest by NumPy that are found."""
    interactions = Interaction.objects.all()
    if every > 1:
        interactions = interactions.filter(metadata__n__in=range(every, ROWS + 1, every))
    hits = 0
    for vector in many.vectors[:queries]:
        found = interactions.similar(vector, k, **options)
        assert len(found) == k
        hits += len(set(numbers(found)) & set(many.nearest(vector, k, every)))
    return hits / (queries * k)


def plan_of(call: Any, part: str = "ORDER BY distance LIMIT") -> str:
    """The plan of the statement that looks for vectors, or has another part. What sets its settings
    is sent with it, and reads nothing."""
    (plan,) = [plan for plan in plans_of(call) if part in plan and "Scan" in plan]
    return plan


class TestRecall:
    def test_exact_mode_is_exact(self, many: Many) -> None:
        assert recall(many, 5, 10, mode="exact") == 1

    def test_the_index_finds_nearly_all(self, many: Many) -> None:
        assert recall(many, 40, 10) >= 0.98

    @pytest.mark.parametrize("every", [100, 1000, 6000])
    def test_few_candidates_are_compared_exactly(self, many: Many, every: int) -> None:
        assert recall(many, 10, 2, every) == 1

    def test_many_candidates_are_found_by_the_index(
        self, many: Many, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(nearest, "FEW", 0)
        assert recall(many, 10, 10, 10) >= 0.95


class TestAllRows:
    def test_a_filter_that_the_index_hardly_meets_still_gives_k_rows(
        self, many: Many, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The planner expects more than there are: the index is asked, gives up, and the rest
        comes by an exact scan."""
        monkeypatch.setattr(nearest, "_planned_rows", lambda *_: 10**6)
        monkeypatch.setitem(nearest.BY_INDEX, "hnsw.max_scan_tuples", "100")
        found = Interaction.objects.owned_by(many.user).similar(many.vectors[0], k=10)
        assert len(found) == 10

    def test_more_candidates_than_the_planner_expects_are_left_to_the_index(
        self, many: Many, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(nearest, "_planned_rows", lambda *_: 1)
        monkeypatch.setattr(nearest, "FEW", 500)
        found = Interaction.objects.filter(kind="prompt").similar(many.vectors[1], k=10)
        with CaptureQueriesContext(connection) as queries:
            assert len(found) == 10
        assert any("hnsw.iterative_scan" in query["sql"] for query in queries)
        assert {row.kind for row in found} == {"prompt"}

    def test_fewer_come_only_if_there_are_fewer(self, many: Many) -> None:
        found = Interaction.objects.owned_by(many.user).similar(many.vectors[0], k=50)
        assert len(found) == 10


class TestPlans:
    def test_without_a_filter_the_index_gives_the_order(self, many: Many) -> None:
        plan = plan_of(lambda: list(Interaction.objects.similar(many.vectors[0])))
        assert f"Index Scan using embedding_hnsw_{many.model.pk}" in plan
        assert "Sort" not in plan

    def test_a_wide_filter_is_applied_to_what_the_index_gives(
        self, many: Many, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(nearest, "FEW", 0)
        found = Interaction.objects.filter(kind="prompt").similar(many.vectors[0])
        plan = plan_of(lambda: list(found))
        assert f"Index Scan using embedding_hnsw_{many.model.pk}" in plan
        assert "interaction_pkey" in plan
        assert "Sort" not in plan

    def test_a_narrow_filter_comes_first_and_no_other_vector_is_read(self, many: Many) -> None:
        found = Interaction.objects.owned_by(many.user).similar(many.vectors[0])
        plan = plan_of(lambda: list(found))
        assert "interaction_user_newest" in plan
        # One search of the index for all, and not one for each.
        assert (
            "embedding_interaction_model" in plan and "Index Cond: ((interaction_id = ANY" in plan
        )
        assert "hnsw" not in plan and "Seq Scan" not in plan

    def test_no_more_candidates_are_counted_than_it_takes(
        self, many: Many, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(nearest, "_planned_rows", lambda *_: 1)
        monkeypatch.setattr(nearest, "FEW", 50)
        found = Interaction.objects.filter(created__year=2026).similar(many.vectors[0])
        (plan,) = [plan for plan in plans_of(lambda: list(found), analyze=True)
                   if "AS counted" in plan]  # fmt: skip
        assert "rows=101.00" in plan

    def test_exact_mode_uses_no_index_of_vectors(self, many: Many) -> None:
        found = Interaction.objects.similar(many.vectors[0], mode="exact")
        assert "hnsw" not in plan_of(lambda: list(found))

    def test_the_rows_found_are_fetched_by_their_keys(self, many: Many) -> None:
        found = Interaction.objects.similar(many.vectors[0])
        plan = plan_of(lambda: list(found))
        assert "interaction_pkey" in plan and "Seq Scan" not in plan
        plan = plan_of(lambda: list(found.order_by("pk")), "array_position")
        assert "interaction_pkey" in plan and "embedding" not in plan
        assert "Seq Scan" not in plan

    def test_words_come_by_their_index(self, many: Many) -> None:
        found = Interaction.objects.all()._searched(
            Search(many.model, many.vectors[0], mode="hybrid", text="bagpipes")
        )
        plan = plan_of(lambda: list(found), "WITH nearest")
        assert "interaction_search" in plan
        assert f"embedding_hnsw_{many.model.pk}" in plan


class TestSettings:
    def test_ef_search_reaches_the_index(self, many: Many) -> None:
        found = Interaction.objects.similar(many.vectors[0], ef_search=333)
        (settings,) = [plan for plan in plans_of(lambda: list(found)) if "set_config" in plan]
        assert "'hnsw.ef_search'" in settings and "'333'" in settings

    @pytest.mark.parametrize(
        ("indexed", "k", "expected"),
        [(0, 10, 64), (99_999, 10, 64), (400_000, 10, 128), (400_000, 100, 200), (1e12, 10, 1000)],
    )
    def test_the_index_keeps_more_in_mind_the_more_it_has(
        self, indexed: float, k: int, expected: int
    ) -> None:
        model = EmbeddingModel()
        model.indexed = indexed
        assert nearest._ef_search(model, k) == expected

    def test_a_model_knows_how_many_vectors_are_indexed(self, many: Many) -> None:
        active = EmbeddingModel.objects.active()
        assert active is not None and vars(active)["indexed"] == ROWS
        assert EmbeddingModel.objects.get(pk=many.model.pk).indexed == ROWS
        assert EmbeddingModel.objects.create(name="other", dimensions=3).indexed == 0

    def test_settings_are_as_before_afterwards(self, many: Many) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL hnsw.ef_search = 77; SET LOCAL enable_sort = on")
            list(Interaction.objects.similar(many.vectors[0]))
            cursor.execute(
                "SELECT current_setting('hnsw.ef_search'), current_setting('enable_sort')"
            )
            assert cursor.fetchone() == ("77", "on")

    @pytest.mark.parametrize(("filters", "most"), [({}, 2), ({"metadata__contains": {"n": 7}}, 3)])
    def test_few_statements(self, many: Many, filters: dict[str, Any], most: int) -> None:
        """The model, how many candidates the planner expects, and the rows with their settings."""
        with CaptureQueriesContext(connection) as queries:
            found = Interaction.objects.filter(**filters).similar(many.vectors[0])
            assert len(found) == (1 if filters else 10)
        # A prepared statement is captured without its text.
        assert len([query for query in queries if "SAVEPOINT" not in (query["sql"] or "")]) == most


def test_words_know_how_common_they_are(many: Many) -> None:
    words = {word.lexeme: word.frequency for word in words_of("songs bagpipes nobody", "default")}
    assert words["songs"] == 1
    assert 0 <= words["bagpipes"] < 0.01
    assert words["nobody"] == 0
