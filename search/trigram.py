"""The last resort: names that share enough trigrams with the query, whatever its words."""

from typing import TypeVar

from django.contrib.postgres.search import TrigramSimilarity
from django.db import connection, models, transaction

Row = TypeVar("Row", bound=models.Model)

# Below it, on a large catalogue, so many names are alike that comparing them takes too long.
THRESHOLD = 0.45


def alike(
    rows: "models.QuerySet[Row]", name: str, text: str, most: int
) -> "list[tuple[Row, float]]":
    """Up to `most` rows whose column `name` is like the text, each with its similarity, most alike
    first."""
    with transaction.atomic(), connection.cursor() as cursor:
        # The index serves only pg_trgm's operators, and their threshold is a setting. Without a
        # trigram to look for (punctuation, or letters that the database's locale doesn't know),
        # pg_trgm would read the whole index.
        cursor.execute(
            "SELECT set_config('pg_trgm.similarity_threshold', %s, true), show_trgm(%s) <> '{}'",
            [str(THRESHOLD), text],
        )
        if not cursor.fetchone()[1]:
            return []
        found = (
            rows.filter(**{f"{name}__trigram_similar": text})
            .annotate(similarity=TrigramSimilarity(name, text))
            .order_by("-similarity", "-popularity", "pk")[:most]
        )
        return [(row, row.similarity) for row in found]  # type: ignore[attr-defined]
