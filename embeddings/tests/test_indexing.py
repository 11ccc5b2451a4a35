"""One index for each model, and the switch from one to another."""

import threading
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from embeddings import indexing, sql
from embeddings.indexing import IndexingError
from embeddings.models import EmbeddingModel, Interaction


@pytest.fixture
def model(transactional_db: None) -> EmbeddingModel:
    model = EmbeddingModel.objects.create(name="first", dimensions=3)
    model.store([(Interaction.objects.create(text=f"n{n}"), [n, 1, 1]) for n in range(20)])
    return model


def index_names() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'embedding_hnsw%%'")
        return {name for (name,) in cursor.fetchall()}


@pytest.fixture(autouse=True)
def no_index_is_left(transactional_db: None) -> Any:
    yield
    for name in index_names():
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX {name}")


def test_an_index_is_built_concurrently_for_the_models_rows_only(model: EmbeddingModel) -> None:
    assert not indexing.is_valid(model)
    assert indexing.size(model) == 0
    indexing.build(model)
    assert indexing.is_valid(model)
    assert indexing.size(model) > 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s",
                       [indexing.index_name(model)])  # fmt: skip
        (definition,) = cursor.fetchone()
    assert f"WHERE (model_id = {model.pk})" in definition
    assert "((vector)::halfvec(3)) halfvec_cosine_ops" in definition
    indexing.drop(model)
    assert not indexing.is_valid(model)


@pytest.mark.parametrize(
    ("distance", "precision", "expected"),
    [
        ("inner_product", "half", "((vector)::halfvec(3)) halfvec_ip_ops"),
        ("cosine", "full", "((full_vector)::halfvec(3)) halfvec_cosine_ops"),
    ],
)
def test_an_index_is_of_the_models_distance_and_column(
    transactional_db: None, distance: str, precision: str, expected: str
) -> None:
    model = EmbeddingModel.objects.create(
        name="m", dimensions=3, distance=distance, precision=precision
    )
    with CaptureQueriesContext(connection) as queries:
        indexing.build(model)
    (statement,) = [query["sql"] for query in queries if "CREATE INDEX" in query["sql"]]
    assert "CONCURRENTLY" in statement
    assert (
        expected.replace("(vector)", "vector").replace("(full_vector)", "full_vector") in statement
    )
    assert indexing.is_valid(model)


def test_the_largest_vectors_can_be_indexed(transactional_db: None) -> None:
    model = EmbeddingModel.objects.create(name="large", dimensions=4000)
    model.store([(Interaction.objects.create(text="a"), [1.0] * 4000)])
    indexing.build(model)
    assert indexing.is_valid(model)
    with pytest.raises(IntegrityError), transaction.atomic():
        EmbeddingModel.objects.create(name="too large", dimensions=4001)


def test_a_build_again_leaves_a_whole_index_alone_and_replaces_a_broken_one(
    model: EmbeddingModel,
) -> None:
    indexing.build(model)
    with CaptureQueriesContext(connection) as queries:
        indexing.build(model)
    assert not [query for query in queries if "CREATE INDEX" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass",
            [indexing.index_name(model)],
        )
    assert not indexing.is_valid(model)
    indexing.build(model)
    assert indexing.is_valid(model)
    assert index_names() == {indexing.index_name(model)}


def test_a_build_that_fails_is_done_again(
    model: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As PostgreSQL leaves an invalid index when a build is cancelled."""
    whole = sql.CREATE_INDEX
    monkeypatch.setattr(
        sql, "CREATE_INDEX", whole.replace("{column}::", "vector_fails({column})::")
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION vector_fails(halfvec) RETURNS halfvec LANGUAGE plpgsql"
            " IMMUTABLE AS $$ BEGIN RAISE 'no'; END $$"
        )
    with pytest.raises(DatabaseError, match="no"):
        indexing.build(model)
    assert index_names() == {indexing.index_name(model)}
    assert not indexing.is_valid(model)
    with connection.cursor() as cursor:
        cursor.execute("SHOW maintenance_work_mem")
        assert cursor.fetchone() != (indexing.MAINTENANCE_WORK_MEM,)
    monkeypatch.setattr(sql, "CREATE_INDEX", whole)
    indexing.build(model)
    assert indexing.is_valid(model)
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION vector_fails(halfvec)")


def test_two_do_not_build_one_index_at_once(model: EmbeddingModel) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.TRY_LOCK, [model.pk])
    failures: list[str] = []

    def build() -> None:
        try:
            indexing.build(model)
        except IndexingError as error:
            failures.append(str(error))
        finally:
            connections.close_all()

    thread = threading.Thread(target=build)
    thread.start()
    thread.join()
    with connection.cursor() as cursor:
        cursor.execute(sql.UNLOCK, [model.pk])
    assert failures == ["Somebody else builds or drops the index of first now."]
    indexing.build(model)


def test_vectors_of_other_dimensions_are_told_before_the_build(model: EmbeddingModel) -> None:
    EmbeddingModel.objects.update(dimensions=4)
    model.refresh_from_db()
    with pytest.raises(IndexingError, match="20 vectors of first have not the 4 dimensions"):
        indexing.build(model)
    assert index_names() == set()


def test_an_index_is_not_built_inside_a_transaction(model: EmbeddingModel) -> None:
    with pytest.raises(IndexingError, match="outside transactions"), transaction.atomic():
        indexing.build(model)


def test_an_index_that_is_not_concurrent_may_be_part_of_a_transaction(
    model: EmbeddingModel,
) -> None:
    with transaction.atomic():
        model.store([(Interaction.objects.create(text="new"), [1, 2, 3])])
        indexing.build(model, concurrently=False)
        assert indexing.is_valid(model)
        transaction.set_rollback(True)
    assert not indexing.is_valid(model)


def test_two_models_live_side_by_side_and_a_switch_is_one_transaction(
    model: EmbeddingModel,
) -> None:
    indexing.build(model)
    model.activate()
    other = EmbeddingModel.objects.create(name="second", dimensions=2)
    rows = list(Interaction.objects.order_by("text"))
    other.store([(row, [1, n]) for n, row in enumerate(rows)])
    assert [row.text for row in Interaction.objects.similar([0, 1, 1], k=1)] == ["n0"]
    with pytest.raises(IndexingError, match="second has no index yet"):
        other.activate()
    assert EmbeddingModel.objects.active() == model
    indexing.build(other)
    with CaptureQueriesContext(connection) as queries:
        other.activate()
    statements = [query["sql"].split()[0] for query in queries]
    assert statements[0] == "BEGIN" and statements[-1] == "COMMIT"
    assert statements.count("BEGIN") == 1
    model.refresh_from_db()
    assert (model.state, other.state) == ("retired", "active")
    assert EmbeddingModel.objects.active() == other
    assert [row.text for row in Interaction.objects.similar([1, 0], k=1)] == [rows[0].text]
    # The retired one's vectors are there still, and so is the way back.
    (retired,) = Interaction.objects.similar([0, 1, 1], k=1, model=model)
    assert retired.text == "n0"
    model.activate()
    assert EmbeddingModel.objects.active() == model


def test_no_two_models_are_active(transactional_db: None) -> None:
    EmbeddingModel.objects.create(name="a", dimensions=3, state="active")
    with pytest.raises(IntegrityError, match="embedding_model_one_active"):
        EmbeddingModel.objects.create(name="b", dimensions=3, state="active")
