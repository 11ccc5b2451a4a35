"""The indexes, built concurrently over the filled tables."""

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations
from django.db.models import Func, Index

from vibomat.migration_operations import AddIndexSafely

INDEXES: dict[str, list[Index]] = {
    "artist": [
        GinIndex(fields=["search_vector"], name="artist_search_vector", fastupdate=False),
        GinIndex(fields=["name"], name="artist_name_trgm", opclasses=["gin_trgm_ops"]),
        Index(fields=["name_key"], name="artist_name_key"),
        Index(fields=["external_id"], name="artist_external_id"),
        Index(fields=["-popularity", "id"], name="artist_popularity"),
    ],
    "track": [
        GinIndex(fields=["search_vector"], name="track_search_vector", fastupdate=False),
        GinIndex(fields=["title"], name="track_title_trgm", opclasses=["gin_trgm_ops"]),
        Index(fields=["credit_key", "title_key"], name="track_credit_title_key"),
        Index(fields=["external_id"], name="track_external_id"),
        Index(fields=["-popularity", "id"], name="track_popularity"),
    ],
    "lexeme": [
        GinIndex(
            Func("word", function="search_deletes"),
            name="search_lexeme_deletes",
            fastupdate=False,
        ),
    ],
}


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("search", "0004_fill_present_columns")]

    operations = [
        AddIndexSafely(model, index) for model, indexes in INDEXES.items() for index in indexes
    ]
