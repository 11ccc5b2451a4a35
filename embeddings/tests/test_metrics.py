"""How many interactions wait for a vector is told by model, and counted quickly."""

import pytest
from django.db import connection
from model_bakery import baker

from embeddings import metrics
from embeddings.models import EmbeddingModel, Interaction


def told() -> dict[str, float]:
    with connection.cursor() as cursor:
        (family,) = metrics.waiting(cursor)
    return {sample.labels["model"]: sample.value for sample in family.samples}


@pytest.mark.django_db
def test_models_in_use_tell_what_waits_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told() == {}
    active = EmbeddingModel.objects.create(name="active", dimensions=2, state="active")
    EmbeddingModel.objects.create(name="building", dimensions=2)
    EmbeddingModel.objects.create(name="retired", dimensions=2, state="retired")
    assert told() == {"active": 0, "building": 0}
    baker.make(Interaction, text="a song", _quantity=3)
    active.store([(Interaction.objects.order_by("created", "pk")[0], [1, 0])])
    assert told() == {"active": 2, "building": 3}
    monkeypatch.setattr(metrics, "NEWEST", 2)
    assert told() == {"active": 2, "building": 2}
