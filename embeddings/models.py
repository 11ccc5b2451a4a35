"""What people type and are answered, and where embedding models place it in their vector spaces."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models, router, transaction
from django.db.models.functions import Now
from django.utils.functional import cached_property
from pgvector.django import HalfVectorField, VectorField

from archives.fields import UUID7Field
from embeddings import embedders, indexing
from embeddings.embedders import Embedder, EmbedderError
from embeddings.metadata import MetadataField, validate_metadata
from embeddings.querysets import EmbeddingModelQuerySet, InteractionManager
from embeddings.vectors import MOST_DIMENSIONS, Array, Given, as_unit
from vibomat.accounts.validators import validate_text

MOST_CHARACTERS = 20_000


class Kind(models.TextChoices):
    """What an interaction is: what somebody asks for, the answer to it, what somebody thinks of an
    answer, what somebody types into a search box."""

    PROMPT = "prompt"
    RESPONSE = "response"
    FEEDBACK = "feedback"
    SEARCH = "search"


class Interaction(models.Model):
    """A text that was typed or answered. `user` null means nobody who was logged in.

    `language` is a tag such as `en` or `pt-BR` (BCP 47), empty where unknown. `archive` is the one
    it led to. `created` of an interaction from the older schema is the time in its id, or if that
    has none, the time at which it was migrated.

    When its text changes the database deletes its vectors, which are those of the earlier text.
    """

    id = UUID7Field(primary_key=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="interactions",
        db_index=False,
    )
    kind = models.TextField(choices=Kind.choices, default=Kind.PROMPT, db_default=Kind.PROMPT)
    text = models.TextField(validators=[MaxLengthValidator(MOST_CHARACTERS)])
    language = models.TextField(
        blank=True, default="", db_default="", validators=[MaxLengthValidator(35)]
    )
    metadata = MetadataField(blank=True, default=dict, db_default={})
    archive = models.ForeignKey(
        "archives.Archive",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="interactions",
        db_index=False,
    )
    created = models.DateTimeField(db_default=Now(), editable=False)

    search_vector = models.GeneratedField(
        expression=SearchVector(models.Func("text", function="search_normalise"), config="vibomat"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = InteractionManager()

    class Meta:
        db_table = "interaction"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["prompt", "response", "feedback", "search"]),
                name="interaction_kind_known",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created", "-id"], name="interaction_user_newest"),
            models.Index(fields=["-created", "-id"], name="interaction_newest"),
            models.Index(
                fields=["archive"],
                name="interaction_archive",
                condition=models.Q(archive__isnull=False),
            ),
            GinIndex(
                fields=["metadata"],
                name="interaction_metadata",
                opclasses=["jsonb_path_ops"],
                fastupdate=False,
            ),
            GinIndex(fields=["search_vector"], name="interaction_search", fastupdate=False),
        ]

    def __str__(self) -> str:
        return self.text if len(self.text) <= 80 else f"{self.text[:79]}…"

    def clean(self) -> None:
        super().clean()
        errors: dict[str, ValidationError] = {}

        def check(name: str, validate: Callable[[Any], None]) -> None:
            try:
                validate(getattr(self, name))
            except ValidationError as error:
                errors[name] = error

        # Not as the fields' validators: migrations would import them from here.
        for name in ("text", "language"):
            if isinstance(getattr(self, name), str):
                check(name, validate_text)
        # A field that may be blank isn't asked about an empty value, such as [].
        if not self.metadata:
            check("metadata", validate_metadata)
        if isinstance(self.text, str) and self.text.isspace():
            errors["text"] = ValidationError("This field cannot be blank.", "blank")
        if errors:
            raise ValidationError(errors)


class Distance(models.TextChoices):
    """By what vectors of a model are compared. Of unit vectors both find the same, and the inner
    product is computed faster."""

    COSINE = "cosine"
    INNER_PRODUCT = "inner_product"


class Precision(models.TextChoices):
    """How a model's vectors are stored: 2 or 4 bytes a dimension."""

    HALF = "half"
    FULL = "full"


class State(models.TextChoices):
    """What a model is for: being filled beside the active one; searches; nothing any more."""

    BUILDING = "building"
    ACTIVE = "active"
    RETIRED = "retired"


