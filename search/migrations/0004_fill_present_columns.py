"""Write every row of the older schema once, so that the triggers convert it and find its words."""

from django.db import migrations

from vibomat.migration_operations import RunInBatches, WithLockTimeout

from ._sql import validate

FILL_ARTISTS = """
UPDATE artist SET popularity = popularity
WHERE id BETWEEN %(first)s AND %(last)s AND search_vector IS NULL
"""
FILL_TRACKS = """
UPDATE track SET popularity = popularity
WHERE id BETWEEN %(first)s AND %(last)s AND search_vector IS NULL
"""

# A link stands as long as its track has the credit it was made for.
LINK_AS_BEFORE = """
WITH moved AS (
    DELETE FROM search_trackartist_kept_aside
    WHERE track_id BETWEEN %(first)s AND %(last)s AND artist_id IS NOT NULL
    RETURNING *
)
INSERT INTO search_trackartist (id, track_id, artist_id, position)
SELECT moved.id, track_id, artist_id, position
FROM moved
JOIN track ON track.id = track_id AND track.artist_credit = moved.artist_credit
JOIN artist ON artist.id = artist_id
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("search", "0003_present_columns")]

    operations = [
        RunInBatches("artist", forwards=[FILL_ARTISTS], backwards=()),
        RunInBatches("track", forwards=[FILL_TRACKS], backwards=()),
        RunInBatches(
            "search_trackartist_kept_aside",
            key="track_id",
            forwards=[LINK_AS_BEFORE],
            backwards=(),
        ),
        *(
            WithLockTimeout(
                migrations.RunSQL(validate("track", constraint), migrations.RunSQL.noop)
            )
            for constraint in (
                "track_artist_credit_not_null",
                "track_album_not_null",
                "track_year_check",
                "track_duration_ms_check",
            )
        ),
    ]
