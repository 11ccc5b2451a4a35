"""Nothing on the way forward; on the way back, fill the older table that 0006 brought back."""

from django.db import migrations

from vibomat.migration_operations import RunInBatches

# Killed after it is done and before Django notes it, this runs once more.
FILL = """
SELECT interaction_store_older(present)
FROM (
    SELECT interaction AS present FROM interaction
    WHERE id BETWEEN %(first)s AND %(last)s
        AND NOT EXISTS (
            SELECT FROM ai_interaction_embedding AS filled WHERE filled.id = interaction.id
        )
    ORDER BY id FOR SHARE
) AS batch
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("embeddings", "0004_use_present_tables")]

    operations = [RunInBatches("interaction", forwards=(), backwards=[FILL], size=500)]
