"""What the API takes and gives of archives."""

import json
from typing import Any

from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from archives.content import errors_by_field
from archives.filters import CLEAN, Path
from archives.models import Archive, Status
from vibomat.accounts.models import User

WRITTEN_BY_VIBOMAT = (
    "id",
    "owner",
    "derived_from",
    "created",
    "updated",
    "deleted",
    "revision",
    "track_count",
    "total_duration_ms",
)
SUMMARY = (
    "id",
    "owner",
    "name",
    "description",
    "visibility",
    "status",
    "provider",
    "provider_id",
    "derived_from",
    "created",
    "updated",
    "last_synced",
    "deleted",
    "revision",
    "track_count",
    "total_duration_ms",
)


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": True,
        "properties": {
            "name": {"type": "string", "nullable": True},
            "description": {"type": "string", "nullable": True},
            "tracks": {
                "type": "array",
                "nullable": True,
                "maxItems": 10_000,
                "items": {
                    "type": "object",
                    "required": ["artist"],
                    "additionalProperties": True,
                    "properties": {
                        "artist": {"type": "string"},
                        "track": {"type": "string", "nullable": True},
                        "album": {"type": "string", "nullable": True},
                        "version": {"type": "string", "nullable": True},
                        "duration_ms": {
                            "type": "integer",
                            "nullable": True,
                            "minimum": 0,
                            "maximum": 4_294_967_295,
                        },
                        "uri": {"type": "string", "nullable": True},
                        "provider_ids": {
                            "type": "object",
                            "nullable": True,
                            "additionalProperties": {"type": "string", "nullable": True},
                        },
                        "playable": {
                            "type": "object",
                            "nullable": True,
                            "additionalProperties": {"type": "boolean", "nullable": True},
                        },
                        "verified_by": {
                            "type": "array",
                            "nullable": True,
                            "items": {"type": "string"},
                        },
                    },
                },
            },
            "metadata": {
                "type": "object",
                "nullable": True,
                "additionalProperties": True,
                "properties": {
                    "mood": {"type": "string", "nullable": True},
                    "tags": {
                        "type": "array",
                        "nullable": True,
                        "maxItems": 1_000,
                        "items": {"type": "string"},
                    },
                },
            },
        },
    }
)
class ContentField(serializers.Field[Any, Any, Any, Any]):
    """The content as it is; `ArchiveSerializer` validates it, as its errors have paths."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class OwnerSerializer(serializers.ModelSerializer[User]):
    handle = serializers.SerializerMethodField(
        help_text="Null if there is none, or the owner's profile is not public."
    )

    class Meta:
        model = User
        fields = ("id", "handle")

    @extend_schema_field({"type": "string", "nullable": True})
    def get_handle(self, user: User) -> str | None:
        return user.handle if user.is_public else None


class SummarySerializer(serializers.ModelSerializer[Archive]):
    """An archive without its content, as lists have it."""

    owner = OwnerSerializer(read_only=True)
    status = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=50,
        help_text=f"{', '.join(Status.values)}, or whatever a provider says.",
    )
    derived_from = serializers.SerializerMethodField(
        help_text="The archive this is a copy of; null if none, or if you may not read it."
    )

    class Meta:
        model = Archive
        fields: tuple[str, ...] = SUMMARY
        read_only_fields = WRITTEN_BY_VIBOMAT

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_derived_from(self, archive: Archive) -> str | None:
        source = archive.derived_from_id
        return str(source) if source in self.context["sources"] else None


class ArchiveSerializer(SummarySerializer):
    content = ContentField(required=False, help_text="See docs/archives.md.")

    class Meta(SummarySerializer.Meta):
        fields = (*SUMMARY, "content")

    def to_internal_value(self, data: Any) -> Any:
        """Unknown fields are refused, lest a misspelt one be lost. So that what was read can be
        sent back, those that Vibomat writes are left alone, and a value that the archive has is
        taken whatever it is: an older archive's may be none that is taken today."""
        if not isinstance(data, dict):
            return super().to_internal_value(data)
        errors: dict[str, Any] = {
            str(name): ["There is no such field."] for name in data if name not in self.fields
        }
        kept = self.kept(data)
        for name in kept:
            self.fields[name].required = False
        others = {name: value for name, value in data.items() if name not in kept}
        try:
            values = super().to_internal_value(others)
        except serializers.ValidationError as error:
            errors |= error.detail if isinstance(error.detail, dict) else {}
        if "content" in others:
            errors |= errors_by_field(others["content"])
        if errors:
            raise serializers.ValidationError(errors)
        return kept | values

    def kept(self, data: dict[str, Any]) -> dict[str, Any]:
        """The values that the archive has, of fields that are given as they were read."""
        if self.instance is None:
            return {}
        archive = self.instance
        return {
            name: value
            for name, field in self.fields.items()
            if name in data
            and not field.read_only
            and is_same(data[name], field.to_representation(value := getattr(archive, name)))
        }


class ReplaceSerializer(ArchiveSerializer):
    """All of an archive: what is left out gets its default, except the content."""

    content = ContentField(help_text="See docs/archives.md.")

    def to_internal_value(self, data: Any) -> Any:
        return defaults() | super().to_internal_value(data)


class DeriveSerializer(serializers.ModelSerializer[Archive]):
    name = serializers.CharField(
        required=False, max_length=1000, help_text="The copy's name; the source's if not given."
    )

    class Meta:
        model = Archive
        fields = ("name",)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := data.keys() - self.fields.keys()):
            raise serializers.ValidationError(
                {str(name): ["There is no such field."] for name in unknown}
            )
        return super().to_internal_value(data)


class PathParameterSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=sorted(CLEAN))
    help = serializers.CharField()


class PathSerializer(serializers.Serializer[Any]):
    """A declared path: `archives.paths.Path`, with the sizes of indexes in the context."""

    name = serializers.CharField()
    help = serializers.CharField()
    parameters = PathParameterSerializer(many=True)
    index = serializers.SerializerMethodField(
        help_text="Several paths may share one; null if it has none."
    )
    size_bytes = serializers.SerializerMethodField(
        help_text="What the index takes on disk; null if there is none."
    )

    @extend_schema_field({"type": "string", "nullable": True})
    def get_index(self, path: Path) -> str | None:
        return path.index_name or None

    @extend_schema_field({"type": "integer", "format": "int64", "nullable": True})
    def get_size_bytes(self, path: Path) -> int | None:
        sizes: dict[str | None, int] = self.context["sizes"]
        return sizes.get(self.get_index(path))


def is_same(value: Any, other: Any) -> bool:
    """Whether they are the same in JSON, where 1, 1.0 and true are three."""
    return value is other or (
        value == other
        and (
            not isinstance(value, dict)
            or json.dumps(value, sort_keys=True) == json.dumps(other, sort_keys=True)
        )
    )


def defaults() -> dict[str, Any]:
    """What the fields that a client may write are when it doesn't."""
    return {
        name: field.get_default()
        for name in set(SUMMARY) - set(WRITTEN_BY_VIBOMAT) - {"name"}
        if isinstance(field := Archive._meta.get_field(name), models.Field)
    }
