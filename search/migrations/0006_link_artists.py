"""Link the older tracks to the artists their credits name, and drop what the way here needed."""

from django.db import migrations

from vibomat.migration_operations import RunInBatches, WithLockTimeout

from ._sql import read

# By the whole credit or its first artist; of artists with the same name, the lowest id. The trigger
# is there if the tracks come from the older schema, and not if a migration back was given up: then
# they have their links.
LINK_BY_CREDIT = """
INSERT INTO search_trackartist (track_id, artist_id)
SELECT track.id, named.id
FROM track, LATERAL (
    SELECT artist.id
    FROM artist
    WHERE name_key IN (credit_key, main_credit_key) AND name_key <> ''
    ORDER BY name_key <> credit_key, artist.id
    LIMIT 1
) AS named
WHERE track.id BETWEEN %(first)s AND %(last)s
    AND EXISTS (
        SELECT FROM pg_trigger WHERE tgrelid = 'track'::regclass AND tgname = 'search_convert'
    )
    AND NOT EXISTS (SELECT FROM search_trackartist link WHERE link.track_id = track.id)
    AND NOT EXISTS (
        SELECT FROM search_trackartist_kept_aside kept
        WHERE kept.track_id = track.id AND kept.artist_credit = track.artist_credit
    )
ON CONFLICT DO NOTHING
"""

FORGET_DELETED = """
DELETE FROM search_kept_aside AS kept
WHERE id BETWEEN %(first)s AND %(last)s
    AND NOT EXISTS (SELECT FROM artist WHERE table_name = 'artist' AND artist.id = kept.id)
    AND NOT EXISTS (SELECT FROM track WHERE table_name = 'track' AND track.id = kept.id)
"""

# The columns named older_… beside present ones are of a migration back that was given up.
FINISH = """
DROP TRIGGER IF EXISTS search_convert ON artist;
DROP TRIGGER IF EXISTS search_fill_older ON artist;
DROP TRIGGER IF EXISTS search_to_older ON artist;
ALTER TABLE artist
    DROP COLUMN IF EXISTS older_name,
    DROP COLUMN IF EXISTS older_external_id,
    DROP COLUMN IF EXISTS older_genres;
DROP TRIGGER IF EXISTS search_convert ON track;
DROP TRIGGER IF EXISTS search_fill_older ON track;
DROP TRIGGER IF EXISTS search_to_older ON track;
ALTER TABLE track
    DROP COLUMN IF EXISTS older_title,
    DROP COLUMN IF EXISTS older_artist_credit,
    DROP COLUMN IF EXISTS older_album,
    DROP COLUMN IF EXISTS older_external_id;
DROP TRIGGER IF EXISTS search_note_changed ON artist;
DROP TRIGGER IF EXISTS search_note_changed ON track;
DROP TRIGGER IF EXISTS search_note_changed ON search_trackartist;
DROP TABLE IF EXISTS
    search_trackartist_kept_aside, search_trackartist_keeping, search_trackartist_changed;
DROP FUNCTION IF EXISTS
    search_keep_links(uuid[]), search_note_changed(),
    search_to_present(), search_to_older(), search_present_value(text, text),
    search_older_text(text, jsonb);
-- What is left are older texts which the present columns would not give back exactly.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM search_kept_aside) THEN
        DROP TABLE search_kept_aside;
    END IF;
END
$$;
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("search", "0005_indexes")]

    safe_although = {
        "ban-drop-column": "Of a migration back that was given up; no application reads them.",
        "ban-drop-table": "Of a migration back that was given up; no application reads it.",
        "ban-drop-function": "Only the triggers that go with them called them.",
    }
    operations = [
        RunInBatches("track", forwards=[LINK_BY_CREDIT], backwards=()),
        RunInBatches("search_kept_aside", forwards=[FORGET_DELETED], backwards=()),
        WithLockTimeout(migrations.RunSQL(FINISH, read("conversion.sql"))),
    ]
