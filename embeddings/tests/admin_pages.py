"""A client that may do everything in the admin, and what its pages load."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pgvector.django import HalfVectorField

from vibomat.accounts.models import User


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("admin@example.org"))
    return client


def address(model: str, page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:embeddings_{model}_{page}", args=args)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The vectors that were read from the database."""
    read: list[str] = []
    original = HalfVectorField.from_db_value

    def from_db_value(field: HalfVectorField, value: Any, *args: Any) -> Any:
        read.append(str(value))
        return original(field, value, *args)

    monkeypatch.setattr(HalfVectorField, "from_db_value", from_db_value)
    return read
