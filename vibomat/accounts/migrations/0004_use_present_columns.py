"""Give the present columns their names; from here on the older ones are derived from them."""

import uuid

import django.core.validators
import django.utils.timezone
from django.db import migrations, models

from vibomat.migration_operations import WithLockTimeout

USE_PRESENT = """
DROP TRIGGER user_to_present ON "user";
ALTER TABLE "user" RENAME COLUMN favorite_artists TO favorite_artists_json;
ALTER TABLE "user" RENAME COLUMN favorite_artists_jsonb TO favorite_artists;
ALTER TABLE "user" RENAME COLUMN unskippable_albums TO unskippable_albums_json;
ALTER TABLE "user" RENAME COLUMN unskippable_albums_jsonb TO unskippable_albums;
ALTER TABLE "user"
    ALTER COLUMN password SET NOT NULL,
    ALTER COLUMN is_staff SET NOT NULL,
    ALTER COLUMN favorite_artists SET NOT NULL,
    ALTER COLUMN unskippable_albums SET NOT NULL;
ALTER TABLE "user" DROP CONSTRAINT IF EXISTS user_present_filled;
CREATE TRIGGER user_to_older BEFORE INSERT OR UPDATE ON "user"
    FOR EACH ROW EXECUTE FUNCTION user_to_older();
"""

# Django records a migration back only after its transaction: killed in between, it runs twice.
USE_OLDER = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = '"user"'::regclass
               AND tgname = 'user_to_older') THEN
        DROP TRIGGER user_to_older ON "user";
        ALTER TABLE "user" RENAME COLUMN favorite_artists TO favorite_artists_jsonb;
        ALTER TABLE "user" RENAME COLUMN favorite_artists_json TO favorite_artists;
        ALTER TABLE "user" RENAME COLUMN unskippable_albums TO unskippable_albums_jsonb;
        ALTER TABLE "user" RENAME COLUMN unskippable_albums_json TO unskippable_albums;
        ALTER TABLE "user" ALTER COLUMN hashed_password SET NOT NULL;
        ALTER TABLE "user" DROP CONSTRAINT IF EXISTS user_older_filled;
        CREATE TRIGGER user_to_present BEFORE INSERT OR UPDATE ON "user"
            FOR EACH ROW EXECUTE FUNCTION user_to_present();
    END IF;
END
$$
"""

STATE = [
    migrations.RenameField("user", "hashed_password", "password"),
    migrations.AlterField("user", "password", models.CharField(max_length=1100)),
    migrations.AddField(
        "user",
        "date_joined",
        models.DateTimeField(
            blank=True,
            default=django.utils.timezone.now,
            help_text="Unknown for those who joined the older Vibomat.",
            null=True,
        ),
    ),
    migrations.AddField(
        "user",
        "is_staff",
        models.BooleanField(
            default=False, help_text="May log in to this admin site.", verbose_name="staff status"
        ),
    ),
    migrations.AddField(
        "user",
        "last_login",
        models.DateTimeField(blank=True, null=True, verbose_name="last login"),
    ),
    migrations.AlterField(
        "user",
        "email",
        models.EmailField(
            error_messages={"unique": "A user with this e-mail address already exists."},
            max_length=320,
            unique=True,
            verbose_name="e-mail address",
        ),
    ),
    migrations.AlterField(
        "user",
        "favorite_artists",
        models.JSONField(blank=True, default=list),
    ),
    migrations.AlterField(
        "user",
        "first_name",
        models.CharField(
            blank=True, null=True, validators=[django.core.validators.MaxLengthValidator(255)]
        ),
    ),
    migrations.AlterField(
        "user",
        "handle",
        models.CharField(
            blank=True,
            error_messages={"unique": "A user with this handle already exists."},
            null=True,
            unique=True,
            validators=[django.core.validators.MaxLengthValidator(255)],
        ),
    ),
    migrations.AlterField(
        "user",
        "id",
        models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
    ),
    migrations.AlterField(
        "user",
        "is_active",
        models.BooleanField(
            default=True,
            help_text="Unselect this instead of deleting a user.",
            verbose_name="active",
        ),
    ),
    migrations.AlterField(
        "user",
        "is_public",
        models.BooleanField(
            default=True, help_text="Others may see this profile.", verbose_name="public"
        ),
    ),
    migrations.AlterField(
        "user",
        "is_superuser",
        models.BooleanField(
            default=False,
            help_text=(
                "Designates that this user has all permissions without explicitly assigning them."
            ),
            verbose_name="superuser status",
        ),
    ),
    migrations.AlterField(
        "user",
        "is_verified",
        models.BooleanField(
            default=False,
            help_text="The e-mail address has been shown to be theirs.",
            verbose_name="verified",
        ),
    ),
    migrations.AlterField(
        "user",
        "last_name",
        models.CharField(
            blank=True, null=True, validators=[django.core.validators.MaxLengthValidator(255)]
        ),
    ),
    migrations.AlterField(
        "user",
        "unskippable_albums",
        models.JSONField(blank=True, default=list),
    ),
]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_fill_present_columns")]

    safe_although = {
        "renaming-column": "Triggers keep both columns right for those who run the older code.",
        "adding-not-nullable-field": "A validated check says it already, so the table is not read.",
        "ban-drop-constraint": "NOT NULL says what the check did.",
    }
    operations = [
        WithLockTimeout(migrations.RunSQL(USE_PRESENT, USE_OLDER, state_operations=STATE)),
    ]
