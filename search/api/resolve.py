"""Lists of tracks matched to the catalogue, as JSON. Anyone may ask."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from search.api.views import PublicView
from search.resolve import BATCH, Entry, Match, Resolution, resolve
from vibomat.strict import Strict

MAX_TEXT = 1000
MAX_DURATION_MS = 2**31 - 1

BAD_REQUEST = OpenApiResponse(
    OpenApiTypes.OBJECT,
    "Messages by the place of what is wrong.",
    [OpenApiExample("No title", {"tracks[3].title": ["This field is required."]})],
)
REQUEST_EXAMPLE = {
    "tracks": [
        {"artist": "Daft Pnk", "title": "One More Tme", "album": "Discovery"},
        {"artist": "Daft Punk", "title": "Marmalade Sundial"},
    ]
}
RESPONSE_EXAMPLE = {
    "results": [
        {
            "track": {
                "id": "8f9b9c62-3c0f-4b5e-9a51-0f6f8f0e8d2a",
                "external_id": None,
                "title": "One More Time",
                "artist": "Daft Punk",
                "album": "Discovery",
                "year": 2000,
                "duration_ms": 320357,
                "popularity": 88.0,
                "confidence": 0.9841,
            },
            "confidence": 0.9841,
            "grade": "close",
            "alternatives": [],
        },
        {"track": None, "confidence": 0.0, "grade": "none", "alternatives": []},
    ]
}


class Text(serializers.CharField):
    """A string, and nothing that could be made one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class EntryField(Strict):
    artist = Text(allow_blank=True, max_length=MAX_TEXT)
    title = Text(allow_blank=True, max_length=MAX_TEXT)
    album = Text(
        allow_blank=True,
        allow_null=True,
        required=False,
        max_length=MAX_TEXT,
        help_text="With the duration, tells editions of a track apart.",
    )
    duration_ms = serializers.IntegerField(
        min_value=0, max_value=MAX_DURATION_MS, allow_null=True, required=False
    )

    def validate(self, attributes: dict[str, Any]) -> dict[str, Any]:
        if not attributes["artist"] and not attributes["title"]:
            raise serializers.ValidationError("Give an artist and a title.")
        return attributes


class ResolveRequest(Strict):
    tracks = serializers.ListField(
        child=EntryField(), max_length=BATCH, help_text=f"At most {BATCH}."
    )


class ResolvedTrack(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True, help_text="The id in the row's source.")
    title = serializers.CharField()
    artist = serializers.CharField(help_text="The artist credit, as printed.")
    album = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)
    popularity = serializers.FloatField()
    confidence = serializers.FloatField(help_text="The probability that this track is meant.")


class ResolvedEntry(serializers.Serializer[Any]):
    track = ResolvedTrack(allow_null=True, help_text="Null when the catalogue hardly has it.")
    confidence = serializers.FloatField(
        help_text="From 0 to 1; of those given 0.9, about nine in ten are right."
    )
    grade = serializers.ChoiceField(
        choices=["exact", "close", "uncertain", "none"],
        help_text="`exact`: the same names; `none`: no track is likely enough.",
    )
    alternatives = ResolvedTrack(many=True, help_text="Up to three other tracks, likeliest first.")


class ResolveResponse(serializers.Serializer[Any]):
    results = ResolvedEntry(many=True, help_text="One for each track, in the order given.")


class ResolveView(PublicView):
    throttle_scope = "resolve"

    @extend_schema(
        operation_id="resolve",
        summary="A list of typed tracks matched to the catalogue",
        description=(
            "For lists that people typed or a language model made up. A track is matched when its "
            "artist and its title both are right but for typing errors; one that doesn't exist has "
            "no match."
        ),
        tags=["search"],
        request=ResolveRequest,
        responses={200: ResolveResponse, 400: BAD_REQUEST},
        examples=[
            OpenApiExample("A typo, and a track that isn't", REQUEST_EXAMPLE, request_only=True),
            OpenApiExample("A match, and none", RESPONSE_EXAMPLE, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        asked = ResolveRequest(data=request.data)
        if not asked.is_valid():
            raise serializers.ValidationError(errors_by_place(asked.errors))
        entries = [
            Entry(
                track["artist"],
                track["title"],
                track.get("album") or "",
                track.get("duration_ms"),
            )
            for track in asked.validated_data["tracks"]
        ]
        return Response(resolve_response(resolve(entries)))


def resolve_response(resolutions: list[Resolution]) -> dict[str, Any]:
    """The API's answer to a list of tracks, in the shape of `ResolveResponse`."""
    return {"results": [_resolved(each) for each in resolutions]}


def errors_by_place(errors: Any, place: str = "") -> dict[str, Any]:
    """Nested errors as one level: `{"tracks[3].title": [...]}`."""
    if not isinstance(errors, dict):
        return {place or "non_field_errors": errors}
    flat: dict[str, Any] = {}
    for name, below in errors.items():
        if name == "non_field_errors":
            inside = place
        elif isinstance(name, int):
            inside = f"{place}[{name}]"
        else:
            inside = f"{place}.{name}" if place else str(name)
        flat |= errors_by_place(below, inside)
    return flat


def _resolved(resolution: Resolution) -> dict[str, Any]:
    return {
        "track": _track(resolution.track) if resolution.track else None,
        "confidence": round(resolution.confidence, 4),
        "grade": resolution.grade,
        "alternatives": [_track(track) for track in resolution.alternatives],
    }


def _track(match: Match) -> dict[str, Any]:
    return {
        "id": str(match.id),
        "external_id": match.external_id,
        "title": match.title,
        "artist": match.artist_credit,
        "album": match.album,
        "year": match.year,
        "duration_ms": match.duration_ms,
        "popularity": match.popularity,
        "confidence": round(match.confidence, 4),
    }
