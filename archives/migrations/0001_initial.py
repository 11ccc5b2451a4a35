"""The older Vibomat's "playlist" table, so that `migrate --fake-initial` works in place on it."""

import uuid

from django.db import migrations, models

from ._older import OlderJSONField


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Archive",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("user_id", models.UUIDField(null=True)),
                ("name", models.CharField(max_length=255, null=True)),
                ("description", models.CharField(max_length=1024, null=True)),
                ("public", models.BooleanField(null=True)),
                ("status", models.CharField(max_length=50, null=True)),
                ("provider", models.CharField(max_length=50, null=True)),
                ("provider_id", models.CharField(max_length=255, null=True)),
                ("total_duration_ms", models.IntegerField(null=True)),
                ("deleted_at", models.DateTimeField(null=True)),
                ("last_synced_at", models.DateTimeField(null=True)),
                ("content_json", OlderJSONField(null=True)),
                ("source_id", models.UUIDField(null=True)),
            ],
            options={"db_table": "playlist"},
        ),
    ]
