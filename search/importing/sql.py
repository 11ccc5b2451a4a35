"""The statements of an import. Each batch is staged by COPY and stored by sets, in one transaction.

The temporary tables of a batch: `staged_…` is the file's rows; `incoming` those of them that
count, the last of each identity; `found` the tracks that exist already; `credited` and `linked`
the artists they name.
"""

# Tables that live as long as the session, emptied by each commit.
CREATE_STAGING = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_track (
    line bigint, external_id text, title text, artist_credit text, album text, year smallint,
    duration_ms integer, isrc text, genres text, artist_names text, popularity double precision,
    spotify text, musicbrainz text, artist_musicbrainz text
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_artist (
    line bigint, external_id text, name text, sort_name text, aliases text, genres text,
    popularity double precision, spotify text, musicbrainz text
) ON COMMIT DELETE ROWS;
"""

COPY = {
    "tracks": "COPY staged_track FROM STDIN",
    "artists": "COPY staged_artist FROM STDIN",
}

# A crash loses no more than the last batches, and those are imported again. Compiling plans and
# reading a server that has a few thousand rows at a time in parallel cost more than they save.
SETTINGS = """
SET LOCAL synchronous_commit = off;
SET LOCAL jit = off;
SET LOCAL work_mem = '64MB';
SET LOCAL max_parallel_workers_per_gather = 0;
"""

# An import waits for no other, and two at once would both add the same track.
LOCK = "SELECT pg_try_advisory_lock(hashtext('search.import_catalogue'), 0)"
UNLOCK = "SELECT pg_advisory_unlock(hashtext('search.import_catalogue'), 0)"

# What a sample has that an import may take over, read once: no index finds sample rows.
DROP_SAMPLE_TRACKS = "DROP TABLE IF EXISTS sample_track"
READ_SAMPLE_TRACKS = """
CREATE TEMPORARY TABLE sample_track AS
SELECT id, main_credit_key, title_key, full_title_key, title FROM track WHERE is_sample
"""

RECEIVE_TRACKS = """
CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS
SELECT DISTINCT ON (external_id, CASE WHEN external_id IS NULL THEN line END)
    uuidv7() AS new_id, line, external_id, title, artist_credit, album, year, duration_ms, isrc,
    string_to_array(genres, E'\\x1f') AS genres, artist_names, popularity, artist_musicbrainz,
    jsonb_strip_nulls(jsonb_build_object('spotify', spotify, 'musicbrainz', musicbrainz))
        AS external_ids
FROM staged_track
ORDER BY external_id, CASE WHEN external_id IS NULL THEN line END, line DESC
"""

FIND_BY_EXTERNAL_ID = """
CREATE TEMPORARY TABLE found ON COMMIT DROP AS
SELECT DISTINCT ON (line) line, track.id, is_sample
FROM incoming JOIN track USING (external_id)
ORDER BY line, track.id
"""

# The names of rows which only names identify, or which may take over a sample row.
KEY_BY_NAMES = """
CREATE TEMPORARY TABLE keyed ON COMMIT DROP AS
WITH nameable AS (
    SELECT line, external_id, title, coalesce(artist_credit, '') AS artist_credit,
        coalesce(album, '') AS album
    FROM incoming
    WHERE external_id IS NULL OR %(sample)s OR EXISTS (SELECT FROM sample_track)
), credit AS MATERIALIZED (
    SELECT artist_credit,
        search_key(search_normalise(artist_credit)) AS credit_key,
        search_key(search_normalise(search_main_credit(artist_credit))) AS main_credit_key
    FROM (SELECT DISTINCT artist_credit FROM nameable) AS credits
)
SELECT line, external_id, credit_key, main_credit_key,
    search_key(search_normalise(search_bare_title(title))) AS title_key,
    search_key(search_normalise(title)) AS full_title_key,
    search_key(search_normalise(album)) AS album_key
FROM nameable JOIN credit USING (artist_credit)
WHERE external_id IS NULL OR %(sample)s
    OR main_credit_key IN (SELECT main_credit_key FROM sample_track)
"""

# Of rows with the same artist, title and album the last counts.
DROP_REPEATED = """
DELETE FROM incoming USING (
    SELECT line, line <> max(line) OVER (
        PARTITION BY credit_key, full_title_key, album_key) AS repeated
    FROM keyed WHERE external_id IS NULL
) AS same
WHERE incoming.line = same.line AND repeated
"""

FIND_BY_NAMES = """
INSERT INTO found
SELECT DISTINCT ON (keyed.line) keyed.line, track.id, track.is_sample
FROM keyed
JOIN incoming USING (line)
JOIN track ON track.credit_key = keyed.credit_key AND track.title_key = keyed.title_key
    AND track.full_title_key = keyed.full_title_key
    AND search_key(search_normalise(track.album)) = keyed.album_key
WHERE keyed.external_id IS NULL
ORDER BY keyed.line, track.is_sample, track.id
"""

# The same artist, or the same first one, and the same title, give or take "(feat. X)": a live
# version or a remix doesn't take over the original. One row takes over one.
TAKE_OVER_SAMPLE = """
INSERT INTO found
SELECT DISTINCT ON (line) line, id, true
FROM (
    SELECT DISTINCT ON (sample_track.id) keyed.line, sample_track.id
    FROM keyed
    JOIN incoming USING (line)
    JOIN sample_track USING (main_credit_key, title_key)
    WHERE line NOT IN (SELECT line FROM found)
        AND sample_track.id NOT IN (SELECT id FROM found)
        AND (keyed.full_title_key = sample_track.full_title_key
            OR incoming.title ~* '[(\\[]\\s*(feat|ft|featuring)\\M'
            OR sample_track.title ~* '[(\\[]\\s*(feat|ft|featuring)\\M')
    ORDER BY sample_track.id, keyed.full_title_key <> sample_track.full_title_key,
        incoming.popularity DESC NULLS LAST, keyed.line
) AS taken
ORDER BY line, id
"""

# For a sample: any track of that artist and title will do, and one that isn't sample stays.
FIND_FOR_SAMPLE = """
INSERT INTO found
SELECT DISTINCT ON (keyed.line) keyed.line, track.id, track.is_sample
FROM keyed
JOIN track ON track.credit_key IN (keyed.credit_key, keyed.main_credit_key)
    AND track.title_key = keyed.title_key
WHERE line NOT IN (SELECT line FROM found)
    AND (NOT track.is_sample OR track.full_title_key = keyed.full_title_key)
ORDER BY keyed.line, track.is_sample, track.id
"""

# Rows that lead to the same track by different ways: the last counts.
DROP_REPEATED_FOUND = """
DELETE FROM incoming USING (
    SELECT line, line <> max(line) OVER (PARTITION BY id) AS repeated FROM found
) AS same
WHERE incoming.line = same.line AND repeated
"""

UPDATE_TRACKS = """
UPDATE track SET
    external_id = given.external_id, title = given.title, artist_credit = given.artist_credit,
    album = given.album, year = given.year, duration_ms = given.duration_ms, isrc = given.isrc,
    genres = given.genres, popularity = given.popularity, external_ids = given.external_ids,
    is_sample = %(sample)s
FROM (
    SELECT t.id,
        coalesce(i.external_id, t.external_id) AS external_id,
        i.title,
        coalesce(i.artist_credit, t.artist_credit) AS artist_credit,
        coalesce(i.album, t.album) AS album,
        coalesce(i.year, t.year) AS year,
        coalesce(i.duration_ms, t.duration_ms) AS duration_ms,
        coalesce(i.isrc, t.isrc) AS isrc,
        coalesce(i.genres, t.genres) AS genres,
        coalesce(i.popularity, t.popularity) AS popularity,
        t.external_ids || i.external_ids AS external_ids
    FROM incoming i JOIN found f USING (line) JOIN track t ON t.id = f.id
    WHERE t.is_sample OR NOT %(sample)s
) AS given
WHERE track.id = given.id
    AND (track.external_id, track.title, track.artist_credit, track.album, track.year,
         track.duration_ms, track.isrc, track.genres, track.popularity, track.external_ids,
         track.is_sample)
    IS DISTINCT FROM
        (given.external_id, given.title, given.artist_credit, given.album, given.year,
         given.duration_ms, given.isrc, given.genres, given.popularity, given.external_ids,
         %(sample)s)
RETURNING track.id
"""

INSERT_TRACKS = """
INSERT INTO track (id, external_id, title, artist_credit, album, year, duration_ms, isrc, genres,
    popularity, external_ids, is_sample)
SELECT new_id, external_id, title, coalesce(artist_credit, ''), coalesce(album, ''), year,
    duration_ms, coalesce(isrc, ''), coalesce(genres, '{}'), coalesce(popularity, 0),
    external_ids, %(sample)s
FROM incoming
WHERE line NOT IN (SELECT line FROM found)
"""

FORGET_TAKEN_SAMPLE = """
DELETE FROM sample_track USING found WHERE sample_track.id = found.id
"""

READ_CREDITED = """
CREATE TEMPORARY TABLE credited ON COMMIT DROP AS
SELECT line, coalesce(found.id, new_id) AS track_id, found.id IS NOT NULL AS existed, name,
    position, artist_musicbrainz AS musicbrainz, coalesce(popularity, 0) AS popularity
FROM incoming
LEFT JOIN found USING (line),
string_to_table(artist_names, E'\\x1f') WITH ORDINALITY AS named (name, position)
WHERE found.id IS NULL OR found.is_sample OR NOT %(sample)s
"""

READ_NAMES = """
CREATE TEMPORARY TABLE named ON COMMIT DROP AS
SELECT name, musicbrainz, search_key(search_normalise(name)) AS name_key, line, popularity,
    NULL::uuid AS artist_id
FROM (
    SELECT name, musicbrainz, min(line) AS line, max(popularity) AS popularity
    FROM credited GROUP BY name, musicbrainz
) AS distinct_names
"""

# An artist without a MusicBrainz id gets the one of an artist of the same name.
GIVE_MUSICBRAINZ_IDS = """
UPDATE artist SET external_id = given.musicbrainz,
    external_ids = external_ids || jsonb_build_object('musicbrainz', given.musicbrainz)
FROM (
    SELECT DISTINCT ON (same.id) same.id, named.musicbrainz
    FROM named, LATERAL (
        SELECT id FROM artist
        WHERE artist.name_key = named.name_key AND external_id IS NULL
            AND NOT external_ids ? 'musicbrainz'
        ORDER BY id LIMIT 1) AS same
    WHERE NOT EXISTS (SELECT FROM artist WHERE external_id = named.musicbrainz)
    ORDER BY same.id, named.line
) AS given
WHERE artist.id = given.id
"""

INSERT_ARTISTS_BY_MUSICBRAINZ_ID = """
INSERT INTO artist (id, name, popularity, is_sample, external_id, external_ids)
SELECT DISTINCT ON (musicbrainz) uuidv7(), name, popularity, %(sample)s, musicbrainz,
    jsonb_build_object('musicbrainz', musicbrainz)
FROM named
WHERE musicbrainz IS NOT NULL
    AND NOT EXISTS (SELECT FROM artist WHERE external_id = named.musicbrainz)
ORDER BY musicbrainz, line
"""

INSERT_ARTISTS_BY_NAME = """
INSERT INTO artist (id, name, popularity, is_sample)
SELECT DISTINCT ON (name_key) uuidv7(), name,
    max(popularity) OVER (PARTITION BY name_key), %(sample)s
FROM named
WHERE musicbrainz IS NULL
    AND NOT EXISTS (SELECT FROM artist WHERE artist.name_key = named.name_key)
ORDER BY name_key, line
"""

# Of artists with the same name, the lowest id.
LINK = """
CREATE TEMPORARY TABLE linked ON COMMIT DROP AS
WITH resolved AS (
    SELECT name, musicbrainz, artist.id AS artist_id
    FROM named, LATERAL (
        SELECT id FROM artist
        WHERE musicbrainz IS NULL AND artist.name_key = named.name_key
        ORDER BY id LIMIT 1) AS artist
    UNION ALL
    SELECT name, musicbrainz, artist.id
    FROM named, LATERAL (
        SELECT id FROM artist WHERE external_id = musicbrainz ORDER BY id LIMIT 1) AS artist
    WHERE musicbrainz IS NOT NULL
)
SELECT track_id, artist_id, existed, max(popularity) AS popularity,
    row_number() OVER (PARTITION BY track_id ORDER BY min(position)) - 1 AS position
FROM credited JOIN resolved
    ON resolved.name = credited.name
    AND resolved.musicbrainz IS NOT DISTINCT FROM credited.musicbrainz
GROUP BY track_id, artist_id, existed
"""

# Links of a track that existed stay when they are the same.
KEEP_SAME_LINKS = """
DELETE FROM linked USING (
    SELECT track_id
    FROM (SELECT track_id, array_agg(artist_id ORDER BY position) AS artists
          FROM linked WHERE existed GROUP BY track_id) AS wanted
    JOIN LATERAL (
        SELECT array_agg(artist_id ORDER BY position) AS artists
        FROM search_trackartist AS link WHERE link.track_id = wanted.track_id
    ) AS present USING (artists)
) AS same
WHERE linked.track_id = same.track_id
"""

DELETE_LINKS = """
DELETE FROM search_trackartist AS link
USING (SELECT DISTINCT track_id FROM linked WHERE existed) AS changed
WHERE link.track_id = changed.track_id
"""

CHANGED_LINKS = "SELECT DISTINCT track_id FROM linked WHERE existed"

INSERT_LINKS = """
INSERT INTO search_trackartist (track_id, artist_id, position)
SELECT track_id, artist_id, position FROM linked ORDER BY track_id, position
"""

# An artist is at least as popular as each of their tracks, and no sample once one isn't.
RAISE_ARTISTS = """
UPDATE artist SET popularity = greatest(artist.popularity, most.popularity),
    is_sample = artist.is_sample AND %(sample)s
FROM (SELECT artist_id, max(popularity) AS popularity FROM linked GROUP BY artist_id) AS most
WHERE artist.id = most.artist_id
    AND (artist.is_sample OR NOT %(sample)s)
    AND (artist.popularity < most.popularity OR artist.is_sample AND NOT %(sample)s)
"""

RECEIVE_ARTISTS = """
CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS
SELECT DISTINCT ON (external_id, CASE WHEN external_id IS NULL THEN name_key END)
    line, external_id, name, name_key, sort_name, popularity,
    string_to_array(aliases, E'\\x1f') AS aliases, string_to_array(genres, E'\\x1f') AS genres,
    jsonb_strip_nulls(jsonb_build_object('spotify', spotify, 'musicbrainz', musicbrainz))
        AS external_ids
FROM (SELECT *, search_key(search_normalise(name)) AS name_key FROM staged_artist) AS staged
ORDER BY external_id, CASE WHEN external_id IS NULL THEN name_key END, line DESC
"""

# By external id, else the first of that name; one with an external id of its own is someone else.
FIND_ARTISTS = """
CREATE TEMPORARY TABLE found ON COMMIT DROP AS
SELECT line, artist.id, is_sample, by_name AND incoming.external_id IS NOT NULL AS adopted
FROM incoming, LATERAL (
    (SELECT id, is_sample, false AS by_name FROM artist
     WHERE artist.external_id = incoming.external_id ORDER BY id LIMIT 1)
    UNION ALL
    (SELECT id, is_sample, true FROM artist
     WHERE artist.name_key = incoming.name_key
        AND (incoming.external_id IS NULL OR artist.external_id IS NULL)
     ORDER BY id LIMIT 1)
    LIMIT 1
) AS artist
"""

# An artist without an external id is adopted by one row; the others of that name are new.
ADOPT_ONCE = """
DELETE FROM found USING (
    SELECT line, adopted AND row_number() OVER (PARTITION BY id ORDER BY adopted, line) > 1 AS late
    FROM found
) AS ranked
WHERE found.line = ranked.line AND late
"""

UPDATE_ARTISTS = """
UPDATE artist SET
    external_id = given.external_id, name = given.name, sort_name = given.sort_name,
    aliases = given.aliases, genres = given.genres, popularity = given.popularity,
    external_ids = given.external_ids, is_sample = %(sample)s
FROM (
    SELECT a.id,
        coalesce(i.external_id, a.external_id) AS external_id,
        i.name,
        coalesce(i.sort_name, a.sort_name) AS sort_name,
        coalesce(i.aliases, a.aliases) AS aliases,
        coalesce(i.genres, a.genres) AS genres,
        greatest(i.popularity, a.popularity) AS popularity,
        a.external_ids || i.external_ids AS external_ids
    FROM incoming i JOIN found f USING (line) JOIN artist a ON a.id = f.id
    WHERE a.is_sample OR NOT %(sample)s
) AS given
WHERE artist.id = given.id
    AND (artist.external_id, artist.name, artist.sort_name, artist.aliases, artist.genres,
         artist.popularity, artist.external_ids, artist.is_sample)
    IS DISTINCT FROM
        (given.external_id, given.name, given.sort_name, given.aliases, given.genres,
         given.popularity, given.external_ids, %(sample)s)
"""

INSERT_ARTISTS = """
INSERT INTO artist (id, external_id, name, sort_name, aliases, genres, popularity, external_ids,
    is_sample)
SELECT uuidv7(), external_id, name, coalesce(sort_name, ''), coalesce(aliases, '{}'),
    coalesce(genres, '{}'), coalesce(popularity, 0), external_ids, %(sample)s
FROM incoming
WHERE line NOT IN (SELECT line FROM found)
"""

DELETE_SAMPLE_LINKS = """
DELETE FROM search_trackartist USING track WHERE track_id = track.id AND track.is_sample
"""
DELETE_SAMPLE_TRACKS = "DELETE FROM track WHERE is_sample"
DELETE_SAMPLE_ARTISTS = """
DELETE FROM artist
WHERE is_sample AND NOT EXISTS (SELECT FROM search_trackartist WHERE artist_id = artist.id)
"""

ANALYZE = "ANALYZE track, artist, search_trackartist, search_lexeme"
