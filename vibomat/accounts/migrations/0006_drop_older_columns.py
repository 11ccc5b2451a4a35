"""Drop the older columns; migrating back adds them again, with the trigger that derives them."""

from django.db import migrations

from vibomat.migration_operations import WithLockTimeout

from ._older import CREATE_FUNCTIONS, CREATE_KEPT_ASIDE, DROP_FUNCTIONS

DROP_COLUMNS = """
DROP TRIGGER user_to_older ON "user";
ALTER TABLE "user"
    DROP COLUMN hashed_password,
    DROP COLUMN favorite_artists_json,
    DROP COLUMN unskippable_albums_json;
DROP TABLE user_kept_aside;
"""

ADD_COLUMNS = """
ALTER TABLE "user"
    ADD COLUMN IF NOT EXISTS hashed_password varchar(1024),
    ADD COLUMN IF NOT EXISTS favorite_artists_json json,
    ADD COLUMN IF NOT EXISTS unskippable_albums_json json;
CREATE OR REPLACE TRIGGER user_to_older BEFORE INSERT OR UPDATE ON "user"
    FOR EACH ROW EXECUTE FUNCTION user_to_older();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_fill_older_columns")]

    safe_although = {
        "ban-drop-column": "Nobody reads them; migrating back derives them from the present ones.",
        "ban-drop-table": "What it kept has been taken back into the present columns.",
        "ban-drop-function": "Only the triggers that go with them called them.",
    }
    operations = [
        WithLockTimeout(
            migrations.RunSQL(DROP_COLUMNS, ADD_COLUMNS),
            migrations.RunSQL(DROP_FUNCTIONS, CREATE_KEPT_ASIDE + CREATE_FUNCTIONS),
        ),
    ]
