from django.db import migrations

from ._sql import read


class Migration(migrations.Migration):
    """The function that resolving a list of tracks calls."""

    dependencies = [("search", "0009_ranking_by_slips")]
    safe_although = {
        "require-lock-timeout": "Functions alone: no table is locked.",
    }
    operations = [migrations.RunSQL(read("resolve.sql"), "DROP FUNCTION IF EXISTS search_resolve")]
