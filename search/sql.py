"""The statements of a search; their functions stand in search/migrations/sql/ranking.sql."""

LOOKUP = "SELECT kind, n, word, distance, ndoc FROM search_lookup(%s::text[], %s, %s)"

NEARBY = "SELECT n, word, distance, ndoc FROM search_nearby(%s::text[], %s::int[])"

CANDIDATES = """
SELECT kind, id, external_id, name, artist_credit, album, year, duration_ms, popularity,
       match, likeness, score, keys, best
FROM search_candidates(
    typed => %(typed)s, corrected => %(corrected)s::text[],
    exact => %(exact)s::tsquery, prefix => %(prefix)s::tsquery,
    artists => %(artists)s::tsquery, titles => %(titles)s::tsquery,
    credits => %(credits)s::tsquery, words => %(words)s::tsquery,
    more => %(more)s::tsquery, common => %(common)s::tsquery,
    required => %(required)s::tsquery, genres_any => %(genres)s::text[],
    year_from => %(year_from)s::int, year_to => %(year_to)s::int,
    accented => %(accented)s::text[], otherwise => %(otherwise)s, most => %(most)s,
    part => %(part)s::tsquery, near => %(near)s::tsquery)
"""

# For entries of a list; the function stands in search/migrations/sql/resolve.sql. A key has at most
# 120 letters, so the beginning of a name makes it.
KEYS = """
SELECT search_key(search_normalise(artist)),
       search_key(search_normalise(search_main_credit(artist))),
       search_key(search_normalise(title)), search_key(search_normalise(search_bare_title(title))),
       search_key(search_normalise(album))
FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS typed(a, t, l, place),
     LATERAL (SELECT left(a, 250), left(t, 250), left(l, 250)) AS beginning(artist, title, album)
ORDER BY place
"""

RESOLVE = """
SELECT place, id, external_id, title, artist_credit, album, year, duration_ms, popularity,
       title_key, full_title_key, credit_key, main_credit_key, album_key
FROM search_resolve(
    queries => %s::text[], artists => %s::text[], main_artists => %s::text[],
    titles => %s::text[], bare_titles => %s::text[], albums => %s::text[], most => %s)
"""

# Its function stands in search/migrations/sql/complete.sql.
COMPLETE = "SELECT kind, id, completion FROM search_complete(%s, %s::text[], %s)"

# Triggers that should be there and aren't, or don't fire.
TRIGGERS = """
SELECT expected.relname, expected.name
FROM (SELECT relation AS relname, relation::regclass AS oid, name
      FROM unnest(ARRAY['artist', 'track']) AS relation, unnest(%s::text[]) AS name) AS expected
WHERE NOT EXISTS (
    SELECT FROM pg_trigger AS t
    WHERE t.tgrelid = expected.oid AND t.tgname = expected.name AND t.tgenabled IN ('O', 'A'))
ORDER BY 1, 2
"""

# Of some rows from a random id on: how many words the vocabulary lacks, changes that wait included,
# and how many they have. Rows without a vector count as one word that it lacks.
UNKNOWN_IN_SAMPLE = """
WITH chance AS MATERIALIZED (SELECT gen_random_uuid() AS id),
drawn AS (
    (SELECT search_vector FROM track
     WHERE id >= (SELECT id FROM chance) ORDER BY id LIMIT %(rows)s)
    UNION ALL
    (SELECT search_vector FROM track
     WHERE id < (SELECT id FROM chance) ORDER BY id DESC LIMIT %(rows)s)
    UNION ALL
    (SELECT search_vector FROM artist
     WHERE id >= (SELECT id FROM chance) ORDER BY id LIMIT %(rows)s)
)
SELECT count(*) FILTER (
        WHERE coalesce(l.ndoc, 0) + (
            SELECT coalesce(sum(change), 0) FROM search_lexemechange WHERE word = words.word
        ) <= 0), count(*)
FROM (SELECT word FROM drawn, unnest(tsvector_to_array(search_vector)) AS word
      UNION
      SELECT NULL FROM drawn WHERE search_vector IS NULL) AS words
LEFT JOIN search_lexeme AS l ON l.word = words.word
"""

WAITING_CHANGES = "SELECT count(*) FROM (SELECT FROM search_lexemechange LIMIT %s) AS waiting"

# Words whose count is not that of the catalogue, changes that wait included.
COUNT_DIFFERENCES = """
SELECT count(*)
FROM (SELECT word, sum(ndoc) AS ndoc
      FROM (SELECT word, ndoc FROM search_lexeme
            UNION ALL
            SELECT word, change FROM search_lexemechange) AS every
      GROUP BY word HAVING sum(ndoc) <> 0) AS kept
FULL JOIN ts_stat('SELECT search_vector FROM track UNION ALL SELECT search_vector FROM artist')
    AS counted USING (word)
WHERE kept.ndoc IS DISTINCT FROM counted.ndoc
"""

# The newest import of a catalogue: last line stored, when it began and ended, whether one runs now.
NEWEST_IMPORT = """
SELECT line, extract(epoch FROM started)::float8, extract(epoch FROM finished)::float8,
    EXISTS (SELECT FROM pg_locks
            WHERE locktype = 'advisory' AND database = (
                SELECT oid FROM pg_database WHERE datname = current_database())
                AND classid::bigint = (hashtext('search.import_catalogue')::bigint & 4294967295)
                AND objid = 0 AND objsubid = 2)
FROM search_catalogueimport
ORDER BY started DESC
LIMIT 1
"""
