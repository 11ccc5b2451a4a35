from django.db import migrations

from ._sql import read

DROP = """
DROP FUNCTION IF EXISTS search_candidates;
DROP FUNCTION IF EXISTS search_lookup;
"""


class Migration(migrations.Migration):
    """The functions of a search anew, for databases made before they gave a row's spellings."""

    dependencies = [("search", "0008_catalogue_import")]
    safe_although = {
        "require-lock-timeout": "Functions alone: no table is locked.",
        "ban-drop-function": "They are made again in the same transaction.",
    }
    operations = [
        migrations.RunSQL(DROP + read("ranking.sql"), migrations.RunSQL.noop),
    ]
