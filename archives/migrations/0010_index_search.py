"""Fill the search vectors of the archives there are, and index them."""

import django.contrib.postgres.indexes
from django.db import migrations

from vibomat.migration_operations import AddIndexSafely, RunInBatches

FILL = """
UPDATE playlist SET search_vector = NULL
WHERE id BETWEEN %(first)s AND %(last)s AND search_vector IS NULL
"""

# What the trigger does for new ones; see sql/search.sql.
SAMPLE = """
INSERT INTO archive_lexeme (word, is_public)
SELECT word, visibility = 'public' AND deleted_at IS NULL
FROM playlist, unnest(tsvector_to_array(search_vector)) AS word
WHERE id BETWEEN %(first)s AND %(last)s AND random() < 0.002 AND left(word, 1) <> '~'
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("archives", "0009_search")]

    operations = [
        RunInBatches("playlist", forwards=[FILL, SAMPLE], backwards=(), size=500),
        AddIndexSafely(
            "archive",
            django.contrib.postgres.indexes.GinIndex(
                fields=["search_vector"], name="archive_search", fastupdate=False
            ),
        ),
    ]
