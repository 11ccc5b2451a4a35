"""A model whose vectors are plain to see, and who may ask for what."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from embeddings import recording
from embeddings.models import EmbeddingModel, Interaction
from embeddings.tests.moody import PATH, MoodyEmbedder
from vibomat.accounts.models import User

# `reader` is of the staff too, and may view interactions; `staff` may not.
VIEWERS = ("anonymous", "owner", "other", "staff", "reader", "superuser")


@pytest.fixture
def moody(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EmbeddingModel]:
    """The active model. Its embedder, `MoodyEmbedder`, hashes words: texts that share words are
    alike."""
    settings.EMBEDDERS = [PATH]
    monkeypatch.setattr(recording, "_resumed", {})
    MoodyEmbedder.reset()
    yield EmbeddingModel.objects.create(name="moody", dimensions=64, state="active")
    MoodyEmbedder.reset()


@dataclass
class Household:
    """`clients` by viewer, `users` by viewer but anonymous, `prompts` by whose they are."""

    clients: dict[str, Client]
    users: dict[str, User]
    prompts: dict[str, Interaction]


@pytest.fixture
def household(moody: EmbeddingModel) -> Household:
    """The owner's, the other's and nobody's prompt for the same, each with a vector."""
    users = {
        viewer: User.objects.create_user(
            f"{viewer}@example.org",
            is_staff=viewer in ("staff", "reader", "superuser"),
            is_superuser=viewer == "superuser",
        )
        for viewer in VIEWERS[1:]
    }
    users["reader"].user_permissions.add(Permission.objects.get(codename="view_interaction"))
    clients = {viewer: Client() for viewer in VIEWERS}
    for viewer, user in users.items():
        clients[viewer].force_login(user)
    prompts = {
        whose: stored(f"quiet piano for {whose}", moody, user=users.get(whose))
        for whose in ("owner", "other", "nobody")
    }
    return Household(clients, users, prompts)


def stored(
    text: str, model: EmbeddingModel | None = None, user: User | None = None, **fields: object
) -> Interaction:
    """An interaction, with its vector if there is a model."""
    created = Interaction.objects.create(text=text, user=user, **fields)
    interaction: Interaction = Interaction.objects.get(pk=created.pk)
    if model is not None:
        (vector,) = MoodyEmbedder().embed_documents([text])
        model.store([(interaction, vector)])
    return interaction
