"""What a search for archives reads, kept by triggers."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

from vibomat.migration_operations import WithLockTimeout

from ._older import read

# Filling the new column is no edit: it must leave `revision` and `updated` alone. So they change
# only with the columns that a person or program writes.
COUNT_EDITS = """
DROP TRIGGER archive_fill ON playlist;
CREATE TRIGGER archive_fill BEFORE INSERT OR UPDATE OF
    user_id, name, description, visibility, status, provider, provider_id, source_id, created,
    updated, last_synced_at, deleted_at, content, revision, track_count, total_duration_ms
    ON playlist FOR EACH ROW EXECUTE FUNCTION archive_fill();
"""
COUNT_EVERYTHING = """
DROP TRIGGER archive_fill ON playlist;
CREATE TRIGGER archive_fill BEFORE INSERT OR UPDATE ON playlist
    FOR EACH ROW EXECUTE FUNCTION archive_fill();
"""

TRIGGERS = """
CREATE TRIGGER archive_fill_search
    BEFORE INSERT OR UPDATE OF name, description, content, search_vector ON playlist
    FOR EACH ROW EXECUTE FUNCTION archive_fill_search();
CREATE TRIGGER archive_note_inserted AFTER INSERT ON playlist
    REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION archive_note_lexemes();
CREATE TRIGGER archive_note_updated AFTER UPDATE ON playlist
    REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION archive_note_lexemes();
"""
DROP_TRIGGERS = """
DROP TRIGGER archive_note_updated ON playlist;
DROP TRIGGER archive_note_inserted ON playlist;
DROP TRIGGER archive_fill_search ON playlist;
"""
DROP_FUNCTIONS = """
DROP FUNCTION IF EXISTS archive_lookup(text, boolean);
DROP FUNCTION IF EXISTS archive_nearby(text[], int[], boolean);
DROP FUNCTION IF EXISTS archive_note_lexemes();
DROP FUNCTION IF EXISTS archive_fill_search();
DROP FUNCTION IF EXISTS archive_search_vector(text, text, jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("archives", "0008_paths"),
        ("search", "0002_extensions_and_functions"),
    ]

    operations = [
        WithLockTimeout(
            migrations.AddField(
                "Archive",
                "search_vector",
                django.contrib.postgres.search.SearchVectorField(editable=False, null=True),
            ),
            migrations.CreateModel(
                name="Lexeme",
                fields=[
                    ("id", models.BigAutoField(primary_key=True, serialize=False)),
                    ("word", models.TextField(db_collation="C")),
                    ("is_public", models.BooleanField()),
                ],
                options={
                    "db_table": "archive_lexeme",
                    "indexes": [
                        models.Index(fields=["word", "is_public"], name="archive_lexeme_word"),
                        django.contrib.postgres.indexes.GinIndex(
                            models.Func("word", function="search_deletes"),
                            name="archive_lexeme_deletes",
                            fastupdate=False,
                        ),
                    ],
                },
            ),
            migrations.RunSQL(read("search.sql"), DROP_FUNCTIONS),
            migrations.RunSQL(COUNT_EDITS, COUNT_EVERYTHING),
            migrations.RunSQL(TRIGGERS, DROP_TRIGGERS),
        ),
    ]
