"""What interactions and their vectors keep to, whoever writes them."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from model_bakery import baker

from archives.models import Archive
from embeddings.models import Embedding, EmbeddingModel, Interaction
from vibomat.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> EmbeddingModel:
    return EmbeddingModel.objects.create(name="m", dimensions=3)


@pytest.fixture
def embedded(model: EmbeddingModel) -> Interaction:
    interaction: Interaction = Interaction.objects.create(text="calm")
    model.store([(interaction, [3, 0, 4])])
    return interaction


def test_vectors_are_stored_with_length_one_in_half_precision(embedded: Interaction) -> None:
    embedding = embedded.embeddings.get()
    assert embedding.full_vector is None
    assert embedding.values.dtype == "float32"
    assert embedding.values.tolist() == pytest.approx([0.6, 0, 0.8], abs=0.0005)


def test_vectors_in_full_precision_if_the_model_says_so() -> None:
    model = EmbeddingModel.objects.create(name="f", dimensions=3, precision="full")
    interaction = Interaction.objects.create(text="calm")
    model.store([(interaction, [3, 0, 4])])
    embedding = interaction.embeddings.get()
    assert embedding.vector is None
    assert embedding.values.tolist() == pytest.approx([0.6, 0, 0.8], abs=1e-7)


def test_another_vector_of_the_same_model_takes_the_place_of_the_first(
    model: EmbeddingModel, embedded: Interaction
) -> None:
    model.store([(embedded, [0, 1, 0])])
    assert embedded.embeddings.get().values.tolist() == [0, 1, 0]


def test_no_vector_is_stored_if_one_is_wrong(model: EmbeddingModel) -> None:
    one, other = (Interaction.objects.create(text=text) for text in ("a", "b"))
    with pytest.raises(ValidationError):
        model.store([(one, [1, 0, 0]), (other, [0, 0, 0])])
    assert not Embedding.objects.exists()


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ("'[0,0,0]', NULL", "embedding_not_zero"),
        ("NULL, NULL", "embedding_in_one_precision"),
        ("'[1,0,0]', '[1,0,0]'", "embedding_in_one_precision"),
    ],
)
def test_the_database_refuses_what_is_no_vector(
    model: EmbeddingModel, columns: str, constraint: str
) -> None:
    interaction = Interaction.objects.create(text="a")
    with pytest.raises(IntegrityError, match=constraint), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO embedding (interaction_id, model_id, vector, full_vector)"
            f" VALUES (%s, %s, {columns})",
            [interaction.pk, model.pk],
        )


@pytest.mark.parametrize("by", ["django", "sql", "user"])
def test_with_an_interaction_its_vectors_go(by: str, model: EmbeddingModel) -> None:
    user = baker.make(User)
    interaction = Interaction.objects.create(text="calm", user=user)
    model.store([(interaction, [1, 2, 3])])
    if by == "django":
        interaction.delete()
    elif by == "user":
        user.delete()
    else:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM interaction")
    assert not Interaction.objects.exists()
    assert not Embedding.objects.exists()


def test_a_deleted_archive_is_forgotten_and_the_interaction_kept() -> None:
    archive = Archive.objects.create(name="Rain")
    interaction = Interaction.objects.create(text="calm", archive=archive)
    archive.delete()
    interaction.refresh_from_db()
    assert interaction.archive is None


def test_a_text_that_changes_loses_the_vectors_of_the_earlier_one(
    model: EmbeddingModel, embedded: Interaction
) -> None:
    embedded.kind = "search"
    embedded.save()
    assert embedded.embeddings.exists()
    embedded.text = "loud"
    embedded.save()
    assert not embedded.embeddings.exists()
    assert list(Interaction.objects.waiting_for(model)) == [embedded]


def test_a_model_with_vectors_is_not_deleted(model: EmbeddingModel, embedded: Interaction) -> None:
    with pytest.raises(ProtectedError):
        model.delete()


def test_an_id_tells_when_it_was_made_and_the_database_makes_them_too() -> None:
    made = Interaction.objects.create(text="a")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO interaction (text) VALUES ('b')")
    other = Interaction.objects.get(text="b")
    assert made.id.version == other.id.version == 7
    assert (other.kind, other.language, other.metadata, other.user) == ("prompt", "", {}, None)


def test_what_only_the_database_reads_is_not_loaded() -> None:
    Interaction.objects.create(text="a")
    assert Interaction.objects.get().get_deferred_fields() == {"search_vector"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", ""),
        ("text", " \n"),
        ("text", "a\0"),
        ("text", "\ud800"),
        ("text", "x" * 20_001),
        ("kind", "shout"),
        ("language", "x" * 36),
        ("language", "\0"),
        ("metadata", []),
        ("metadata", None),
        ("metadata", {"a": float("nan")}),
        ("metadata", {"a": float("inf")}),
        ("metadata", {"a": "\0"}),
        ("metadata", {"\0": 1}),
        ("metadata", {"a": ["\ud800"]}),
        ("metadata", {1: 2}),
        ("metadata", {"a": {1, 2}}),
        ("metadata", {"a": 10**5000}),
        ("metadata", {"a": "x" * 70_000}),
    ],
)
def test_what_cannot_be_kept_is_told_by_field(field: str, value: Any) -> None:
    interaction = Interaction(**{"text": "calm"} | {field: value})
    with pytest.raises(ValidationError) as refused:
        interaction.full_clean()
    assert list(refused.value.error_dict) == [field]


def test_deep_metadata_is_refused_and_not_a_recursion_error() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(ValidationError) as refused:
        Interaction(text="calm", metadata=deep).full_clean()
    assert [error.code for error in refused.value.error_dict["metadata"]] == ["too_deep"]


def test_what_can_be_kept_comes_back_the_same() -> None:
    metadata = {"tags": ["a", None, True], "n": -0.5, "ü": {"": "🎸 \\u0000"}}
    interaction = Interaction(text="夜の音楽 🎸", language="ja", metadata=metadata, kind="search")
    interaction.full_clean()
    interaction.save()
    interaction.refresh_from_db()
    assert (interaction.text, interaction.metadata) == ("夜の音楽 🎸", metadata)


def test_an_unknown_kind_is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError, match="interaction_kind_known"), transaction.atomic():
        Interaction.objects.create(text="a", kind="shout")
