"""Fill the present tables, and delete of what was put aside what the older application deleted."""

from django.db import migrations

from vibomat.migration_operations import RunInBatches

# The lock keeps a row from being changed or deleted between its reading here and its storing.
FILL = """
SELECT interaction_store_present(older)
FROM (
    SELECT o AS older FROM ai_interaction_embedding AS o
    WHERE id BETWEEN %(first)s AND %(last)s
    ORDER BY id FOR SHARE
) AS batch
"""

DELETE = """
DELETE FROM interaction
WHERE id BETWEEN %(first)s AND %(last)s
    AND NOT EXISTS (SELECT FROM ai_interaction_embedding AS o WHERE o.id = interaction.id)
"""

# What it led to before, and does not exist any more.
UNLINK = """
UPDATE interaction SET archive_id = NULL
WHERE id BETWEEN %(first)s AND %(last)s
    AND archive_id IS NOT NULL AND NOT EXISTS (SELECT FROM playlist WHERE id = archive_id)
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("embeddings", "0002_present_tables")]

    operations = [
        RunInBatches("ai_interaction_embedding", forwards=[FILL], backwards=(), size=500),
        RunInBatches("interaction", forwards=[DELETE, UNLINK], backwards=(), size=500),
    ]
