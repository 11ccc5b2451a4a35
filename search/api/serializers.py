"""What the API takes and gives. Search results are plain dicts: the serializers of their shape are
for the documentation only, since they would cost more than the search."""

from typing import TYPE_CHECKING, Any

from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from search.engine import MAX_RESULTS, Hit, Results
from search.highlight import Highlighter
from search.models import Artist, Track
from search.query import MAX_LENGTH
from vibomat.strict import refused, validated

if TYPE_CHECKING:
    from search.suggest import Suggestion

MATCHES = ["exact", "prefix", "fuzzy", "joined", "relaxed", "trigram"]


class Parameters(serializers.Serializer[dict[str, Any]]):
    """Query parameters: each at most once. Others are ignored here, as a page's, and refused by
    `read`."""

    def validate(self, attributes: dict[str, Any]) -> dict[str, Any]:
        if isinstance(self.initial_data, MultiValueDict):
            repeated = [
                str(name) for name in self.fields if len(self.initial_data.getlist(name)) > 1
            ]
            if repeated:
                raise serializers.ValidationError(
                    {name: ["Give this parameter once."] for name in repeated}
                )
        return attributes


def read(kind: type[Parameters], query: QueryDict) -> dict[str, Any]:
    """Raise ValidationError for parameters that are unknown, wrong, or given twice."""
    parameters = kind(data=query)
    return validated(parameters, refused(query, parameters.fields))


class SuggestParameters(Parameters):
    q = serializers.CharField(
        allow_blank=True,
        trim_whitespace=False,
        max_length=MAX_LENGTH,
        help_text="What was typed so far.",
    )


class SearchParameters(Parameters):
    q = serializers.CharField(
        allow_blank=True,
        trim_whitespace=False,
        max_length=MAX_LENGTH,
        help_text=(
            "What is looked for, spelt as badly as need be: names of artists and titles in any "
            'order. Also understood: `"a phrase"`, `-word`, `artist:`, `title:`, `album:`, '
            "`genre:`, `year:1997`, `year:1990-1999`. Blank text finds nothing."
        ),
    )
    type = serializers.ChoiceField(
        choices=["all", "track", "artist"], default="all", help_text="What to look for."
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=100, default=20, help_text="How many results at most."
    )
    offset = serializers.IntegerField(
        min_value=0,
        max_value=10_000,
        default=0,
        help_text=(
            "How many results of the ranked list to leave out. Pages of the same query make up the "
            f"list; it ends at {MAX_RESULTS}."
        ),
    )


class Marked(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(help_text="Escaped HTML; `<mark>` is its only element.", **kwargs)


class Result(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True, help_text="The id in the row's source.")
    popularity = serializers.FloatField()
    score = serializers.FloatField(help_text="From 0 to 1; results are in its order.")
    match = serializers.ChoiceField(choices=MATCHES)


class TrackHighlights(serializers.Serializer[Any]):
    artist = Marked()
    title = Marked()


class TrackResult(Result):
    type = serializers.ChoiceField(choices=["track"])
    title = serializers.CharField()
    artist = serializers.CharField(help_text="The artist credit, as printed.")
    album = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)
    highlights = TrackHighlights()


class ArtistHighlights(serializers.Serializer[Any]):
    name = Marked()


class ArtistResult(Result):
    type = serializers.ChoiceField(choices=["artist"])
    name = serializers.CharField()
    highlights = ArtistHighlights()


class SearchResponse(serializers.Serializer[Any]):
    query = serializers.CharField(help_text="What was typed.")
    did_you_mean = serializers.CharField(
        allow_null=True, help_text="The query as the best result spells it; null when it was fine."
    )
    took_ms = serializers.FloatField(help_text="Wall time of all statements of the search, in ms.")
    results = PolymorphicProxySerializer(
        component_name="SearchResult",
        serializers={"track": TrackResult, "artist": ArtistResult},
        resource_type_field_name="type",
        many=True,
    )


class SuggestedName(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["artist", "track"])
    text = serializers.CharField(help_text="The name to search for.")
    id = serializers.UUIDField()


class SuggestResponse(serializers.Serializer[Any]):
    query = serializers.CharField(help_text="What was typed.")
    suggestions = SuggestedName(many=True)


class ArtistName(serializers.ModelSerializer[Artist]):
    class Meta:
        model = Artist
        fields = ("id", "name")


class ArtistSerializer(serializers.ModelSerializer[Artist]):
    class Meta:
        model = Artist
        fields = (
            "id",
            "external_id",
            "name",
            "sort_name",
            "aliases",
            "genres",
            "popularity",
            "external_ids",
        )


class TrackSerializer(serializers.ModelSerializer[Track]):
    artist = serializers.CharField(
        source="artist_credit", help_text="The artist credit, as printed."
    )
    artists = ArtistName(many=True, help_text="The artists of the credit, in its order.")

    class Meta:
        model = Track
        fields = (
            "id",
            "external_id",
            "title",
            "artist",
            "artists",
            "album",
            "year",
            "duration_ms",
            "isrc",
            "genres",
            "popularity",
            "external_ids",
        )


def search_response(typed: str, results: Results) -> dict[str, Any]:
    """The API's answer to a search, in the shape of `SearchResponse`."""
    highlighter = Highlighter(results.reading)
    return {
        "query": typed,
        "did_you_mean": results.did_you_mean,
        "took_ms": round(results.took_ms, 2),
        "results": [_result(hit, highlighter.highlights(hit)) for hit in results.hits],
    }


def _result(hit: Hit, highlights: dict[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "type": hit.kind,
        "id": str(hit.id),
        "external_id": hit.external_id,
    }
    if hit.kind == "artist":
        result["name"] = hit.name
    else:
        result |= {
            "title": hit.name,
            "artist": hit.artist_credit,
            "album": hit.album,
            "year": hit.year,
            "duration_ms": hit.duration_ms,
        }
    return result | {
        "popularity": hit.popularity,
        "score": round(hit.score, 4),
        "match": hit.match,
        "highlights": highlights,
    }


def suggest_response(typed: str, suggestions: "list[Suggestion]") -> dict[str, Any]:
    """The API's answer to a text being typed, in the shape of `SuggestResponse`."""
    return {
        "query": typed,
        "suggestions": [
            {"type": found.kind, "text": found.text, "id": str(found.id)} for found in suggestions
        ],
    }
