"""Nothing on the way forward; on the way back, fill the older table that 0006 brought back."""

from django.db import migrations

from vibomat.migration_operations import RunInBatches

# Killed after it is done and before Django notes it, this runs once more.
FILL = """
SELECT archive_store_older(
    id, user_id, name, description, visibility, status, provider, provider_id, source_id, created,
    updated, last_synced_at, deleted_at, content, revision, total_duration_ms, older_values)
FROM (
    SELECT * FROM playlist
    WHERE id BETWEEN %(first)s AND %(last)s
        AND NOT EXISTS (SELECT FROM playlist_older AS filled WHERE filled.id = playlist.id)
    ORDER BY id FOR SHARE
) AS batch
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("archives", "0004_use_present_table")]

    operations = [RunInBatches("playlist", forwards=(), backwards=[FILL], size=500)]
