"""The index of a model's vectors: one of HNSW for each model, built while everything goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS, connections

from embeddings import sql
from vibomat import timeouts

if TYPE_CHECKING:
    from embeddings.models import EmbeddingModel

# Links of a node in each layer, and candidates when a node is linked: pgvector's own choice.
M = 16
EF_CONSTRUCTION = 64
# A graph that does not fit takes several times as long to build.
MAINTENANCE_WORK_MEM = "1GB"
OPERATOR_CLASSES = {"cosine": "halfvec_cosine_ops", "inner_product": "halfvec_ip_ops"}


class IndexingError(Exception):
    """Why a model's index can't be built or used."""


class IndexBusy(IndexingError):
    """Somebody else builds or drops it now."""


def index_name(model: EmbeddingModel) -> str:
    return f"embedding_hnsw_{int(model.pk)}"


def build(
    model: EmbeddingModel, using: str = DEFAULT_DB_ALIAS, *, concurrently: bool = True
) -> None:
    """Build the model's index, unless it is there. It may be run again after any failure: what an
    interrupted build left is dropped first.

    Raise IndexBusy while somebody else builds it, IndexingError inside a transaction, and if there
    are vectors of another number of dimensions. Not `concurrently` it may be part of a transaction,
    and whoever writes vectors waits for its end.
    """
    with _alone(model, using) if concurrently else timeouts.lifted(using):
        if is_valid(model, using):
            return
        if concurrently:
            return _build(model, using, "CONCURRENTLY")
        # No index is built while foreign keys of rows are to be checked later.
        _execute("SET CONSTRAINTS ALL IMMEDIATE", using)
        _build(model, using, "")
        _execute("SET CONSTRAINTS ALL DEFERRED", using)


def _build(model: EmbeddingModel, using: str, concurrently: str) -> None:
    _require_dimensions(model, using)
    _execute(sql.DROP_INDEX.format(concurrently=concurrently, name=index_name(model)), using)
    statement = sql.CREATE_INDEX.format(
        concurrently=concurrently,
        name=index_name(model),
        column=model.column,
        dimensions=int(model.dimensions),
        opclass=OPERATOR_CLASSES[model.distance],
        m=M,
        ef=EF_CONSTRUCTION,
        model=int(model.pk),
    )
    _execute(f"SET maintenance_work_mem = '{MAINTENANCE_WORK_MEM}'", using)
    try:
        _execute(statement, using)
    finally:
        connection = connections[using]
        if connection.is_usable() and not connection.needs_rollback:
            _execute("RESET maintenance_work_mem", using)


def drop(model: EmbeddingModel, using: str = DEFAULT_DB_ALIAS) -> None:
    """Drop the model's index concurrently, if there is one."""
    with _alone(model, using):
        name = index_name(model)
        _execute(sql.DROP_INDEX.format(concurrently="CONCURRENTLY", name=name), using)


def is_valid(model: EmbeddingModel, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Whether the model's index is there, and whole."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql.IS_VALID, [index_name(model)])
        return bool(cursor.fetchone() == (True,))


def require(model: EmbeddingModel, using: str = DEFAULT_DB_ALIAS) -> None:
    """Raise IndexingError unless the model's index is there, and whole."""
    if not is_valid(model, using):
        raise IndexingError(f"{model} has no index yet: build it before it is used for searches.")


def size(model: EmbeddingModel, using: str = DEFAULT_DB_ALIAS) -> int:
    """The bytes of the model's index, 0 if there is none."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql.INDEX_SIZE, [index_name(model)])
        return int(cursor.fetchone()[0])


@contextmanager
def _alone(model: EmbeddingModel, using: str) -> Iterator[None]:
    connection = connections[using]
    if connection.in_atomic_block:
        raise IndexingError("An index is built or dropped outside transactions.")
    with connection.cursor() as cursor:
        cursor.execute(sql.TRY_LOCK, [model.pk])
        if cursor.fetchone() != (True,):
            raise IndexBusy(f"Somebody else builds or drops the index of {model} now.")
    try:
        with timeouts.lifted(using):
            yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute(sql.UNLOCK, [model.pk])


def _require_dimensions(model: EmbeddingModel, using: str) -> None:
    with connections[using].cursor() as cursor:
        statement = sql.WRONG_DIMENSIONS.format(column=model.column)
        cursor.execute(statement, [model.pk, model.dimensions])
        (wrong,) = cursor.fetchone()
    if wrong:
        raise IndexingError(
            f"{wrong:,} vectors of {model} have not the {model.dimensions} dimensions it says."
        )


def _execute(statement: str, using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(statement)
