from django.db import migrations

from ._sql import read

# As it was before it took words near those typed.
DROP = """
DROP FUNCTION IF EXISTS search_candidates(
    text, text[], tsquery, tsquery, tsquery, tsquery, tsquery, tsquery, tsquery, tsquery, tsquery,
    text[], int, int, text[], text, int);
"""


class Migration(migrations.Migration):
    """The functions of a search anew: parts of names count for more, also misspelt ones."""

    dependencies = [("search", "0013_fewer_lookups")]
    safe_although = {
        "require-lock-timeout": "Functions alone: no table is locked.",
        "ban-drop-function": "It is made again in the same transaction.",
    }
    operations = [migrations.RunSQL(DROP + read("ranking.sql"), migrations.RunSQL.noop)]
