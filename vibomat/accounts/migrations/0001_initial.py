"""The older Vibomat's "user" table, so that `migrate --fake-initial` works in place on it."""

import uuid

from django.db import migrations, models

from ._older import OlderCharField, OlderJSONField


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True)),
                ("email", OlderCharField(max_length=320, unique=True)),
                ("hashed_password", OlderCharField(max_length=1024)),
                ("is_active", models.BooleanField(default=True)),
                ("is_superuser", models.BooleanField(default=False)),
                ("is_verified", models.BooleanField(default=False)),
                ("handle", OlderCharField(null=True, unique=True)),
                ("first_name", OlderCharField(null=True)),
                ("last_name", OlderCharField(null=True)),
                ("is_public", models.BooleanField(default=True)),
                ("favorite_artists", OlderJSONField(null=True)),
                ("unskippable_albums", OlderJSONField(null=True)),
            ],
            options={"db_table": "user"},
        ),
    ]
