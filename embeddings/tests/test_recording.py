"""An interaction is stored first and embedded after: nothing typed is lost."""

import logging
import time
from collections.abc import Iterator

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from pytest_django import Settings

from embeddings import recording
from embeddings.embedders import EmbedderError
from embeddings.models import Embedding, EmbeddingModel, Interaction
from embeddings.storing import store_unchanged
from embeddings.tests.moody import PATH, MoodyEmbedder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def moody(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingModel]:
    settings.EMBEDDERS = [PATH]
    monkeypatch.setattr(recording, "_resumed", {})
    MoodyEmbedder.reset()
    yield EmbeddingModel.objects.create(name="moody", dimensions=64, state="active")
    MoodyEmbedder.reset()


def recorded(text: str) -> Interaction:
    interaction = Interaction(text=text)
    recording.record(interaction)
    stored: Interaction = Interaction.objects.get(pk=interaction.pk)
    return stored


def test_what_is_typed_is_stored_and_found_by_its_vector(moody: EmbeddingModel) -> None:
    interaction = recorded("quiet piano")
    (embedding,) = Embedding.objects.all()
    assert (embedding.interaction, embedding.model) == (interaction, moody)
    (expected,) = MoodyEmbedder().embed_documents(["quiet piano"])
    assert embedding.values == pytest.approx(expected, abs=1e-3)


def test_it_is_stored_before_it_is_embedded(moody: EmbeddingModel) -> None:
    stored: list[int] = []
    MoodyEmbedder.before.append(lambda texts: stored.append(Interaction.objects.count()))
    MoodyEmbedder.before.append(
        lambda texts: stored.append(int(transaction.get_connection().in_atomic_block))
    )
    recorded("quiet piano")
    assert stored == [1, 0]


def test_within_a_transaction_it_is_embedded_after_the_commit(moody: EmbeddingModel) -> None:
    with transaction.atomic():
        recorded("quiet piano")
        assert MoodyEmbedder.calls == []
    assert MoodyEmbedder.calls == [["quiet piano"]]
    assert Embedding.objects.count() == 1


def test_what_is_no_interaction_is_not_stored(moody: EmbeddingModel) -> None:
    for field, wrong in (
        ("text", Interaction(text=" ")),
        ("text", Interaction(text="a\0b")),
        ("kind", Interaction(text="a", kind="rumour")),
    ):
        with pytest.raises(ValidationError) as caught:
            recording.record(wrong)
        assert list(caught.value.message_dict) == [field]
    assert not Interaction.objects.exists()
    assert MoodyEmbedder.calls == []


def test_what_the_embedder_fails_at_is_stored_and_waits(
    moody: EmbeddingModel, caplog: pytest.LogCaptureFixture
) -> None:
    MoodyEmbedder.errors.append(EmbedderError("It is out of order."))
    interaction = recorded("a secret")
    assert list(Interaction.objects.waiting_for(moody)) == [interaction]
    (record,) = caplog.records
    assert record.getMessage() == (
        f"Interaction {interaction.pk} waits for its vector: It is out of order."
    )
    assert record.levelno == logging.WARNING


def test_what_has_no_model_or_an_unknown_one_waits(
    moody: EmbeddingModel, caplog: pytest.LogCaptureFixture
) -> None:
    EmbeddingModel.objects.update(name="gone")
    recorded("one")
    assert "There is no embedder 'gone'" in caplog.text
    EmbeddingModel.objects.update(state="retired")
    recorded("two")
    assert Interaction.objects.waiting_for(moody).count() == 2


def test_even_an_error_that_nobody_foresaw_loses_nothing(moody: EmbeddingModel) -> None:
    def fail(texts: list[str]) -> None:
        raise ZeroDivisionError

    MoodyEmbedder.before.append(fail)
    recorded("one")
    assert Interaction.objects.waiting_for(moody).count() == 1


def test_an_embedder_that_is_out_of_order_is_left_alone_for_a_while(
    moody: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    MoodyEmbedder.errors += [
        EmbedderError("Too long.", temporary=False),
        EmbedderError("Busy.", temporary=True, retry_after=50),
    ]
    for text in ("one", "two", "three", "four"):
        recorded(text)
    assert MoodyEmbedder.calls == [["one"], ["two"]]
    later = time.monotonic() + 40
    monkeypatch.setattr(time, "monotonic", lambda: later)
    recorded("five")
    assert MoodyEmbedder.calls[2:] == []
    later += 11
    recorded("six")
    assert MoodyEmbedder.calls[2:] == [["six"]]
    assert Interaction.objects.waiting_for(moody).count() == 5


def test_a_vector_of_a_text_that_was_edited_or_deleted_is_not_stored(
    moody: EmbeddingModel,
) -> None:
    def edit(texts: list[str]) -> None:
        Interaction.objects.filter(text="edited").update(text="another")
        Interaction.objects.filter(text="deleted").delete()

    MoodyEmbedder.before.append(edit)
    recording.record(Interaction(text="edited"))
    recording.record(Interaction(text="deleted"))
    assert not Embedding.objects.exists()
    (left,) = Interaction.objects.all()
    vector = [1.0] * 64
    assert store_unchanged(moody, [(left, vector)]) == 1
    left.text = "what was read before"
    assert store_unchanged(moody, [(left, vector)]) == 0
