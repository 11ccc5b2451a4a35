"""Content of more words than a tsvector holds is no error of `archive_words`.

0007 makes the function so, lest older content stop the index of 0008; this is for databases where
it was made otherwise. What it gave before it still gives: the index stays right, and migrating back
leaves the function that 0007 makes.
"""

from django.db import migrations

from vibomat.migration_operations import WithLockTimeout

from ._older import read


class Migration(migrations.Migration):
    dependencies = [("archives", "0013_index_resolution")]

    operations = [
        WithLockTimeout(migrations.RunSQL(read("content_words.sql"), migrations.RunSQL.noop))
    ]
