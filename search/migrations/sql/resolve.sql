-- The tracks that entries of a list may mean, each entry given by the keys of its names: the artist,
-- the first artist, the title, the title without its edition, the album. `queries` say where to look.
-- `place` is an entry's place in the arrays from 1; `album_key` is empty unless it has an album.
--
-- A track counts when title and artist are both alike: of one pair of keys at most two letters in
-- five differ, or one contains the other. The nearest `most` an entry are returned.
CREATE OR REPLACE FUNCTION search_resolve(
    queries text[], artists text[], main_artists text[], titles text[], bare_titles text[],
    albums text[], most int)
RETURNS TABLE (
    place int, id uuid, external_id text, title text, artist_credit text, album text, year int,
    duration_ms int, popularity float8, title_key text, full_title_key text, credit_key text,
    main_credit_key text, album_key text)
LANGUAGE sql STABLE AS $$
    WITH typed AS MATERIALIZED (
        SELECT place::int, query::tsquery, artist, main_artist, title, bare_title, album,
               length(artist) * 2 / 5 AS artist_edits, length(title) * 2 / 5 AS title_edits
        FROM unnest(queries, artists, main_artists, titles, bare_titles, albums) WITH ORDINALITY
            AS typed(query, artist, main_artist, title, bare_title, album, place)
    ), compared AS (
        SELECT place, track.*,
               least(levenshtein_less_equal(typed.title, full_title_key, title_edits),
                     levenshtein_less_equal(typed.title, title_key, title_edits),
                     levenshtein_less_equal(typed.bare_title, title_key, title_edits)) AS title_edits,
               -- Of a song's many editions the one that was typed.
               levenshtein_less_equal(typed.title, full_title_key, title_edits) AS full_title_edits,
               typed.title_edits AS most_title_edits,
               least(levenshtein_less_equal(typed.artist, credit_key, artist_edits),
                     levenshtein_less_equal(typed.artist, main_credit_key, artist_edits),
                     levenshtein_less_equal(typed.main_artist, credit_key, artist_edits),
                     levenshtein_less_equal(typed.main_artist, main_credit_key, artist_edits))
                   AS artist_edits,
               typed.artist_edits AS most_artist_edits,
               starts_with(typed.title, title_key) OR starts_with(full_title_key, typed.bare_title)
                   AS title_contained,
               position(main_credit_key IN typed.artist) > 0
                   OR position(typed.main_artist IN credit_key) > 0 AS artist_contained
        FROM typed, LATERAL (
            SELECT id, title_key, full_title_key, credit_key, main_credit_key, popularity
            FROM track WHERE search_vector @@ typed.query
            -- An artist or a title that so many tracks have: the popular ones are meant.
            ORDER BY popularity + 0 DESC LIMIT 1000) AS track
    ), ranked AS MATERIALIZED (
        SELECT place, id, row_number() OVER (
            PARTITION BY place
            ORDER BY title_edits + artist_edits, full_title_edits, popularity DESC, id) AS rank
        FROM compared
        WHERE (title_edits <= most_title_edits OR title_contained)
          AND (artist_edits <= most_artist_edits OR artist_contained)
    )
    SELECT ranked.place, t.id, t.external_id, t.title, t.artist_credit, t.album, t.year::int,
           t.duration_ms, t.popularity, t.title_key, t.full_title_key, t.credit_key,
           t.main_credit_key,
           CASE WHEN albums[ranked.place] = '' THEN '' ELSE search_key(search_normalise(t.album)) END
    FROM ranked JOIN LATERAL (SELECT * FROM track WHERE track.id = ranked.id OFFSET 0) AS t ON true
    WHERE rank <= most
    ORDER BY place, rank
$$;
