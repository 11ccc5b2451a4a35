"""The nearest interactions of a few: what is asked, what comes, and to whom."""

from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F

from embeddings.comparison import compare
from embeddings.embedders import EmbedderError
from embeddings.models import Embedding, EmbeddingModel, Interaction
from vibomat.accounts.models import User

# Directions in a plane.
NEAR = {"north": [1, 0, 0], "north-east": [1, 1, 0], "east": [0, 1, 0], "south": [-1, 0, 0]}


@pytest.fixture
def model(db: None) -> EmbeddingModel:
    model = EmbeddingModel.objects.create(name="compass", dimensions=3, state="active")
    rows = [(Interaction.objects.create(text=text), vector) for text, vector in NEAR.items()]
    assert model.store(rows) == 4
    return model


def texts(found: Any) -> list[str]:
    return [row.text for row in found]


@pytest.mark.parametrize("mode", ["vector", "exact"])
@pytest.mark.parametrize("distance", ["cosine", "inner_product"])
@pytest.mark.parametrize("precision", ["half", "full"])
def test_the_nearest_come_first_with_their_similarity(
    db: None, mode: str, distance: str, precision: str
) -> None:
    model = EmbeddingModel.objects.create(
        name="compass", dimensions=3, state="active", distance=distance, precision=precision
    )
    model.store([(Interaction.objects.create(text=text), NEAR[text]) for text in NEAR])
    found = Interaction.objects.similar([2.0, 0.0, 0.0], k=4, mode=mode)
    assert [(row.text, round(row.similarity, 3)) for row in found] == [
        ("north", 1.0),
        ("north-east", 0.707),
        ("east", 0.0),
        ("south", -1.0),
    ]


def test_similarity_is_never_beyond_one(db: None) -> None:
    model = EmbeddingModel.objects.create(
        name="m", dimensions=7, state="active", distance="inner_product"
    )
    vector = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    model.store([(Interaction.objects.create(text="same"), vector)])
    opposite = [-number for number in vector]
    assert [row.similarity <= 1 for row in Interaction.objects.similar(vector)] == [True]
    assert [row.similarity >= -1 for row in Interaction.objects.similar(opposite)] == [True]


def test_an_older_vector_of_zeros_is_near_nothing(db: None) -> None:
    model = EmbeddingModel.objects.create(
        name="older", dimensions=3, state="active", precision="full"
    )
    rows = [Interaction.objects.create(text=text) for text in ("some", "zero")]
    model.store([(rows[0], [1, 2, 3])])
    Embedding.objects.create(interaction=rows[1], model=model, full_vector=[0, 0, 0])
    for mode in "vector", "exact":
        assert texts(Interaction.objects.similar([1, 1, 1], mode=mode)) == ["some"]
    assert texts(Interaction.objects.filter(text="zero").similar([1, 1, 1])) == []
    with pytest.raises(EmbedderError, match="older"):
        list(Interaction.objects.similar_to(rows[1]))
    rows.append(Interaction.objects.create(text="more"))
    model.store([(rows[2], [3, 2, 1])])
    other = EmbeddingModel.objects.create(name="other", dimensions=2)
    other.store([(row, [1, number]) for number, row in enumerate(rows)])
    compared = compare(model, other)
    assert compared is not None and compared.sampled == 2


def test_filters_hold_before_and_after_and_k_rows_come_of_what_is_left(
    model: EmbeddingModel,
) -> None:
    here = Interaction.objects.exclude(text="north")
    assert texts(here.similar([1, 0, 0], k=2)) == ["north-east", "east"]
    found = Interaction.objects.similar([1, 0, 0], k=2)
    assert texts(found.exclude(text="north")) == ["north-east", "east"]
    assert texts(found.filter(similarity__lt=0.5)) == ["east", "south"]
    assert texts(found.filter(text="nowhere")) == []
    assert texts(found.filter(pk__in=[])) == []


