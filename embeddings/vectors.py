"""Vectors as they come from outside, and how they are written for the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import psycopg
from django.core.exceptions import ValidationError
from psycopg.adapt import Dumper
from psycopg.pq import Format

Array: TypeAlias = npt.NDArray[np.float32]
Given: TypeAlias = Sequence[float] | npt.NDArray[Any]

# What an HNSW index over half precision takes.
MOST_DIMENSIONS = 4000


def as_unit(values: Given, dimensions: int) -> Array:
    """The vector in that direction of length 1, float32 of shape `(dimensions,)`.

    Raise ValidationError for what is no vector of so many numbers, NaN, infinities, and the zero
    vector, which has no direction.
    """
    array = _as_array(values)
    if array.shape != (dimensions,):
        found = array.shape[0] if array.ndim == 1 else f"{array.ndim} axes and not 1"
        raise ValidationError(
            f"A vector of the model in use has {dimensions} dimensions, this one {found}.",
            "wrong_dimensions",
        )
    if not np.isfinite(array).all():
        raise ValidationError("A vector can't have NaN or infinity in it.", "not_finite")
    largest = np.abs(array).max()
    if largest == 0:
        raise ValidationError("The zero vector has no direction: nothing is near it.", "zero")
    # By the largest first: squares of very large or small numbers are beyond a float.
    array = array / largest
    unit: Array = (array / np.linalg.norm(array)).astype(np.float32)
    return unit


def _as_array(values: Given) -> npt.NDArray[np.float64]:
    if isinstance(values, np.ndarray):
        if values.dtype.kind in "fiu":
            return values.astype(np.float64)
    elif isinstance(values, list | tuple) and all(map(_is_number, values)):
        try:
            return np.array(values, dtype=np.float64)
        except OverflowError as error:
            message = "A vector can't have numbers that large in it."
            raise ValidationError(message, "not_finite") from error
    raise ValidationError("A vector is a list of numbers.", "no_vector")


def _is_number(value: object) -> bool:
    # NumPy would take strings and booleans for numbers.
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def as_half_text(vector: Array) -> str:
    """A unit vector as PostgreSQL reads it, rounded to half precision. Five digits tell any two
    numbers of half precision apart."""
    return "[" + ",".join(map("{:.5g}".format, vector.astype(np.float16).tolist())) + "]"


def as_text(vector: Array) -> str:
    """A vector as PostgreSQL reads it, in full precision."""
    return "[" + ",".join(map("{:.9g}".format, vector.tolist())) + "]"


@dataclass(frozen=True)
class HalfVector:
    """A unit vector as a parameter of a statement, in half precision: in binary where the server
    binds it, else as text. The statement says its type."""

    values: Array


class HalfVectorText(Dumper):
    def dump(self, obj: HalfVector) -> bytes:
        return as_half_text(obj.values).encode()


class HalfVectorBinary(Dumper):
    format = Format.BINARY

    def dump(self, obj: HalfVector) -> bytes:
        """As pgvector's halfvec_recv reads it: the number of dimensions, an unused one, them."""
        return np.array([len(obj.values), 0], ">i2").tobytes() + obj.values.astype(">f2").tobytes()


def register_dumpers() -> None:
    """For connections that are opened from now on."""
    psycopg.adapters.register_dumper(HalfVector, HalfVectorText)
    # The last one is preferred where there is a choice.
    psycopg.adapters.register_dumper(HalfVector, HalfVectorBinary)
