"""Which interactions are whose to see, and how they are searched. Every way in starts here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, FloatField, OuterRef, Value

from embeddings import embedders
from embeddings.expressions import Indexed, Similarity
from embeddings.found import SearchedQuerySet
from embeddings.nearest import gives_rows, nearest, nearest_rows
from embeddings.query_vectors import query_vector
from embeddings.search import Search, validate_search
from embeddings.vectors import Array, Given, as_unit
from vibomat.accounts.validators import validate_text
from vibomat.postgresql.prepared import prepared_cursor

if TYPE_CHECKING:
    from embeddings.models import EmbeddingModel, Interaction
    from vibomat.accounts.models import User


class InteractionQuerySet(SearchedQuerySet["Interaction"]):
    """Interactions, scoped by who asks.

    Staff with the permission `embeddings.view_interaction` see all; others their own; an inactive
    user none.
    """

    def owned_by(self, user: User | AnonymousUser) -> Self:
        """That user's own."""
        if user.is_authenticated and user.is_active:
            return self.filter(user=user)
        return self.none()

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """What that user may read."""
        if may_see_all(user):
            return self.all()
        return self.owned_by(user)

    def waiting_for(self, model: EmbeddingModel) -> Self:
        """Those that model has no vector of yet."""
        embedded = model.embeddings.filter(interaction=OuterRef("pk"))
        return self.filter(~Exists(embedded))

    def similar(
        self,
        text_or_vector: str | Given,
        k: int = 10,
        *,
        mode: str = "vector",
        ef_search: int | None = None,
        threshold: float | None = None,
        model: EmbeddingModel | None = None,
    ) -> Self:
        """The `k` of these that are nearest in meaning to a text, or to a vector of any length;
        nearest first, with `similarity` from -1 to 1.

        It is a queryset still: filters may follow, and it gives `k` rows whenever so many are
        left, however few of all those are. Each evaluation searches once more; ordered otherwise,
        it is the same rows.

        * `mode`: "vector" by whatever is quick, "exact" by all distances, "hybrid" by the words of
          the text as well. What only words find has null for a similarity if it has no vector yet.
        * `ef_search`: how many candidates the index keeps in mind, more for a better recall.
        * `threshold`: the least similarity, in which case it may be fewer rows.
        * `model`: another than the active one. There are no rows without a model, or without text.

        Raise ValidationError, by parameter, for what can't be asked, and EmbedderError where a
        text's vector can't be had.
        """
        text = text_or_vector if isinstance(text_or_vector, str) else ""
        validate_search(k, mode, isinstance(text_or_vector, str), ef_search, threshold)
        model = model or _active_model()
        vector = _vector(text_or_vector, model) if model else None
        if model is None or vector is None:
            nothing = Value(None, output_field=FloatField())
            return self.none().annotate(similarity=nothing)
        return self._searched(Search(model, vector, k, mode, text, ef_search, threshold))

    def similar_to(self, interaction: Interaction, k: int = 10, **options: Any) -> Self:
        """`similar` to an interaction, by its own vector if it has one, without itself; else by its
        text."""
        others = self.exclude(pk=interaction.pk)
        model = options.pop("model", None) or _active_model()
        embedding = model.embeddings.filter(interaction=interaction).first() if model else None
        # An older vector may be zero, which is near to nothing.
        if embedding is None or not embedding.values.any() or options.get("mode") == "hybrid":
            return others.similar(interaction.text, k, model=model, **options)
        return others.similar(embedding.values, k, model=model, **options)

    def asked_before(self, text: str, k: int = 5) -> Self:
        """Those of these that asked for the same in whatever words, by the threshold of the
        embedder; at most `k`. Raise as `similar` does."""
        model = _active_model()
        same = embedders.by_id(model.name).same_question if model else None
        asked = self.filter(kind__in=("prompt", "search"))
        return asked.similar(text, k, threshold=same, model=model)

    def _searched(self, search: Search) -> Self:
        similarity = Similarity("pk", search.model, search.vector)
        found = self.order_by().annotate(similarity=similarity)
        found.search = search
        return found

    def _nearest(self, candidates: Self, search: Search) -> dict[UUID, float | None]:
        return nearest(candidates, search)

    def _gives_rows(self, search: Search) -> bool:
        return gives_rows(search)

    def _nearest_rows(
        self, candidates: Self, search: Search, columns: Sequence[str]
    ) -> list[tuple[float, tuple[Any, ...]]]:
        return nearest_rows(candidates, search, columns)


def may_see_all(user: User | AnonymousUser) -> bool:
    """Whether everybody's interactions are that user's to see."""
    return user.is_active and user.is_staff and user.has_perm("embeddings.view_interaction")


class InteractionManager(models.Manager.from_queryset(InteractionQuerySet)):  # type: ignore[misc]
    """Leaves out what only the database reads."""

    def get_queryset(self) -> InteractionQuerySet:
        found: InteractionQuerySet = super().get_queryset().defer("search_vector")
        return found


class EmbeddingModelQuerySet(models.QuerySet["EmbeddingModel"]):
    def active(self) -> EmbeddingModel | None:
        """The model by which texts are searched, None if there is none yet."""
        statement, params = _active_statement(self.model)
        with prepared_cursor(self.db) as cursor:
            cursor.execute(statement, params)
            row = cursor.fetchone()
        if row is None:
            return None
        *values, indexed = row
        names = [field.attname for field in self.model._meta.concrete_fields]
        model = self.model.from_db(self.db, names, values)
        model.indexed = indexed
        return model

    def with_indexed(self) -> Self:
        """With how many vectors the index of each has, or had when it was last analysed."""
        return self.annotate(indexed=Indexed("pk"))


@cache
def _active_statement(model: type[EmbeddingModel]) -> tuple[str, tuple[Any, ...]]:
    """Kept, as making it takes longer than running it."""
    queryset = EmbeddingModelQuerySet(model).filter(state="active").with_indexed()
    return queryset.query.sql_with_params()


def _active_model() -> EmbeddingModel | None:
    models_: EmbeddingModelQuerySet = apps.get_model("embeddings", "EmbeddingModel").objects.all()
    return models_.active()


def _vector(text_or_vector: str | Given, model: EmbeddingModel) -> Array | None:
    field = "text" if isinstance(text_or_vector, str) else "vector"
    try:
        if isinstance(text_or_vector, str):
            validate_text(text_or_vector)
            return query_vector(text_or_vector, model)
        return as_unit(text_or_vector, model.dimensions)
    except ValidationError as error:
        raise ValidationError({field: error}) from error
