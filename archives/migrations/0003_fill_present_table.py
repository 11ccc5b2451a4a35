"""Fill the present table, and tell which contents JSONB can't hold or would change."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from vibomat.migration_operations import RunInBatches, WithLockTimeout

# The lock keeps a row from being changed or deleted between its reading here and its storing.
FILL = """
SELECT archive_store_present(
    id, user_id, name, description, public, status, provider, provider_id, total_duration_ms,
    deleted_at, last_synced_at, content_json, source_id)
FROM (
    SELECT * FROM playlist
    WHERE id BETWEEN %(first)s AND %(last)s
        AND NOT EXISTS (SELECT FROM playlist_present AS filled WHERE filled.id = playlist.id)
    ORDER BY id FOR SHARE
) AS batch
"""

UNHELD = """
SELECT id, older_values #>> '{content,reason}'
FROM playlist_present
WHERE older_values #>> '{content,reason}' IS NOT NULL
ORDER BY id
"""


def report_unheld(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(UNHELD)
        for archive, reason in cursor.fetchall():
            print(
                f"\n  playlist {archive}: JSONB can't hold content_json as it is ({reason}); "
                "its text is kept",
                end="",
            )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("archives", "0002_present_table")]

    operations = [
        RunInBatches("playlist", forwards=[FILL], backwards=(), size=500),
        WithLockTimeout(migrations.RunPython(report_unheld, migrations.RunPython.noop)),
        WithLockTimeout(
            migrations.RunSQL(migrations.RunSQL.noop, "SELECT archive_validate_foreign_keys()")
        ),
    ]
