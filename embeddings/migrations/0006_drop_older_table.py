"""Check the foreign keys and drop the older table; migrating back creates it again."""

from django.db import migrations

from vibomat.migration_operations import RunInBatches, WithLockTimeout

from ._older import DROP_CONVERSION, FOLLOW, UNFOLLOW, read

# A user or archive who is not there any more, or was not yet when the row was converted.
LINK = """
UPDATE interaction AS i
SET user_id = linked.user_id, older_values = linked.older_values, archive_id = linked.archive_id
FROM (
    SELECT id, owned.user_id, led.archive_id,
        nullif(coalesce(older_values, '{}') - 'user_id'
            || CASE WHEN owner IS NULL OR owned.user_id IS NOT NULL THEN '{}'
               ELSE jsonb_build_object('user_id', owner) END, '{}') AS older_values
    FROM (
        SELECT id, older_values, archive_id AS archive,
            interaction_older_user(user_id, older_values) AS owner
        FROM interaction
        WHERE id BETWEEN %(first)s AND %(last)s
            AND (user_id IS NOT NULL OR archive_id IS NOT NULL OR older_values ? 'user_id')
    ) AS known
    CROSS JOIN LATERAL (SELECT (SELECT u.id FROM "user" AS u WHERE u.id = owner)) AS owned (user_id)
    CROSS JOIN LATERAL
        (SELECT (SELECT p.id FROM playlist AS p WHERE p.id = archive)) AS led (archive_id)
) AS linked
WHERE i.id = linked.id
    AND (i.user_id, i.older_values, i.archive_id)
        IS DISTINCT FROM (linked.user_id, linked.older_values, linked.archive_id)
"""

VALIDATE = "ALTER TABLE interaction VALIDATE CONSTRAINT {}"

# In the order of this application's writers, whose triggers go on to the older table: in the other
# one, each would wait for the other.
LOCK = "LOCK TABLE interaction, embedding, ai_interaction_embedding IN ACCESS EXCLUSIVE MODE"

CREATE_OLDER = """
CREATE TABLE IF NOT EXISTS ai_interaction_embedding (
    id uuid CONSTRAINT ai_interaction_embedding_pkey PRIMARY KEY,
    user_id uuid,
    prompt varchar(2048),
    embedding vector(768)
);
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("embeddings", "0005_fill_older_table")]

    safe_although = {
        "ban-drop-table": "All is in the present tables; migrating back fills the older one.",
        "ban-drop-function": "Only the triggers and batches that end here called them.",
    }
    operations = [
        RunInBatches("interaction", forwards=[LINK], backwards=(), size=500),
        WithLockTimeout(
            migrations.RunSQL(VALIDATE.format("interaction_user_id_fk"), migrations.RunSQL.noop)
        ),
        WithLockTimeout(
            migrations.RunSQL(VALIDATE.format("interaction_archive_id_fk"), migrations.RunSQL.noop)
        ),
        WithLockTimeout(
            migrations.RunSQL(LOCK, migrations.RunSQL.noop),
            migrations.RunSQL(UNFOLLOW, FOLLOW),
            migrations.RunSQL(DROP_CONVERSION, read("conversion.sql")),
            migrations.RunSQL("DROP TABLE ai_interaction_embedding", CREATE_OLDER),
        ),
    ]
