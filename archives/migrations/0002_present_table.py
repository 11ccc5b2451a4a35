"""Create the present table beside the older one, and the trigger that keeps it in step."""

from django.conf import settings
from django.db import migrations

from vibomat.migration_operations import WithLockTimeout

from ._older import DROP_CONVERSION, FOLLOW_OLDER, read

DROP_TRIGGERS = """
DROP TRIGGER IF EXISTS archive_to_present ON playlist;
DROP TRIGGER IF EXISTS archive_truncate_present ON playlist;
"""
DROP_PRESENT = """
DROP TABLE IF EXISTS playlist_present;
DROP FUNCTION IF EXISTS archive_fill();
DROP FUNCTION IF EXISTS archive_total_duration(jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("archives", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        WithLockTimeout(
            migrations.RunSQL(read("present.sql"), DROP_PRESENT),
            migrations.RunSQL(read("conversion.sql"), DROP_CONVERSION),
            migrations.RunSQL(FOLLOW_OLDER, DROP_TRIGGERS),
        ),
    ]
