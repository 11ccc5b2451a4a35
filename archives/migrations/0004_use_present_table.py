"""Exchange the tables: from here on the older one is derived from the present one."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from vibomat.migration_operations import WithLockTimeout

from ._older import FOLLOW_OLDER, FOLLOW_PRESENT

# The tables are locked in the order in which a writer's statement locks them. DROP TRIGGER would
# lock partitions before their parent, and so make a deadlock.
#
# The older table may have constraints that the present one has not.
USE_PRESENT = (
    """
DROP TRIGGER archive_to_present ON playlist;
DROP TRIGGER archive_truncate_present ON playlist;
SELECT archive_exchange('playlist_present', 'playlist_older');
SELECT archive_drop_constraints('playlist_older');
ALTER TABLE playlist
    ADD CONSTRAINT playlist_user_id_fk FOREIGN KEY (user_id) REFERENCES "user"
        DEFERRABLE INITIALLY DEFERRED NOT VALID,
    ADD CONSTRAINT playlist_source_id_fk FOREIGN KEY (source_id) REFERENCES playlist
        DEFERRABLE INITIALLY DEFERRED NOT VALID;
"""
    + FOLLOW_PRESENT
)

# Django records a migration back only after its transaction: killed in between, it runs twice.
USE_OLDER = f"""
DO $do$
BEGIN
    IF to_regclass('playlist_older') IS NULL THEN
        RETURN;
    END IF;
    LOCK TABLE playlist IN ACCESS EXCLUSIVE MODE;
    DROP TRIGGER archive_to_older ON playlist;
    DROP TRIGGER archive_truncate_older ON playlist;
    PERFORM archive_exchange('playlist_older', 'playlist_present');
    {FOLLOW_OLDER}
END
$do$;
"""

STATE = [
    migrations.DeleteModel("Archive"),
    migrations.CreateModel(
        name="Archive",
        fields=[
            (
                "id",
                models.UUIDField(
                    db_default=models.Func(function="uuidv7", output_field=models.UUIDField()),
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            (
                "name",
                models.TextField(validators=[django.core.validators.MaxLengthValidator(1000)]),
            ),
            (
                "description",
                models.TextField(
                    blank=True,
                    db_default="",
                    default="",
                    validators=[django.core.validators.MaxLengthValidator(10000)],
                ),
            ),
            (
                "visibility",
                models.TextField(
                    choices=[
                        ("private", "Private"),
                        ("unlisted", "Unlisted"),
                        ("public", "Public"),
                    ],
                    db_default="private",
                    default="private",
                ),
            ),
            (
                "status",
                models.TextField(
                    blank=True,
                    db_default="draft",
                    default="draft",
                    validators=[django.core.validators.MaxLengthValidator(50)],
                ),
            ),
            (
                "provider",
                models.TextField(
                    blank=True,
                    db_default="",
                    default="",
                    validators=[django.core.validators.MaxLengthValidator(50)],
                ),
            ),
            (
                "provider_id",
                models.TextField(
                    blank=True,
                    db_default="",
                    default="",
                    validators=[django.core.validators.MaxLengthValidator(255)],
                ),
            ),
            (
                "created",
                models.DateTimeField(
                    db_default=django.db.models.functions.datetime.Now(), editable=False
                ),
            ),
            (
                "updated",
                models.DateTimeField(
                    db_default=django.db.models.functions.datetime.Now(), editable=False
                ),
            ),
            (
                "last_synced",
                models.DateTimeField(blank=True, db_column="last_synced_at", null=True),
            ),
            ("deleted", models.DateTimeField(blank=True, db_column="deleted_at", null=True)),
            ("content", models.JSONField(blank=True, db_default={}, default=dict)),
            ("revision", models.PositiveIntegerField(db_default=1, editable=False)),
            (
                "track_count",
                models.PositiveIntegerField(
                    db_default=0, editable=False, verbose_name="number of tracks"
                ),
            ),
            (
                "total_duration_ms",
                models.PositiveBigIntegerField(
                    db_default=None,
                    editable=False,
                    null=True,
                    verbose_name="total duration in ms",
                ),
            ),
            (
                "derived_from",
                models.ForeignKey(
                    blank=True,
                    db_column="source_id",
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="derived",
                    to="archives.archive",
                ),
            ),
            (
                "owner",
                models.ForeignKey(
                    blank=True,
                    db_column="user_id",
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="archives",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
        options={
            "db_table": "playlist",
            "indexes": [
                models.Index(fields=["owner", "-created", "-id"], name="archive_owner_newest"),
                models.Index(
                    condition=models.Q(("deleted", None), ("visibility", "public")),
                    fields=["-created", "-id"],
                    name="archive_public_newest",
                ),
                models.Index(
                    condition=models.Q(("derived_from__isnull", False)),
                    fields=["derived_from"],
                    name="archive_derived_from",
                ),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("visibility__in", ["private", "unlisted", "public"])),
                    name="archive_visibility_known",
                ),
            ],
        },
    ),
]


class Migration(migrations.Migration):
    dependencies = [("archives", "0003_fill_present_table")]

    operations = [
        WithLockTimeout(migrations.RunSQL(USE_PRESENT, USE_OLDER, state_operations=STATE)),
    ]
