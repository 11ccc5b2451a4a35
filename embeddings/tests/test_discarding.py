"""A retired model is deleted with all that is its own, and no other is."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from embeddings import discarding, indexing
from embeddings.discarding import InUse, discard
from embeddings.models import Embedding, EmbeddingModel, Interaction

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def models() -> dict[str, EmbeddingModel]:
    """Two models with the vectors of seven interactions, and with indexes."""
    rows = Interaction.objects.bulk_create([Interaction(text=f"song {n}") for n in range(7)])
    found = {}
    for name, state in (("old", "retired"), ("new", "active")):
        model = EmbeddingModel.objects.create(name=name, dimensions=2, state=state)
        model.store((row, [1, n]) for n, row in enumerate(rows))
        indexing.build(model)
        found[name] = model
    return found


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("embed", *arguments, stdout=output)
    return output.getvalue()


def test_vectors_index_and_model_go_and_nothing_else(
    models: dict[str, EmbeddingModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discarding, "BATCH", 3)
    batches: list[int] = []
    old = models["old"].pk
    assert discard(models["old"], batches.append) == 7
    assert batches == [3, 3, 1]
    assert list(EmbeddingModel.objects.all()) == [models["new"]]
    assert set(Embedding.objects.values_list("model", flat=True)) == {models["new"].pk}
    assert not indexing.is_valid(EmbeddingModel(pk=old, name="old"))
    assert indexing.is_valid(models["new"])
    assert (Embedding.objects.count(), Interaction.objects.count()) == (7, 7)


@pytest.mark.parametrize("state", ["active", "building"])
def test_a_model_in_use_is_left_as_it_is(models: dict[str, EmbeddingModel], state: str) -> None:
    new = models["new"]
    EmbeddingModel.objects.filter(pk=new.pk).update(state=state)
    with pytest.raises(InUse, match="new is not retired"):
        discard(new)
    assert indexing.is_valid(new)
    assert new.embeddings.count() == 7


def test_one_that_is_taken_up_again_keeps_what_is_left(
    models: dict[str, EmbeddingModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discarding, "BATCH", 2)
    old = EmbeddingModel.objects.filter(name="old")
    with pytest.raises(InUse):
        discard(models["old"], lambda count: old.update(state="building"))
    assert models["old"].embeddings.count() == 5
    old.update(state="retired")
    assert discard(models["old"]) == 5


def test_the_command_asks_first(
    models: dict[str, EmbeddingModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match=r"no model called none\. There are: new, old"):
        run("--discard", "none", "--yes")
    with pytest.raises(CommandError, match="new is not retired"):
        run("--discard", "new", "--yes")
    with pytest.raises(CommandError, match="goes with no other model"):
        run("--discard", "old", "--model", "new")

    def asked(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", asked)
    with pytest.raises(CommandError, match="Nothing was deleted"):
        run("--discard", "old")
    answers: list[Any] = ["no", "old"]
    monkeypatch.setattr("builtins.input", lambda prompt: answers.pop(0))
    with pytest.raises(CommandError, match="Nothing was deleted"):
        run("--discard", "old")
    assert run("--discard", "old").splitlines() == [
        "old is retired, with 7 vectors.",
        "Deleted old, with 7 vectors.",
    ]
