"""Add the present columns beside the older ones, and the trigger that derives them."""

from django.db import migrations, models

from vibomat.migration_operations import WithLockTimeout

from ._older import CREATE_FUNCTIONS, CREATE_KEPT_ASIDE, DROP_FUNCTIONS

ADD_COLUMNS = """
-- An older database may have given these a length; lifting it rewrites nothing.
ALTER TABLE "user"
    ALTER COLUMN handle TYPE varchar,
    ALTER COLUMN first_name TYPE varchar,
    ALTER COLUMN last_name TYPE varchar,
    ADD COLUMN password varchar(1100),
    ADD COLUMN favorite_artists_jsonb jsonb,
    ADD COLUMN unskippable_albums_jsonb jsonb,
    ADD COLUMN is_staff boolean,
    ADD COLUMN last_login timestamptz,
    ADD COLUMN date_joined timestamptz,
    ADD COLUMN older_values jsonb;
COMMENT ON COLUMN "user".older_values IS
    'Older texts that the present columns would not give back exactly; read by migrating back.';
CREATE TRIGGER user_to_present BEFORE INSERT OR UPDATE ON "user"
    FOR EACH ROW EXECUTE FUNCTION user_to_present();
"""

DROP_COLUMNS = """
DROP TRIGGER user_to_present ON "user";
ALTER TABLE "user"
    DROP COLUMN password,
    DROP COLUMN favorite_artists_jsonb,
    DROP COLUMN unskippable_albums_jsonb,
    DROP COLUMN is_staff,
    DROP COLUMN last_login,
    DROP COLUMN date_joined,
    DROP COLUMN older_values;
"""

# Names, as a group or permission may have another id by the time they are read again. Those
# already kept belong to a migration forward that was given up before it read them.
KEEP_MEMBERSHIPS = """
LOCK TABLE user_groups, user_user_permissions IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO user_kept_aside AS kept (
    user_id, is_superuser, is_staff, last_login, date_joined, groups, permissions
)
SELECT id, is_superuser, is_staff, last_login, date_joined,
    ARRAY(
        SELECT name FROM user_groups JOIN auth_group ON auth_group.id = group_id
        WHERE user_id = "user".id
    ),
    ARRAY(
        SELECT concat_ws('.', app_label, model, codename)
        FROM user_user_permissions
        JOIN auth_permission ON auth_permission.id = permission_id
        JOIN django_content_type ON django_content_type.id = content_type_id
        WHERE user_id = "user".id
    )
FROM "user"
WHERE id IN (SELECT user_id FROM user_groups UNION SELECT user_id FROM user_user_permissions)
ON CONFLICT (user_id) DO UPDATE SET
    groups = kept.groups || excluded.groups,
    permissions = kept.permissions || excluded.permissions;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        WithLockTimeout(
            migrations.RunSQL(CREATE_KEPT_ASIDE, migrations.RunSQL.noop),
            migrations.RunSQL(CREATE_FUNCTIONS, DROP_FUNCTIONS),
            migrations.RunSQL(ADD_COLUMNS, DROP_COLUMNS),
            migrations.AddField(
                "user",
                "groups",
                models.ManyToManyField(
                    blank=True,
                    help_text=(
                        "The groups this user belongs to. A user will get all permissions "
                        "granted to each of their groups."
                    ),
                    related_name="user_set",
                    related_query_name="user",
                    to="auth.group",
                    verbose_name="groups",
                ),
            ),
            migrations.AddField(
                "user",
                "user_permissions",
                models.ManyToManyField(
                    blank=True,
                    help_text="Specific permissions for this user.",
                    related_name="user_set",
                    related_query_name="user",
                    to="auth.permission",
                    verbose_name="user permissions",
                ),
            ),
            migrations.RunSQL(migrations.RunSQL.noop, KEEP_MEMBERSHIPS),
        ),
    ]
