"""The functions by which content is indexed."""

from django.db import migrations

from vibomat.migration_operations import WithLockTimeout

from ._older import read

DROP_FUNCTIONS = """
DROP FUNCTION IF EXISTS archive_without_tracks(jsonb);
DROP FUNCTION IF EXISTS archive_track_query(text, text);
DROP FUNCTION IF EXISTS archive_word_query(text, text);
DROP FUNCTION IF EXISTS archive_quoted(text);
DROP FUNCTION IF EXISTS archive_words(jsonb, jsonb);
DROP FUNCTION IF EXISTS archive_track_word(bigint, bigint);
DROP FUNCTION IF EXISTS archive_word(text, bigint);
DROP FUNCTION IF EXISTS archive_hash(text);
DROP FUNCTION IF EXISTS archive_key(text);
DROP FUNCTION IF EXISTS archive_carries_time(timestamptz, uuid);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("archives", "0006_drop_older_table"),
        ("search", "0002_extensions_and_functions"),
    ]

    operations = [
        WithLockTimeout(
            migrations.RunSQL(read("words.sql") + read("content_words.sql"), DROP_FUNCTIONS)
        )
    ]
