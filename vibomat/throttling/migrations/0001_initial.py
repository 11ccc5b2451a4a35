from django.db import migrations, models

from vibomat.migration_operations import WithLockTimeout


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        WithLockTimeout(
            migrations.CreateModel(
                name="Bucket",
                fields=[
                    ("key", models.TextField(primary_key=True, serialize=False)),
                    ("period", models.DurationField()),
                    ("full_at", models.DateTimeField()),
                ],
                options={"db_table": "throttle_bucket"},
            ),
            # Room in each page for the new versions of its rows, and no log of them.
            migrations.RunSQL(
                """
                ALTER TABLE throttle_bucket SET UNLOGGED;
                ALTER TABLE throttle_bucket SET (fillfactor = 50);
                """,
                migrations.RunSQL.noop,
            ),
        ),
    ]
