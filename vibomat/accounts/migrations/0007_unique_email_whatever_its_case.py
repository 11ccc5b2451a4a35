"""One user per e-mail address, whatever its case.

Of older users who share an address but for its case, the one most likely in use keeps it: the
active before the inactive, then the verified, then the lowest id. Each of the others gets the
address duplicate-ID@email.invalid, to which no mail can be delivered, and is reported. Migrating
back gives them their own address again, unless it was edited or taken meanwhile.
"""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models.functions import Lower

from vibomat.migration_operations import AddUniqueConstraintSafely, WithLockTimeout

# A user marked as a duplicate was one before a migration back: an address must not pass from one
# person to another because a database went back and forth.
SET_DUPLICATES_ASIDE = """
WITH ranked AS (
    SELECT id, row_number() OVER (
        PARTITION BY lower(email)
        ORDER BY older_values ? 'duplicate' IS TRUE, is_active DESC, is_verified DESC, id
    ) AS place
    FROM "user"
)
UPDATE "user" AS duplicate
SET email = instead.email,
    older_values = coalesce(older_values, '{}') - 'duplicate' || jsonb_build_object(
        'email', coalesce(older_values ->> 'email', duplicate.email),
        'email_instead', instead.email
    )
FROM ranked, LATERAL (
    SELECT email
    FROM generate_series(0, 1000) AS n,
        concat('duplicate-', ranked.id, '-' || nullif(n, 0), '@email.invalid') AS free (email)
    WHERE NOT EXISTS (SELECT FROM "user" AS other WHERE other.email = free.email)
    ORDER BY n
    LIMIT 1
) AS instead
WHERE ranked.place > 1 AND duplicate.id = ranked.id
RETURNING duplicate.id, older_values ->> 'email', duplicate.email
"""

BRING_DUPLICATES_BACK = """
UPDATE "user" AS duplicate
SET email = older_values ->> 'email',
    older_values = older_values - 'email' - 'email_instead' || '{"duplicate": true}'
WHERE email = older_values ->> 'email_instead'
    AND NOT EXISTS (
        SELECT FROM "user" AS other WHERE other.email = duplicate.older_values ->> 'email'
    )
"""

FORGET_MARKS = """
UPDATE "user" SET older_values = nullif(older_values - 'duplicate', '{}')
WHERE older_values ? 'duplicate'
"""


def set_duplicates_aside(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        # Again, in case somebody's own address is one just given, but for its case.
        while True:
            cursor.execute(SET_DUPLICATES_ASIDE)
            duplicates = cursor.fetchall()
            if not duplicates:
                break
            for user, email, instead in duplicates:
                print(f"\n  user {user}: {email!r} is another user's too; now {instead}", end="")
        cursor.execute(FORGET_MARKS)


def bring_duplicates_back(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute(BRING_DUPLICATES_BACK)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0006_drop_older_columns")]

    operations = [
        WithLockTimeout(migrations.RunPython(set_duplicates_aside, bring_duplicates_back)),
        AddUniqueConstraintSafely(
            "user",
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_lower_unique",
                violation_error_message="A user with this e-mail address already exists.",
            ),
        ),
    ]
