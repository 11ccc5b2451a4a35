"""Which tracks of the catalogue an archive's tracks were matched to. It can be found out again, so
migrating back drops it."""

import django.contrib.postgres.fields
from django.db import migrations, models

from vibomat.migration_operations import WithLockTimeout

from ._older import read


class Migration(migrations.Migration):
    dependencies = [("archives", "0011_imported_playlists")]

    operations = [
        WithLockTimeout(
            migrations.AddField(
                "Archive",
                "catalogue_tracks",
                django.contrib.postgres.fields.ArrayField(
                    base_field=models.UUIDField(null=True),
                    blank=True,
                    editable=False,
                    null=True,
                    size=None,
                ),
            ),
            migrations.AddField(
                "Archive", "resolution", models.JSONField(blank=True, editable=False, null=True)
            ),
            migrations.RunSQL(read("fill_unresolved.sql"), read("fill.sql")),
        ),
    ]
