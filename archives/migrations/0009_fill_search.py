"""Fill the search vectors of the archives there are."""

from django.db import migrations

from vibomat.migration_operations import RunInBatches

FILL = """
UPDATE playlist SET search_vector = NULL
WHERE id BETWEEN %(first)s AND %(last)s AND search_vector IS NULL
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("archives", "0008_search")]

    operations = [RunInBatches("playlist", forwards=[FILL], backwards=(), size=500)]
