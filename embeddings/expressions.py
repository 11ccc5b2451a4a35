"""Distance and similarity as Django expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.postgres.search import SearchQueryField
from django.db.models import BooleanField, Expression, F, FloatField, Func, Value
from django.db.models.functions import Cast, Greatest, Least
from pgvector.django import CosineDistance, HalfVectorField, MaxInnerProduct, VectorField

from embeddings.vectors import Array, as_half_text, as_text

if TYPE_CHECKING:
    from embeddings.models import EmbeddingModel


class Literal(Value):
    """A whole number written into the statement: by a parameter's value PostgreSQL would not know
    that a partial index is the one to use."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        return str(int(self.value)), []


class Position(Func):
    """Where in a list of ids a row's own stands."""

    function = "array_position"
    template = "%(function)s(%(expressions)s)"


class Matches(Func):
    """Whether a tsvector matches a tsquery."""

    arg_joiner = " @@ "
    template = "(%(expressions)s)"
    output_field = BooleanField()


def matches(tsquery: str) -> Matches:
    """Whether an interaction's words match a tsquery, given as text."""
    return Matches(F("search_vector"), Cast(Value(tsquery), SearchQueryField()))


def indexed_distance(model: EmbeddingModel, vector: Array) -> Expression:
    """The distance of an `Embedding` as its model's index knows it, in half precision."""
    field = HalfVectorField(dimensions=model.dimensions)
    return _distance(model, Cast(F(model.column), field), Cast(Value(as_half_text(vector)), field))


def exact_distance(model: EmbeddingModel, vector: Array) -> Expression:
    """The distance of an `Embedding`, in its own precision. No index has it: without a cast the
    column is another expression than the index's."""
    if model.column == "vector":
        given = Cast(Value(as_half_text(vector)), HalfVectorField(dimensions=model.dimensions))
    else:
        given = Cast(Value(as_text(vector)), VectorField(dimensions=model.dimensions))
    return _distance(model, F(model.column), given)


def similarity(model: EmbeddingModel, vector: Array) -> Expression:
    """The cosine of the angle between an `Embedding` and a vector, from -1 to 1."""
    return _similarity(model, exact_distance(model, vector))


def _distance(model: EmbeddingModel, column: Expression | F, given: Expression) -> Expression:
    kind = CosineDistance if model.distance == "cosine" else MaxInnerProduct
    found: Expression = kind(column, given)
    return found


def _similarity(model: EmbeddingModel, distance: Expression) -> Expression:
    cosine = Value(1.0) - distance if model.distance == "cosine" else Value(0.0) - distance
    # Rounding leads beyond by a few ten-thousandths.
    return Least(Greatest(cosine, Value(-1.0)), Value(1.0), output_field=FloatField())
