"""Meaning and words fused, and what was asked before."""

from typing import Any

import numpy as np
import pytest

from embeddings import embedders
from embeddings.models import EmbeddingModel, Interaction
from embeddings.search import Search
from embeddings.words import Word

pytestmark = pytest.mark.django_db

# Angles to the vector that is looked for, by text.
TEXTS = {
    "music for a rainy evening": [1.0, 0.0, 0.0],
    "songs to fall asleep to": [1.0, 0.5, 0.0],
    "loud guitars": [0.0, 1.0, 0.0],
    "Bagpipes, and more bagpipes": [-1.0, 0.1, 0.0],
}


@pytest.fixture
def model() -> EmbeddingModel:
    model = EmbeddingModel.objects.create(name="plane", dimensions=3, state="active")
    model.store([(Interaction.objects.create(text=text), TEXTS[text]) for text in TEXTS])
    return model


def hybrid(model: EmbeddingModel, text: str, found: Any = None, **options: Any) -> list[str]:
    """What a hybrid search for that text finds, whose vector is [1, 0, 0] here."""
    search = Search(
        model, np.array([1, 0, 0], dtype=np.float32), mode="hybrid", text=text, **options
    )
    found = Interaction.objects.all() if found is None else found
    return [row.text for row in found._searched(search)]


def test_what_has_the_words_rises_among_the_nearest(model: EmbeddingModel) -> None:
    assert hybrid(model, "bagpipe music")[0] == "music for a rainy evening"
    assert hybrid(model, "bagpipes") == [
        "Bagpipes, and more bagpipes",
        "music for a rainy evening",
        "songs to fall asleep to",
        "loud guitars",
    ]


def test_what_has_no_vector_yet_is_found_by_its_words(model: EmbeddingModel) -> None:
    Interaction.objects.create(text="didgeridoo")
    search = Interaction.objects.all()
    assert "didgeridoo" in hybrid(model, "didgeridoo", search)
    assert "didgeridoo" not in hybrid(model, "didgeridoo", search, threshold=-1)


def test_words_are_found_whatever_their_case_and_accents(model: EmbeddingModel) -> None:
    assert hybrid(model, "BÁGPIPES!")[0] == "Bagpipes, and more bagpipes"


def test_a_hybrid_search_keeps_to_filters_and_k(model: EmbeddingModel) -> None:
    loud = Interaction.objects.filter(text__icontains="u")
    assert hybrid(model, "bagpipes", loud) == ["music for a rainy evening", "loud guitars"]
    assert len(hybrid(model, "bagpipes", k=2)) == 2
    assert hybrid(model, "bagpipes", Interaction.objects.filter(text="")) == []
    assert hybrid(model, "bagpipes", Interaction.objects.filter(pk__in=[])) == []


@pytest.mark.parametrize(
    "text", ["' : * & | ! <-> \\", "%s %(a)s", "''", "{nearest}", "!!!", "ö|ö"]
)
def test_signs_are_no_operators(model: EmbeddingModel, text: str) -> None:
    assert sorted(hybrid(model, text)) == sorted(TEXTS)


def test_a_thousand_words_are_a_search_like_any_other(model: EmbeddingModel) -> None:
    text = " ".join(f"word{n}" for n in range(1000))
    assert hybrid(model, text) == list(TEXTS)


def test_rare_words_weigh_more() -> None:
    assert Word("a", 0.5).weight < Word("b", 0.01).weight < Word("c", 0).weight


class TestByText:
    """With the hashing embedder, which knows words only."""

    @pytest.fixture(autouse=True)
    def asked(self) -> None:
        embedder = embedders.by_id("hashing")
        model = EmbeddingModel.objects.create(
            name=embedder.id, dimensions=embedder.dimensions, state="active"
        )
        texts = ["calm songs for a rainy evening", "loud guitars", "what the weather is"]
        rows = [Interaction.objects.create(text=text) for text in texts]
        rows.append(Interaction.objects.create(text="loud guitars", kind="response"))
        vectors = embedder.embed_documents([row.text for row in rows])
        model.store(zip(rows, vectors, strict=True))

    @pytest.mark.parametrize("mode", ["vector", "exact", "hybrid"])
    def test_a_text_finds_its_like(self, mode: str) -> None:
        (found,) = Interaction.objects.similar("songs, calm, rainy evening", k=1, mode=mode)
        assert found.text == "calm songs for a rainy evening"
        assert 0.3 < found.similarity < 1

    def test_what_was_asked_before_is_found_however_it_is_typed(self) -> None:
        (found,) = Interaction.objects.asked_before("LOUD   guitars\n")
        assert (found.text, found.kind) == ("loud guitars", "prompt")
        assert not Interaction.objects.asked_before("quiet guitars").exists()

    @pytest.mark.parametrize("text", ["", " \n", "\x01"])
    @pytest.mark.parametrize("mode", ["vector", "hybrid"])
    def test_for_nothing_nothing_is_found(self, text: str, mode: str) -> None:
        assert list(Interaction.objects.similar(text, mode=mode).values("similarity")) == []

    def test_similar_to_a_waiting_interaction_goes_by_its_text(self) -> None:
        waiting = Interaction.objects.create(text="loud guitars, please")
        found = Interaction.objects.similar_to(waiting, k=1)
        assert [row.text for row in found] == ["loud guitars"]
