"""The search as JSON. Anyone may read."""

from typing import Any

from django.db.models import Prefetch
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.generics import RetrieveAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from search import engine
from search.api import serializers
from search.models import Artist, Track
from search.suggest import suggest

BAD_REQUEST = OpenApiResponse(
    OpenApiTypes.OBJECT,
    "Messages by the name of the parameter that is wrong.",
    [OpenApiExample("A bad page", {"limit": ["Ensure this value is less than or equal to 100."]})],
)
NOT_FOUND = OpenApiResponse(
    OpenApiTypes.OBJECT,
    "There is none with this id.",
    [OpenApiExample("No such id", {"detail": "Not found."})],
)
ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)
SEARCH_EXAMPLE = {
    "query": "daft pnk one more tme",
    "did_you_mean": "daft punk one more time",
    "took_ms": 2.1,
    "results": [
        {
            "type": "track",
            "id": "8f9b9c62-3c0f-4b5e-9a51-0f6f8f0e8d2a",
            "external_id": None,
            "title": "One More Time",
            "artist": "Daft Punk",
            "album": "Discovery",
            "year": 2000,
            "duration_ms": 320357,
            "popularity": 88.0,
            "score": 0.9123,
            "match": "fuzzy",
            "highlights": {
                "artist": "<mark>Daft</mark> <mark>Punk</mark>",
                "title": "<mark>One</mark> <mark>More</mark> <mark>Time</mark>",
            },
        }
    ],
}
SUGGEST_EXAMPLE = {
    "query": "daft pu",
    "suggestions": [
        {"type": "artist", "text": "Daft Punk", "id": "f2c4d6f8-5f0e-4a57-8a5c-3f1f0d9b7c11"}
    ],
}


class PublicView(APIView):
    """Open to anyone. Who logs in counts as a user, too, for the limits on requests."""

    permission_classes = (AllowAny,)


class SearchView(PublicView):
    throttle_scope = "search"

    @extend_schema(
        operation_id="search",
        summary="Artists and tracks by badly typed names, best first",
        tags=["search"],
        parameters=[serializers.SearchParameters],
        responses={200: serializers.SearchResponse, 400: BAD_REQUEST},
        examples=[OpenApiExample("Two typos", SEARCH_EXAMPLE, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        asked = serializers.read(serializers.SearchParameters, request.query_params)
        results = engine.search(
            asked["q"], kind=asked["type"], limit=asked["limit"], offset=asked["offset"]
        )
        return Response(serializers.search_response(asked["q"], results))


class SuggestView(PublicView):
    throttle_scope = "search"

    @extend_schema(
        operation_id="suggest",
        summary="Names that complete what is being typed",
        tags=["search"],
        parameters=[serializers.SuggestParameters],
        responses={200: serializers.SuggestResponse, 400: BAD_REQUEST},
        examples=[OpenApiExample("Half a name", SUGGEST_EXAMPLE, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        typed = serializers.read(serializers.SuggestParameters, request.query_params)["q"]
        return Response(serializers.suggest_response(typed, suggest(typed)))


class EntryView(RetrieveAPIView[Any]):
    """One row of the catalogue."""

    permission_classes = PublicView.permission_classes

    def get_object(self) -> Any:
        try:
            return super().get_object()
        except (ValueError, Http404) as error:
            raise NotFound from error


class ArtistView(EntryView):
    queryset = Artist.objects.defer("search_vector", "name_key", "alias_keys")
    serializer_class: type[BaseSerializer[Any]] = serializers.ArtistSerializer

    @extend_schema(
        operation_id="artist",
        summary="One artist",
        tags=["catalogue"],
        parameters=[ID],
        responses={200: serializers.ArtistSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class TrackView(EntryView):
    queryset = Track.objects.defer(
        "search_vector", "title_key", "full_title_key", "credit_key", "main_credit_key"
    ).prefetch_related(
        Prefetch("artists", Artist.objects.only("id", "name").order_by("trackartist__position"))
    )
    serializer_class: type[BaseSerializer[Any]] = serializers.TrackSerializer

    @extend_schema(
        operation_id="track",
        summary="One track, with its artists",
        tags=["catalogue"],
        parameters=[ID],
        responses={200: serializers.TrackSerializer, 404: NOT_FOUND},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
