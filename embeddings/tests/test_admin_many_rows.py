"""The admin's pages for looking into embeddings, with so many rows that a plan means something."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from embeddings import indexing
from embeddings.models import Embedding, Interaction
from embeddings.tests.admin_pages import address
from embeddings.tests.conftest import ROWS, Many
from search.plans import plans_of


def test_no_vector_is_loaded_by_a_list(admin: Client, many: Many, loaded: list[str]) -> None:
    (pk,) = Embedding.objects.values_list("pk", flat=True)[:1]
    admin.get(address("embedding", "change", pk))
    assert len(loaded) == 1
    for url in (
        address("interaction"),
        address("interaction") + "?waiting=1",
        address("embedding"),
        address("embedding") + f"?model={many.model.pk}&p=3",
        address("embeddingmodel"),
    ):
        with CaptureQueriesContext(connection) as queries:
            assert admin.get(url).status_code == 200
        selected = [
            q["sql"].partition(" FROM ")[0] for q in queries if not q["sql"].startswith("EXPLAIN")
        ]
        assert [sql for sql in selected if re.search(r'"(full_)?vector"', sql)] == []
    assert len(loaded) == 1


@pytest.mark.parametrize("model", ["interaction", "embedding"])
def test_a_list_is_read_by_an_index_and_not_counted_whole(
    admin: Client, many: Many, model: str
) -> None:
    plans = [
        plan
        for plan in plans_of(lambda: admin.get(address(model), {"p": "3"}))
        # An estimate doesn't run.
        if not plan.startswith("Query Text: EXP")
    ]
    pages = [plan for plan in plans if f'FROM "{model}"' in plan and "ORDER BY" in plan]
    assert len(pages) == 1
    index = {"interaction": "interaction_newest", "embedding": "embedding_pkey"}[model]
    assert index in pages[0]
    assert f"Seq Scan on {model}" not in pages[0]
    counts = [plan for plan in plans if f'FROM "{model}"' in plan and "COUNT(" in plan]
    assert counts and all("LIMIT 10001" in count for count in counts)


def test_no_row_costs_a_query(
    admin: Client,
    many: Many,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    Interaction.objects.update(user=many.user)
    for model in ("interaction", "embedding"):
        with django_assert_max_num_queries(9):
            answer = admin.get(address(model))
        assert len(answer.context["cl"].result_list) == 50


def test_the_map_costs_few_queries(
    admin: Client, many: Many, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(8):
        answer = admin.get(address("interaction", "map"), {"newest": "1000"})
    assert len(answer.context["points"]) == 1000


def test_recall_is_measured_on_demand(admin: Client, many: Many) -> None:
    page = admin.get(address("embeddingmodel")).content.decode()
    assert "about" in page and "Measure</button>" in page
    answer = admin.post(address("embeddingmodel"), {"measure": many.model.pk})
    ((standing, measured),) = answer.context["rows"]
    assert abs(standing.vectors - ROWS) < 100
    assert standing.index_bytes == indexing.size(many.model) > 0
    assert 1 <= measured.sampled <= 50
    assert 0.9 < measured.recall <= 1
    assert f"<strong>{measured.recall:.3f}</strong>" in answer.content.decode()
