"""Create the present tables beside the older one, or take those back that migrating back put aside,
and the triggers that keep them in step."""

from django.conf import settings
from django.db import migrations

from vibomat.migration_operations import WithLockTimeout

from ._older import DROP_CONVERSION, FOLLOW, UNFOLLOW, read

# Django records a migration back only after its transaction: killed in between, it runs twice.
#
# Without the foreign keys by which the older application's deletions would be refused, and without
# what is made of others' functions.
PUT_ASIDE = """
DO $$
BEGIN
    IF to_regclass('interaction') IS NULL THEN
        RETURN;
    END IF;
    DROP TRIGGER interaction_forget_vectors ON interaction;
    IF EXISTS (SELECT FROM interaction) OR EXISTS (SELECT FROM embedding_model) THEN
        ALTER TABLE interaction
            DROP COLUMN search_vector,
            DROP CONSTRAINT IF EXISTS interaction_user_id_fk,
            DROP CONSTRAINT IF EXISTS interaction_archive_id_fk;
        ALTER TABLE interaction RENAME TO interaction_kept_aside;
        ALTER TABLE embedding RENAME TO embedding_kept_aside;
        ALTER TABLE embedding_model RENAME TO embedding_model_kept_aside;
    ELSE
        DROP TABLE embedding, embedding_model, interaction;
    END IF;
END
$$;
DROP FUNCTION IF EXISTS interaction_forget_vectors();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("embeddings", "0001_initial"),
        ("archives", "0006_drop_older_table"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    safe_although = {
        "adding-field-with-default": "The table is new.",
    }
    operations = [
        WithLockTimeout(
            migrations.RunSQL(read("present.sql"), PUT_ASIDE),
            migrations.RunSQL(read("conversion.sql"), DROP_CONVERSION),
            migrations.RunSQL(FOLLOW, UNFOLLOW),
        ),
    ]
