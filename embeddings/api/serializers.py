"""What the API takes and gives of interactions."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from embeddings.api.fields import Language, Metadata, Vector, Words
from embeddings.api.filters import NO_ARCHIVE, Filters
from embeddings.api.parameters import MAX_LIMIT
from embeddings.known_archives import nameable_by
from embeddings.models import Interaction, Kind
from embeddings.search import MODES
from vibomat.strict import Strict


class PromptSerializer(Strict):
    """An interaction. In the context are the `user` who sends one; or, to show some, the `archives`
    that the reader may know of, and which are `embedded`."""

    id = serializers.UUIDField(read_only=True)
    user = serializers.UUIDField(
        source="user_id", read_only=True, allow_null=True, help_text="Null if nobody was logged in."
    )
    kind = serializers.ChoiceField(choices=Kind.choices, default=Kind.PROMPT)
    text = Words()
    language = Language(
        allow_blank=True, default="", help_text="A tag such as `en` or `pt-BR`; empty if unknown."
    )
    metadata = Metadata(default=dict, help_text="At most 64 kB.")
    archive = serializers.UUIDField(
        required=False,
        allow_null=True,
        default=None,
        source="archive_id",
        help_text="The archive it led to; null if none, or if you may not know of it.",
    )
    created = serializers.DateTimeField(read_only=True)
    embedded = serializers.SerializerMethodField(
        help_text="Whether it has a vector, by which it is found, or waits for one."
    )

    def get_embedded(self, interaction: Interaction) -> bool:
        return interaction.pk in self.context["embedded"]

    def validate_archive(self, archive: UUID | None) -> UUID | None:
        user = self.context["user"]
        if archive is not None and not nameable_by(user).filter(pk=archive).exists():
            raise serializers.ValidationError(NO_ARCHIVE)
        return archive

    def to_representation(self, interaction: Interaction) -> dict[str, Any]:
        shown = super().to_representation(interaction)
        if interaction.archive_id not in self.context["archives"]:
            shown["archive"] = None
        return shown


class SimilarRequest(Strict, Filters):
    """What is like a text or a vector; one of the two."""

    text = Words(required=False)
    vector = Vector(
        required=False, help_text="Of the model in use, with its dimensions; of any length."
    )
    k = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=10, help_text="How many at most."
    )
    mode = serializers.ChoiceField(
        choices=MODES,
        default="vector",
        help_text="`vector` by whatever is quick, `exact` by the distances to all, `hybrid` by "
        "words as well.",
    )

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "text" not in asked and "vector" not in asked:
            raise serializers.ValidationError({"text": ["Give a text or a vector."]})
        if "text" in asked and "vector" in asked:
            raise serializers.ValidationError({"vector": ["Give a text or a vector, not both."]})
        if "vector" in asked and asked["mode"] == "hybrid":
            message = "A hybrid search needs a text, for its words."
            raise serializers.ValidationError({"mode": [message]})
        return asked


class SimilarSerializer(serializers.Serializer[Any]):
    """An interaction that is like another; `archives` in the context as above."""

    id = serializers.UUIDField()
    text = serializers.CharField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    similarity = serializers.SerializerMethodField(
        help_text="From -1 to 1, the same; null if only its words were looked for."
    )
    created = serializers.DateTimeField()
    archive = serializers.SerializerMethodField(
        help_text="The archive it led to; null if none, or if you may not know of it."
    )

    @extend_schema_field({"type": "number", "minimum": -1, "maximum": 1, "nullable": True})
    def get_similarity(self, interaction: Any) -> float | None:
        similarity: float | None = interaction.similarity
        return None if similarity is None else round(similarity, 4)

    @extend_schema_field({"type": "string", "format": "uuid", "nullable": True})
    def get_archive(self, interaction: Interaction) -> str | None:
        known = interaction.archive_id in self.context["archives"]
        return str(interaction.archive_id) if known else None


class SimilarResponse(serializers.Serializer[Any]):
    results = SimilarSerializer(many=True, help_text="The most similar first.")
    model = serializers.CharField(
        allow_null=True, help_text="The embedding model; null if none took part."
    )
    mode = serializers.ChoiceField(
        choices=[*MODES, "words"],
        help_text="As asked for; `words` if that was hybrid and the model does not answer.",
    )
    took_ms = serializers.FloatField()
