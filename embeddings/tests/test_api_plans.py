"""Lists of prompts are read in the order of an index, whoever asks, and filters by theirs."""

import json
import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from archives.models import Archive
from embeddings.api import paging
from embeddings.models import Interaction
from embeddings.tests.conftest import ROWS, Many
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
