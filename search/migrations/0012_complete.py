from django.db import migrations, models
from django.db.models.functions import Left

from vibomat.migration_operations import AddIndexSafely

from ._sql import read

DROP = """
DROP FUNCTION IF EXISTS search_complete;
DROP FUNCTION IF EXISTS search_complete_misspelt;
DROP FUNCTION IF EXISTS search_near_names;
DROP FUNCTION IF EXISTS search_is_near;
DROP FUNCTION IF EXISTS search_beginning_edits;
DROP FUNCTION IF EXISTS search_near_beginnings;
DROP FUNCTION IF EXISTS search_longer_beginnings;
DROP FUNCTION IF EXISTS search_beginning_ndoc;
DROP FUNCTION IF EXISTS search_beginning_size;
"""


class Migration(migrations.Migration):
    """The function that completes what someone types, and the indexes that give it the most
    popular names of a beginning."""

    atomic = False

    dependencies = [("search", "0011_fill_faster")]

    operations = [
        AddIndexSafely(
            "artist",
            models.Index(
                Left("name_key", 2), models.F("popularity").desc(), name="artist_beginning"
            ),
        ),
        AddIndexSafely(
            "track",
            models.Index(
                Left("title_key", 2), models.F("popularity").desc(), name="track_beginning"
            ),
        ),
        migrations.RunSQL(read("complete.sql"), DROP),
    ]
