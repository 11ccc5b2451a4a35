from django.db import migrations

from ._sql import read

DROP = """
DROP FUNCTION IF EXISTS search_candidates;
DROP FUNCTION IF EXISTS search_track_likeness;
DROP FUNCTION IF EXISTS search_likeness;
DROP FUNCTION IF EXISTS search_lookup;
DROP FUNCTION IF EXISTS search_nearby;
"""


class Migration(migrations.Migration):
    """The functions that a search calls."""

    dependencies = [("search", "0006_link_artists")]
    safe_although = {
        "require-lock-timeout": "Functions alone: no table is locked.",
    }
    operations = [migrations.RunSQL(read("ranking.sql"), DROP)]
