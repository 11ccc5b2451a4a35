-- What a text is found by, whatever its case, accents, spaces and punctuation. Null for text without
-- a letter, digit or sign. Not strict: a strict function of this kind is not inlined.
CREATE OR REPLACE FUNCTION archive_key(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(search_key(search_normalise(value)), '');

-- Keys are indexed as hashes: half the size, and as good as unique.
CREATE OR REPLACE FUNCTION archive_hash(value text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN hashtextextended(archive_key(value), 0);

-- The hashes of the strings at a path of the content. The cost tells the planner to evaluate this
-- for no row that an index can leave out.
CREATE OR REPLACE FUNCTION archive_keys(content jsonb, at jsonpath) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000000
RETURN array_remove(ARRAY(
    SELECT archive_hash(item #>> '{}')
    FROM jsonb_path_query(content, at, silent => true) AS item
    WHERE jsonb_typeof(item) = 'string'
), NULL);

-- Seven characters, five of the title's hash and two of the artist's: so the words of a title share
-- their beginning. An eighth would make an entry of the index a third larger.
CREATE OR REPLACE FUNCTION archive_track_word(title bigint, artist bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN chr(greatest(1, (title & 127)::int)) || chr(greatest(1, (title >> 7 & 127)::int))
    || chr(greatest(1, (title >> 14 & 127)::int)) || chr(greatest(1, (title >> 21 & 127)::int))
    || chr(greatest(1, (title >> 28 & 127)::int)) || chr(greatest(1, (artist & 127)::int))
    || chr(greatest(1, (artist >> 7 & 127)::int));

-- The words of the tracks of a content.
CREATE OR REPLACE FUNCTION archive_tracks(content jsonb) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000000
RETURN array_to_tsvector(ARRAY(
    SELECT archive_track_word(title, artist)
    FROM (
        SELECT archive_hash(item ->> 'track') AS title,
            coalesce(archive_hash(item ->> 'artist'), 0) AS artist
        FROM jsonb_path_query(content, '$.tracks[*]', silent => true) AS item
        OFFSET 0
    ) AS hashed
    WHERE title IS NOT NULL
));

-- What finds the words of a title, or of a title by an artist.
CREATE OR REPLACE FUNCTION archive_track_query(title text, artist text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT (
        '''' || replace(replace(
            left(word, CASE WHEN artist IS NULL THEN 5 ELSE 7 END), '\', '\\'), '''', '''''')
        || CASE WHEN artist IS NULL THEN ''':*' ELSE '''' END
    )::tsquery
    FROM archive_track_word(archive_hash(title), coalesce(archive_hash(artist), 0)) AS word
);
