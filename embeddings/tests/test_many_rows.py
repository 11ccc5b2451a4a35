"""Lists of the API, pages of the admin and metrics read by indexes, with so many rows that a plan
means something."""

import json
import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from archives.models import Archive
from embeddings import indexing
from embeddings.api import paging
from embeddings.models import Embedding, Interaction
from embeddings.tests.admin_pages import address
from embeddings.tests.conftest import ROWS, Many
from embeddings.tests.test_metrics import told
from search.plans import plans_of
from vibomat.accounts.models import User


@pytest.fixture
def staff(many: Many, db: None) -> User:
    user = User.objects.create_user("staff@example.org", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_interaction"))
    return user


def as_text(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict) else str(value)


def plan_of(user: User, cursor: str | None = None, **asked: object) -> str:
    """Of the statement that an address with these parameters runs."""
    parameters = {"cursor": cursor or ""} | {name: as_text(value) for name, value in asked.items()}
    client = Client()
    client.force_login(user)
    plans = plans_of(lambda: client.get("/api/prompts/", parameters), analyze=True)
    (plan,) = [plan for plan in plans if 'FROM "interaction"' in plan and "ORDER BY" in plan]
    assert "Seq Scan" not in plan
    return plan


@pytest.fixture
def cursor() -> str:
    """In the middle, as a page's `next` has it."""
    place = Interaction(pk=UUID(int=0), created=datetime(2026, 1, 5, tzinfo=UTC))
    return paging.cursor_of(place)


def test_a_user_s_page_is_read_from_their_own(many: Many, cursor: str) -> None:
    for place in (None, cursor):
        plan = plan_of(many.user, place)
        assert "interaction_user_newest" in plan
        assert "Sort" not in plan


def test_everybody_s_page_is_read_in_order_from_its_place_on(staff: User, cursor: str) -> None:
    assert "Index Scan using interaction_newest" in plan_of(staff)
    plan = plan_of(staff, cursor)
    assert re.search(r"Index Cond: .*ROW\(created, id\) < ROW", plan)
    assert "rows=21" in plan.replace(".00", "")


def test_what_is_rare_is_found_by_its_index(many: Many, staff: User, cursor: str) -> None:
    archive = Archive.objects.create(name="Late", visibility="public")
    Interaction.objects.filter(metadata__n=7).update(archive=archive)
    assert "interaction_archive" in plan_of(staff, archive=archive.pk)
    for place in (None, cursor):
        for asked in ({"n": ROWS // 2}, {"hundredth": 3}):
            plan = plan_of(staff, place, metadata=asked)
            assert "Bitmap Index Scan on interaction_metadata" in plan


@pytest.mark.django_db
def test_those_that_wait_are_counted_by_index(many: Many) -> None:
    (plan,) = plans_of(told)
    assert "using interaction_newest on interaction" in plan


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