def test_it_is_a_queryset_of_the_k_nearest_whatever_is_done_with_it(model: EmbeddingModel) -> None:
    found = Interaction.objects.similar([1, 0, 0], k=3)
    assert found.count() == len(found) == 3
    assert found.exists() and not found.filter(text="").exists()
    assert texts(found[1:]) == ["north-east", "east"] and found[0].text == "north"
    assert texts([found.first(), found.last()]) == ["north", "east"]
    assert texts(found.iterator()) == ["north", "north-east", "east"]
    assert texts(found.order_by("text")) == ["east", "north", "north-east"]
    assert texts(found.reverse()) == ["east", "north-east", "north"]
    assert list(found.values_list("text", flat=True)) == ["north", "north-east", "east"]
    assert found.values_list("similarity", flat=True)[0] == 1
    assert found.get(text="east").text == "east"
    assert texts(found.prefetch_related("embeddings"))[0] == "north"
    assert Interaction.objects.filter(pk__in=found).count() == 3
    assert Interaction.objects.filter(embeddings__interaction__in=found).count() == 3
    assert (found | Interaction.objects.none()).count() == 3
    assert found.update(language="en") == 3
    assert found.delete()[0] == 6
    assert texts(Interaction.objects.all()) == ["south"]


@pytest.mark.parametrize("mode", ["vector", "exact"])
@pytest.mark.parametrize("precision", ["half", "full"])
def test_rows_are_the_same_by_whichever_statement_they_come(
    django_user_model: type[User], precision: str, mode: str
) -> None:
    user = django_user_model.objects.create_user("somebody@example.org")
    model = EmbeddingModel.objects.create(
        name="compass", dimensions=3, state="active", precision=precision
    )
    rows = [
        (user.interactions.create(text=text, metadata={"n": len(text)}, language="en"), vector)
        for text, vector in NEAR.items()
    ]
    model.store(rows)
    for asked in Interaction.objects.all(), Interaction.objects.filter(language="en"):
        found = asked.similar([1, 0.1, 0], k=3, mode=mode, threshold=0)
        here, by_ids = list(found), list(found.found())
        assert texts(here) == ["north", "north-east", "east"]
        assert list(map(_state, here)) == list(map(_state, by_ids))
        assert texts(found.defer("text")) == texts(here)
        assert texts(found.only("kind")) == texts(here)
        assert [row.twice for row in found.annotate(twice=F("similarity") * 2)] == [
            row.similarity * 2 for row in by_ids
        ]
        assert [row.user.email for row in found.select_related("user")] == [user.email] * 3
    mine = user.interactions.similar([1, 0, 0], k=1, mode=mode)
    assert mine[0].user is user


def _state(row: Interaction) -> dict[str, Any]:
    """All that it knows, its deferred fields by their absence."""
    known = {name: value for name, value in vars(row).items() if name != "_state"}
    known["similarity"] = round(known["similarity"], 6)
    return known | {"adding": row._state.adding, "db": row._state.db}


def test_ordering_before_is_not_taken_for_the_order_of_what_is_found(model: EmbeddingModel) -> None:
    found = Interaction.objects.order_by("text").similar([1, 0, 0], k=2)
    assert texts(found) == ["north", "north-east"]


def test_the_threshold_is_the_least_similarity(model: EmbeddingModel) -> None:
    for mode in "vector", "exact":
        found = Interaction.objects.similar([1, 0, 0], threshold=0.5, mode=mode)
        assert texts(found) == ["north", "north-east"]


def test_what_has_no_vector_yet_is_not_near(model: EmbeddingModel) -> None:
    waiting = Interaction.objects.create(text="north-north-east")
    assert waiting not in Interaction.objects.similar([1, 0, 0])
    assert list(Interaction.objects.waiting_for(model)) == [waiting]


def test_similar_to_an_interaction_leaves_itself_out(model: EmbeddingModel) -> None:
    north = Interaction.objects.get(text="north")
    assert texts(Interaction.objects.similar_to(north, k=2)) == ["north-east", "east"]


def test_without_an_active_model_nothing_is_near(model: EmbeddingModel) -> None:
    EmbeddingModel.objects.update(state="retired")
    for found in Interaction.objects.similar([1, 0, 0]), Interaction.objects.similar("north"):
        assert list(found.values("similarity")) == []
    assert texts(Interaction.objects.similar([1, 0, 0], k=1, model=model)) == ["north"]


