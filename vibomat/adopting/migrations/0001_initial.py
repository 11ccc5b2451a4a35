from django.db import migrations, models


class Migration(migrations.Migration):
    """The table of what came from an older database."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AdoptedRow",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "kind", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.TextField()),
                ("id", models.UUIDField()),
                ("source_digest", models.UUIDField()),
                ("digest", models.UUIDField()),
            ],
            options={"db_table": "adopted_row"},
        ),
    ]
