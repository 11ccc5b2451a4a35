"""Fill the search vectors of the archives there are, and index them."""

import django.contrib.postgres.indexes
from django.db import migrations

from vibomat.migration_operations import AddIndexSafely, RunInBatches

FILL = """
UPDATE playlist SET search_vector = NULL
WHERE id BETWEEN %(first)s AND %(last)s AND search_vector IS NULL
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("archives", "0009_search")]

    operations = [
        RunInBatches("playlist", forwards=[FILL], backwards=(), size=500),
        AddIndexSafely(
            "archive",
            django.contrib.postgres.indexes.GinIndex(
                fields=["search_vector"], name="archive_search", fastupdate=False
            ),
        ),
    ]
