"""What is asked of interactions and their vectors, as Django expressions and pieces of SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchQueryField
from django.db.models import BooleanField, F, FloatField, Func, UUIDField, Value
from django.db.models.functions import Cast

from embeddings import sql
from embeddings.vectors import Array, HalfVector, as_text

if TYPE_CHECKING:
    from embeddings.models import EmbeddingModel

OPERATORS = {"cosine": "<=>", "inner_product": "<#>"}
COSINES = {"cosine": "1 - distance", "inner_product": "-distance"}


def similarity(model: EmbeddingModel, distance: float | None) -> float | None:
    """The cosine that a distance of that model means. Rounding leads beyond 1 a little."""
    if distance is None:
        return None
    return max(-1.0, min(1.0, 1 - distance if model.distance == "cosine" else -distance))


def parts_of(model: EmbeddingModel) -> dict[str, Any]:
    """What statements in `embeddings.sql` say of a model."""
    return {
        "model": int(model.pk),
        "dimensions": int(model.dimensions),
        "column": model.column,
        "type": "vector" if model.column == "full_vector" else "halfvec",
        "operator": OPERATORS[model.distance],
        "cosine": COSINES[model.distance],
        # An older vector may be zero, and its distance NaN, which is beyond infinity. For others
        # the distance would be computed twice.
        "finite": "AND distance < 'Infinity'" if model.column == "full_vector" else "",
    }


def parameter(model: EmbeddingModel, vector: Array) -> str | HalfVector:
    """A vector to compare with the model's, as a parameter of a statement."""
    return as_text(vector) if model.column == "full_vector" else HalfVector(vector)


class Similarity(Func):
    """The cosine of the angle between an interaction's vector and another, from -1 to 1; null if
    that model has no vector of it."""

    output_field = FloatField()

    def __init__(
        self, interaction: Any, model: EmbeddingModel, vector: Array, **extra: Any
    ) -> None:
        template = sql.SIMILARITY.format(**parts_of(model))
        super().__init__(interaction, template=template, **extra)
        self.vector = parameter(model, vector)

    def as_sql(  # type: ignore[override]
        self, compiler: Any, connection: Any, **context: Any
    ) -> tuple[str, list[Any]]:
        statement, params = super().as_sql(compiler, connection, **context)
        return statement, [self.vector, *params]


class Indexed(Func):
    """How many vectors a model's index had when it was built or last analysed, 0 without one."""

    template = sql.INDEXED
    output_field = FloatField()


class Position(Func):
    """Where in a list of ids a row's own stands."""

    function = "array_position"

    def __init__(self, ids: Sequence[UUID], pk: str) -> None:
        super().__init__(Cast(Value(ids), ArrayField(UUIDField())), pk)


class Listed(Func):
    """A number that is known for each row's id."""

    arg_joiner = ")["
    template = "(%(expressions)s]"
    output_field = FloatField()

    def __init__(self, numbers: Mapping[UUID, float | None], pk: str) -> None:
        values = Cast(Value(list(numbers.values())), ArrayField(FloatField()))
        super().__init__(values, Position(list(numbers), pk))


class Matches(Func):
    """Whether a tsvector matches a tsquery."""

    arg_joiner = " @@ "
    template = "(%(expressions)s)"
    output_field = BooleanField()


def matches(tsquery: str) -> Matches:
    """Whether an interaction's words match a tsquery, given as text."""
    return Matches(F("search_vector"), Cast(Value(tsquery), SearchQueryField()))
