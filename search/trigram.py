"""The last resort: names that share enough trigrams with the query, whatever its words."""

from typing import TypeVar

from django.contrib.postgres.search import TrigramSimilarity
from django.db import connection, models, transaction

from search.models import Artist, Track

Row = TypeVar("Row", bound=models.Model)

# Below it, on a large catalogue, so many names are alike that comparing them takes too long.
THRESHOLD = 0.45


def similar_names(text: str, most: int, *, artists: bool, tracks: bool) -> list[Artist | Track]:
    """Up to `most` artists and tracks each, with their `similarity` to the text, most alike
    first. The index serves only pg_trgm's operators, whose threshold is a setting."""
    found: list[Artist | Track] = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('pg_trgm.similarity_threshold', %s, true)", [str(THRESHOLD)]
        )
        if artists:
            found += ranked_by_similarity(Artist.objects.all(), "name", text)[:most]
        if tracks:
            found += ranked_by_similarity(Track.objects.all(), "title", text)[:most]
    return found


def ranked_by_similarity(
    rows: "models.QuerySet[Row]", name: str, text: str
) -> "models.QuerySet[Row]":
    return (
        rows.filter(**{f"{name}__trigram_similar": text})
        .annotate(similarity=TrigramSimilarity(name, text))
        .order_by("-similarity", "-popularity", "pk")
    )