class EmbeddingModel(models.Model):
    """An embedding model, under its embedder's id. Searches use the active one."""

    name = models.TextField(unique=True, validators=[MaxLengthValidator(200)])
    dimensions = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MOST_DIMENSIONS)]
    )
    distance = models.TextField(
        choices=Distance.choices, default=Distance.COSINE, db_default=Distance.COSINE
    )
    precision = models.TextField(
        choices=Precision.choices, default=Precision.HALF, db_default=Precision.HALF
    )
    state = models.TextField(
        choices=State.choices, default=State.BUILDING, db_default=State.BUILDING
    )
    created = models.DateTimeField(db_default=Now(), editable=False)

    objects = EmbeddingModelQuerySet.as_manager()

    class Meta:
        db_table = "embedding_model"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(dimensions__gte=1, dimensions__lte=4000),
                name="embedding_model_dimensions_indexable",
            ),
            models.CheckConstraint(
                condition=models.Q(distance__in=["cosine", "inner_product"]),
                name="embedding_model_distance_known",
            ),
            models.CheckConstraint(
                condition=models.Q(precision__in=["half", "full"]),
                name="embedding_model_precision_known",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["building", "active", "retired"]),
                name="embedding_model_state_known",
            ),
            models.UniqueConstraint(
                fields=["state"],
                condition=models.Q(state="active"),
                name="embedding_model_one_active",
                violation_error_message="Another model is active.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def column(self) -> str:
        """Which of an embedding's columns has this model's vectors."""
        return "full_vector" if self.precision == Precision.FULL else "vector"

    @property
    def embedder(self) -> Embedder:
        """What makes its vectors. Raise EmbedderError if that is not here, or has changed."""
        embedder = embedders.by_id(self.name)
        if embedder.dimensions != self.dimensions:
            raise EmbedderError(
                f"{self.name} makes vectors of {embedder.dimensions} dimensions; in the database "
                f"they have {self.dimensions}: let it have another id, and embed all texts by that."
            )
        return embedder

    @cached_property
    def indexed(self) -> float:
        """How many vectors its index has, or had when it was last analysed."""
        models_ = type(self).objects.using(self._state.db)
        return models_.with_indexed().get(pk=self.pk).indexed

    def store(self, vectors: Iterable[tuple[Interaction, Given]]) -> int:
        """Store the vectors of interactions, scaled to length 1, in place of those they have;
        return their number. Raise ValidationError, and store none, if one is no vector of it."""
        rows = [
            Embedding(
                interaction=interaction,
                model=self,
                **{self.column: as_unit(vector, self.dimensions)},
            )
            for interaction, vector in vectors
        ]
        Embedding.objects.bulk_create(
            rows,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["interaction", "model"],
            update_fields=[self.column, "created"],
        )
        return len(rows)

    def activate(self) -> None:
        """Let searches use this model from now on, and retire the one they used; in one
        transaction. Raise IndexingError unless its index is there."""
        using = router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using):
            models_ = type(self).objects.using(using)
            # Whoever activates another one waits here.
            list(models_.select_for_update().order_by("pk"))
            indexing.require(self, using)
            models_.filter(state=State.ACTIVE).exclude(pk=self.pk).update(state=State.RETIRED)
            models_.filter(pk=self.pk).update(state=State.ACTIVE)
        self.state = State.ACTIVE


class Embedding(models.Model):
    """The vector of an interaction's text by one model: in half precision, or in full where the
    model says so, as the older Vibomat's does."""

    interaction = models.ForeignKey(
        Interaction, on_delete=models.CASCADE, related_name="embeddings", db_index=False
    )
    model = models.ForeignKey(
        EmbeddingModel, on_delete=models.PROTECT, related_name="embeddings", db_index=False
    )
    vector = HalfVectorField(null=True)
    full_vector = VectorField(null=True)
    created = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "embedding"
        constraints = [
            models.UniqueConstraint(
                fields=["interaction", "model"], name="embedding_interaction_model"
            ),
            models.CheckConstraint(
                condition=models.Q(vector=None, full_vector__isnull=False)
                | models.Q(vector__isnull=False, full_vector=None),
                name="embedding_in_one_precision",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.interaction_id} by {self.model_id}"

    @property
    def values(self) -> Array:
        """The vector's numbers, float32."""
        return np.array(self.full_vector if self.vector is None else self.vector, dtype=np.float32)
