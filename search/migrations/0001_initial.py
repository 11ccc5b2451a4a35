"""The older Vibomat's tables, so that `migrate --fake-initial` works in place on them."""

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Artist",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=255)),
                ("provider_id", models.CharField(max_length=255, null=True)),
                ("genres", models.CharField(max_length=1024, null=True)),
            ],
            options={"db_table": "artist"},
        ),
        migrations.CreateModel(
            name="Track",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=255)),
                ("artist_name", models.CharField(max_length=255, null=True)),
                ("album_name", models.CharField(max_length=255, null=True)),
                ("provider_id", models.CharField(max_length=255, null=True)),
            ],
            options={"db_table": "track"},
        ),
    ]
