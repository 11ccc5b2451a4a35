"""By what interactions are asked for, in addresses and bodies alike."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from embeddings.api.fields import Language, Metadata, Time
from embeddings.known_archives import nameable_by
from embeddings.models import Interaction, Kind
from embeddings.querysets import InteractionQuerySet, may_see_all
from vibomat.accounts.models import User

NO_ARCHIVE = "There is no archive with this id, or none that you may know of."
ONLY_STAFF = "Only staff who may view all may ask for somebody else's."


@extend_schema_field(OpenApiTypes.STR)
class Owner(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> Any:
        try:
            return data if data == "me" else UUID(data)
        except (ValueError, TypeError, AttributeError) as error:
            raise serializers.ValidationError("Enter me, or a user's id.") from error


class Filters(serializers.Serializer[dict[str, Any]]):
    """Fields whose names are those of the conditions below."""

    owner = Owner(
        required=False,
        help_text="`me`: your own, which is all there is unless you are staff who may view all; "
        "they may give a user's id.",
    )
    kind = serializers.ChoiceField(choices=Kind.choices, required=False)
    archive = serializers.UUIDField(required=False, help_text="The archive they led to.")
    created_after = Time(required=False, help_text="From that time on; a date is its first moment.")
    created_before = Time(required=False, help_text="Until that time; a date is its first moment.")
    language = Language(required=False, help_text="Exactly that tag, such as `en` or `pt-BR`.")
    metadata: serializers.Field[Any, Any, Any, Any] = Metadata(
        required=False, help_text="What their metadata contains, as PostgreSQL's `@>` has it."
    )


CONDITIONS = {
    "kind": "kind",
    "archive": "archive",
    "created_after": "created__gte",
    "created_before": "created__lte",
    "language": "language",
    "metadata": "metadata__contains",
}


def reachable(user: User, asked: dict[str, Any]) -> InteractionQuerySet:
    """The interactions that the user may read and that are as asked for.

    Raise PermissionDenied where not everybody may ask, and ValidationError for an archive that the
    user may not know of.
    """
    owner = asked.get("owner")
    found: InteractionQuerySet = Interaction.objects.visible_to(user)
    if owner == "me":
        found = found.owned_by(user)
    elif owner is not None:
        if owner != user.pk and not may_see_all(user):
            raise PermissionDenied(ONLY_STAFF)
        found = found.filter(user=owner)
    if "archive" in asked and not nameable_by(user).filter(pk=asked["archive"]).exists():
        raise serializers.ValidationError({"archive": [NO_ARCHIVE]})
    return found.filter(
        **{lookup: asked[name] for name, lookup in CONDITIONS.items() if name in asked}
    )