@pytest.mark.parametrize(
    ("vector", "code"),
    [
        ([1.0, 0.0], "wrong_dimensions"),
        ([1.0] * 4, "wrong_dimensions"),
        ([], "wrong_dimensions"),
        (np.zeros((3, 3)), "wrong_dimensions"),
        ([0.0, 0.0, 0.0], "zero"),
        ([0, -0.0, 0], "zero"),
        ([float("nan"), 0.0, 1.0], "not_finite"),
        ([float("inf"), 0.0, 1.0], "not_finite"),
        ([0.0, 0.0, 10**400], "not_finite"),
        (["1", "2", "3"], "no_vector"),
        ([True, False, True], "no_vector"),
        ([None, 0, 1], "no_vector"),
        ([[1], [2], [3]], "no_vector"),
        ({"a": 1}, "no_vector"),
        (None, "no_vector"),
        (np.array(["a", "b", "c"]), "no_vector"),
        (np.array([1j, 0, 0]), "no_vector"),
    ],
)
def test_what_is_no_vector_of_the_model_is_refused_before_the_database_sees_it(
    model: EmbeddingModel, vector: Any, code: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Interaction.objects.similar(vector)
    assert [error.code for error in refused.value.error_dict["vector"]] == [code]
    with pytest.raises(ValidationError):
        model.store([(Interaction.objects.get(text="north"), vector)])


@pytest.mark.parametrize("vector", [[1e300, 0, 0], [1e-300, 0, 0], [5e-324, 0, 0], [1e38, 0, 1]])
def test_vectors_of_any_length_have_a_direction(model: EmbeddingModel, vector: list[float]) -> None:
    assert texts(Interaction.objects.similar(vector, k=1)) == ["north"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"k": 0}, "k"),
        ({"k": -1}, "k"),
        ({"k": 1001}, "k"),
        ({"k": True}, "k"),
        ({"k": 1.5}, "k"),
        ({"mode": "fuzzy"}, "mode"),
        ({"mode": "hybrid"}, "mode"),
        ({"ef_search": 0}, "ef_search"),
        ({"ef_search": 1001}, "ef_search"),
        ({"threshold": 1.01}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
    ],
)
def test_what_cannot_be_asked_is_told_by_parameter(
    model: EmbeddingModel, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Interaction.objects.similar([1, 0, 0], **options)
    assert list(refused.value.error_dict) == [field]


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_postgresql_cannot_hold_is_refused(db: None, text: str) -> None:
    EmbeddingModel.objects.create(name="hashing", dimensions=384, state="active")
    with pytest.raises(ValidationError) as refused:
        Interaction.objects.similar(text, mode="hybrid")
    assert list(refused.value.error_dict) == ["text"]


class TestWhoSeesWhat:
    @pytest.fixture
    def users(self, model: EmbeddingModel) -> dict[str, Any]:
        names = ["owner", "other", "inactive", "plain staff", "staff", "inactive staff"]
        users: dict[str, Any] = {
            name: User.objects.create_user(
                f"{name.replace(' ', '.')}@example.org",
                is_staff="staff" in name,
                is_active="inactive" not in name,
            )
            for name in names
        }
        view = Permission.objects.get(codename="view_interaction")
        for name in ("other", "staff", "inactive staff"):
            users[name].user_permissions.add(view)
        users["superuser"] = User.objects.create_superuser("superuser@example.org", "x")
        users["anonymous"] = AnonymousUser()
        Interaction.objects.filter(text="north").update(user=users["owner"])
        Interaction.objects.filter(text="east").update(user=users["inactive"])
        Interaction.objects.filter(text="south").update(user=users["inactive staff"])
        return users

    @pytest.mark.parametrize(
        ("viewer", "seen"),
        [
            ("anonymous", []),
            ("owner", ["north"]),
            ("other", []),
            ("inactive", []),
            ("inactive staff", []),
            ("plain staff", []),
            ("staff", ["north", "north-east", "east", "south"]),
            ("superuser", ["north", "north-east", "east", "south"]),
        ],
    )
    def test_a_user_finds_their_own_and_staff_who_may_view_all(
        self, users: dict[str, Any], viewer: str, seen: list[str]
    ) -> None:
        visible = Interaction.objects.visible_to(users[viewer])
        assert set(texts(visible)) == set(seen)
        for mode in "vector", "exact":
            assert texts(visible.similar([1, 0, 0], mode=mode)) == seen
            later = Interaction.objects.similar([1, 0, 0], mode=mode).visible_to(users[viewer])
            assert texts(later) == seen

    def test_staff_own_nothing_of_others(self, users: dict[str, Any]) -> None:
        assert texts(Interaction.objects.owned_by(users["staff"])) == []


@pytest.mark.django_db(transaction=True)
def test_settings_are_as_before_outside_of_a_transaction() -> None:
    model = EmbeddingModel.objects.create(name="m", dimensions=2, state="active")
    Interaction.objects.create(text="a")
    model.store([(Interaction.objects.get(), [1, 0])])
    (found,) = Interaction.objects.similar([1, 0], ef_search=77)
    assert found.similarity == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('hnsw.ef_search'), current_setting('enable_sort')")
        assert cursor.fetchone() == ("40", "on")
