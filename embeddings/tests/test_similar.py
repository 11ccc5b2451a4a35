"""The nearest interactions, exact and by index, whatever the filter."""

import pytest

from embeddings.models import EmbeddingModel, Interaction

# Directions in a plane: degrees from the first axis.
NEAR = {"north": [1, 0, 0], "north-east": [1, 1, 0], "east": [0, 1, 0], "south": [-1, 0, 0]}


@pytest.fixture
def model(db: None) -> EmbeddingModel:
    model = EmbeddingModel.objects.create(name="compass", dimensions=3, state="active")
    rows = [(Interaction.objects.create(text=text), vector) for text, vector in NEAR.items()]
    assert model.store(rows) == 4
    return model


def test_the_nearest_come_first_with_their_similarity(model: EmbeddingModel) -> None:
    found = Interaction.objects.similar([2.0, 0.0, 0.0], k=4)
    assert [(row.text, round(row.similarity, 3)) for row in found] == [
        ("north", 1.0),
        ("north-east", 0.707),
        ("east", 0.0),
        ("south", -1.0),
    ]
