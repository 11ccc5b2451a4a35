"""The older Vibomat's "ai_interaction_embedding" table, so that `migrate --fake-initial` works in
place on it."""

import uuid

import pgvector.django
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("search", "0002_extensions_and_functions")]

    operations = [
        migrations.CreateModel(
            name="Interaction",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("user_id", models.UUIDField(null=True)),
                ("prompt", models.CharField(max_length=2048, null=True)),
                ("embedding", pgvector.django.VectorField(dimensions=768, null=True)),
            ],
            options={"db_table": "ai_interaction_embedding"},
        ),
    ]
