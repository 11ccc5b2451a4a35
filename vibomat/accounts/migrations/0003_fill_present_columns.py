"""Fill the present columns, and give back the memberships kept aside by migrating back."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from vibomat.migration_operations import RunInBatches, WithLockTimeout

TOUCH = """
UPDATE "user" SET is_active = is_active
WHERE id BETWEEN %(first)s AND %(last)s AND password IS NULL
"""

JOIN_GROUPS = """
INSERT INTO user_groups (user_id, group_id)
SELECT user_id, auth_group.id
FROM user_kept_aside
JOIN "user" ON "user".id = user_id
JOIN auth_group ON name = ANY (groups)
WHERE user_id BETWEEN %(first)s AND %(last)s
ON CONFLICT DO NOTHING
"""

GRANT_PERMISSIONS = """
INSERT INTO user_user_permissions (user_id, permission_id)
SELECT user_id, auth_permission.id
FROM user_kept_aside
JOIN "user" ON "user".id = user_id
JOIN (auth_permission JOIN django_content_type ON django_content_type.id = content_type_id)
    ON concat_ws('.', app_label, model, codename) = ANY (permissions)
WHERE user_id BETWEEN %(first)s AND %(last)s
ON CONFLICT DO NOTHING
"""

FORGET_MEMBERSHIPS = """
UPDATE user_kept_aside SET groups = NULL, permissions = NULL
WHERE user_id BETWEEN %(first)s AND %(last)s
    AND (groups IS NOT NULL OR permissions IS NOT NULL)
"""

# Validated here without blocking anyone, so that SET NOT NULL need not read the table.
ADD_CHECK = """
ALTER TABLE "user"
    DROP CONSTRAINT IF EXISTS user_present_filled,
    ADD CONSTRAINT user_present_filled CHECK (
        password IS NOT NULL AND is_staff IS NOT NULL
        AND favorite_artists_jsonb IS NOT NULL AND unskippable_albums_jsonb IS NOT NULL
    ) NOT VALID
"""
DROP_CHECK = 'ALTER TABLE "user" DROP CONSTRAINT IF EXISTS user_present_filled'

UNREADABLE = """
SELECT id, name
FROM "user", unnest(ARRAY['favorite_artists', 'unskippable_albums']) AS name
WHERE NOT pg_input_is_valid(older_values ->> name, 'jsonb')
ORDER BY id, name
"""


def report_unreadable(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(UNREADABLE)
        for user, name in cursor.fetchall():
            print(
                f"\n  user {user}: jsonb cannot hold {name}; it is empty now, its text kept", end=""
            )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0002_add_present_columns")]

    safe_although = {
        "ban-drop-constraint": "The same one, of a run that was ended, is put in its place.",
    }
    operations = [
        RunInBatches("user", forwards=[TOUCH], backwards=()),
        RunInBatches(
            "user_kept_aside",
            key="user_id",
            forwards=[JOIN_GROUPS, GRANT_PERMISSIONS, FORGET_MEMBERSHIPS],
            backwards=(),
        ),
        WithLockTimeout(migrations.RunSQL(ADD_CHECK, DROP_CHECK)),
        WithLockTimeout(
            migrations.RunSQL(
                'ALTER TABLE "user" VALIDATE CONSTRAINT user_present_filled',
                migrations.RunSQL.noop,
            )
        ),
        WithLockTimeout(migrations.RunPython(report_unreadable, migrations.RunPython.noop)),
    ]
