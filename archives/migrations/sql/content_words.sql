-- The words of a content: of the strings at jsonpaths by their codes, and of the tracks at `tracks`.
-- The cost tells the planner to evaluate this for no row that an index can leave out.
--
-- A tsvector has at most 1,048,575 bytes: 149,796 words. Of more it gets the first by their bytes,
-- those of tracks and then those of the codes in their order. Valid content has never so many.
CREATE OR REPLACE FUNCTION archive_words(content jsonb, places jsonb) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000000
RETURN array_to_tsvector(ARRAY(
    SELECT word
    FROM (
        SELECT archive_word(code, hash) AS word
        FROM (
            SELECT code, archive_hash(item #>> '{}') AS hash
            FROM jsonb_each_text(places - 'tracks') AS place (code, at),
                jsonb_path_query(content, at::jsonpath, silent => true) AS item
            WHERE jsonb_typeof(item) = 'string'
            OFFSET 0
        ) AS hashed
        WHERE hash IS NOT NULL
        UNION
        SELECT archive_track_word(title, artist)
        FROM (
            SELECT archive_hash(item ->> 'track') AS title,
                coalesce(archive_hash(item ->> 'artist'), 0) AS artist
            FROM jsonb_path_query(content, (places ->> 'tracks')::jsonpath, silent => true) AS item
            OFFSET 0
        ) AS hashed
        WHERE title IS NOT NULL
    ) AS words
    ORDER BY word COLLATE "C"
    LIMIT 149796
));
