"""Check the foreign keys and drop the older table; migrating back creates it again."""

from django.db import migrations

from vibomat.migration_operations import RunInBatches, WithLockTimeout

from ._older import DROP_CONVERSION, FOLLOW_PRESENT, read

# An owner or source that is not there any more, or was not yet when the row was converted.
LINK = """
UPDATE playlist AS p
SET user_id = linked.user_id,
    source_id = linked.source_id,
    older_values = nullif(coalesce(p.older_values, '{}') - ARRAY['user_id', 'source_id']
        || CASE WHEN owner IS NULL OR linked.user_id IS NOT NULL THEN '{}' ELSE
               jsonb_build_object('user_id', jsonb_build_object('older', owner, 'present', NULL))
           END
        || CASE WHEN source IS NULL OR linked.source_id IS NOT NULL THEN '{}' ELSE
               jsonb_build_object('source_id', jsonb_build_object('older', source, 'present', NULL))
           END, '{}')
FROM (
    SELECT id, owner, source,
        (SELECT u.id FROM "user" AS u WHERE u.id = owner) AS user_id,
        (SELECT s.id FROM playlist AS s WHERE s.id = source) AS source_id
    FROM playlist,
        coalesce(user_id, (older_values #>> '{user_id,older}')::uuid) AS owner,
        coalesce(source_id, (older_values #>> '{source_id,older}')::uuid) AS source
    WHERE id BETWEEN %(first)s AND %(last)s AND (owner IS NOT NULL OR source IS NOT NULL)
) AS linked
WHERE p.id = linked.id
    AND (p.user_id, p.source_id) IS DISTINCT FROM (linked.user_id, linked.source_id)
"""

# In the order in which a writer's statement locks them, or there would be deadlocks.
DROP_OLDER = """
LOCK TABLE playlist IN ACCESS EXCLUSIVE MODE;
DROP TRIGGER archive_to_older ON playlist;
DROP TRIGGER archive_truncate_older ON playlist;
DROP TABLE playlist_older, archive_kept_aside;
"""

CREATE_OLDER = (
    """
CREATE TABLE IF NOT EXISTS playlist_older (
    id uuid CONSTRAINT playlist_older_pkey PRIMARY KEY,
    user_id uuid,
    name varchar(255),
    description varchar(1024),
    public boolean,
    status varchar(50),
    provider varchar(50),
    provider_id varchar(255),
    total_duration_ms integer,
    deleted_at timestamptz,
    last_synced_at timestamptz,
    content_json json,
    source_id uuid
);
"""
    + FOLLOW_PRESENT
)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("archives", "0005_fill_older_table")]

    safe_although = {
        "ban-drop-table": "All is in the present table; migrating back fills the older one.",
        "ban-drop-function": "Only the triggers and batches that end here called them.",
    }
    operations = [
        RunInBatches("playlist", forwards=[LINK], backwards=(), size=500),
        WithLockTimeout(
            migrations.RunSQL("SELECT archive_validate_foreign_keys()", migrations.RunSQL.noop)
        ),
        WithLockTimeout(
            migrations.RunSQL(DROP_OLDER, CREATE_OLDER),
            migrations.RunSQL(DROP_CONVERSION, read("conversion.sql")),
        ),
    ]
