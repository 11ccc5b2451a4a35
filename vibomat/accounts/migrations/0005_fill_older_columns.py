"""Nothing on the way forward; on the way back, fill the older columns that 0006 brought back."""

from django.db import migrations

from vibomat.migration_operations import RunInBatches, WithLockTimeout

NOOP = migrations.RunSQL.noop

TOUCH = """
UPDATE "user" SET is_active = is_active
WHERE id BETWEEN %(first)s AND %(last)s AND hashed_password IS NULL
"""

ADD_CHECK = """
ALTER TABLE "user"
    DROP CONSTRAINT IF EXISTS user_older_filled,
    ADD CONSTRAINT user_older_filled CHECK (hashed_password IS NOT NULL) NOT VALID
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0004_use_present_columns")]

    operations = [
        WithLockTimeout(
            migrations.RunSQL(NOOP, 'ALTER TABLE "user" VALIDATE CONSTRAINT user_older_filled')
        ),
        WithLockTimeout(migrations.RunSQL(NOOP, ADD_CHECK)),
        RunInBatches("user", forwards=(), backwards=[TOUCH]),
    ]
