-- What a search asks the database: which lexemes are near the typed words, and which rows have
-- them, ranked. PL/pgSQL keeps each statement's plan for the connection; planning anew would take
-- longer than the work, hence plan_cache_mode.

-- Lexemes within the given edit distance of each word, with their number in `words` from 1. A
-- transposition counts as one edit and is reported as two, levenshtein's measure. Title keys
-- longer than eight characters may be two edits away, because their other hashes are few.
CREATE OR REPLACE FUNCTION search_nearby(words text[], distances int[])
RETURNS TABLE (n int, word text, distance int, ndoc int)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT typed.n::int, l.word, levenshtein_less_equal(typed.word, l.word, 3), l.ndoc
    FROM unnest(words, distances) WITH ORDINALITY AS typed(word, distance, n)
    JOIN search_lexeme l ON search_deletes(l.word) && search_probes(typed.word, typed.distance)
    WHERE l.ndoc > 0
      AND length(l.word) BETWEEN length(typed.word) - 2 AND length(typed.word) + 2
      AND (levenshtein_less_equal(typed.word, l.word, 2)
               <= CASE WHEN left(typed.word, 1) = '=' AND length(typed.word) > 8 THEN 2
                       ELSE typed.distance END
           OR length(l.word) = length(typed.word)
              -- An adjacent pair exchanged is one deletion and one insertion of the same letter.
              AND levenshtein_less_equal(typed.word, l.word, 1, 1, 2, typed.distance + 1)
                  = typed.distance + 1
              AND translate(typed.word, l.word, '') = '' AND translate(l.word, typed.word, '') = '')
$$;

-- Everything the first stage needs to know of a query, given as one text per part. Rows by `kind`:
--   text   part `n` normalised
--   name   the key of the first `named` parts together
--   near   a lexeme within one edit of unit `n`: the words of the first `searched` parts from 1,
--          then each two neighbours joined (only as they are), then the name as an artist's key
--          (within two) and as a title's; one may be given twice
--   split  two words that make up word `n`
-- Words that are frequent as typed, one row in 1,300 has them, need no neighbours: to look for them
-- takes time, and finds no better.
CREATE OR REPLACE FUNCTION search_lookup(parts text[], named int, searched int)
RETURNS TABLE (kind text, n int, word text, distance int, ndoc int)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    part text;
    texts text[];
    words text[];
    size int;
    name text;
    units text[];
    counts int[];
    places int[];
    found record;
    is_known boolean := false;
    frequent int := (SELECT greatest(250, reltuples / 1300) FROM pg_class
                     WHERE oid = 'track'::regclass);
BEGIN
    -- Rows of its own making cost far less than a query for each kind.
    kind := 'text'; n := 0; distance := 0; ndoc := 0;
    FOREACH part IN ARRAY parts LOOP
        word := search_normalise(part); n := n + 1;
        texts := texts || word;
        RETURN NEXT;
    END LOOP;
    words := (string_to_array(
        array_to_string(array_remove(texts[1:searched], ''), ' '), ' '))[1:16];
    size := cardinality(words);
    name := search_key(array_to_string(array_remove(texts[1:named], ''), ' '));
    kind := 'name'; n := 0; word := name;
    RETURN NEXT;
    IF size = 0 THEN
        RETURN;
    END IF;
    FOR i IN 1..size LOOP
        words[i] := left(words[i], 60);
        units[i] := words[i];
        IF i > 1 THEN
            units[size + i - 1] := words[i - 1] || words[i];
        END IF;
    END LOOP;
    units := units || ARRAY['@' || left(name, 60), '=' || left(name, 60)];
    counts := ARRAY(SELECT coalesce((SELECT l.ndoc FROM search_lexeme l WHERE l.word = u.unit), 0)
                    FROM unnest(units) WITH ORDINALITY AS u(unit, i) ORDER BY u.i);
    kind := 'near';
    FOR i IN 1..2 * size + 1 LOOP
        IF i BETWEEN size + 1 AND 2 * size - 1
            OR counts[i] > frequent OR counts[i] > 0 AND units[i] IN ('the', 'and', 'n')
        THEN
            IF counts[i] > 0 THEN
                n := i; word := units[i]; ndoc := counts[i];
                RETURN NEXT;
            END IF;
        ELSE
            places := places || i;
        END IF;
    END LOOP;
    FOR found IN
        SELECT places[x.n] AS place, x.word, x.distance, x.ndoc
        FROM search_nearby(
            ARRAY(SELECT units[p.place] FROM unnest(places) WITH ORDINALITY AS p(place, i)
                  ORDER BY p.i),
            array_fill(1, ARRAY[cardinality(places)])) AS x
    LOOP
        n := found.place; word := found.word; distance := found.distance; ndoc := found.ndoc;
        is_known := is_known OR n = 2 * size AND ndoc >= 10;
        RETURN NEXT;
    END LOOP;
    -- A name of several tracks one edit away is what was meant; else it may be two edits away, which
    -- costs as much to look up as all the rest. In a name of more words each word is looked up.
    IF NOT is_known AND size <= 3 AND length(name) >= 5 THEN
        RETURN QUERY SELECT 'near', 2 * size, x.word, x.distance, x.ndoc
                     FROM search_nearby(ARRAY[units[2 * size]], ARRAY[2]) AS x;
    END IF;

    IF EXISTS (SELECT FROM unnest(words, counts[1:size]) AS u(word, ndoc)
               WHERE length(u.word) > 3 AND u.ndoc <= 1) THEN
        RETURN QUERY
            SELECT 'split', s.i, s.halves, 0, s.least_ndoc FROM (
                SELECT u.i::int, left(u.word, cut) || ' ' || substr(u.word, cut + 1) AS halves,
                       h.ndoc AS least_ndoc,
                       row_number() OVER (PARTITION BY u.i ORDER BY h.ndoc DESC) AS place
                FROM unnest(words, counts[1:size]) WITH ORDINALITY AS u(word, ndoc, i),
                     generate_series(1, length(u.word) - 1) AS cut,
                     -- Subqueries, not joins: the planner takes generate_series for a thousand.
                     LATERAL (SELECT least(
                         coalesce((SELECT l.ndoc FROM search_lexeme l
                                   WHERE l.word = left(u.word, cut)), 0),
                         coalesce((SELECT l.ndoc FROM search_lexeme l
                                   WHERE l.word = substr(u.word, cut + 1)), 0)) AS ndoc) AS h
                WHERE length(u.word) > 3 AND u.ndoc <= 1 AND h.ndoc > 0) AS s
            WHERE s.place <= 3;
    END IF;
END
$$;

-- Likeness of a typed key and a name's key: 1 less the edits per typed character; a first letter
-- that differs, where people seldom slip, costs a little more. 0 for names half as long again.
CREATE OR REPLACE FUNCTION search_likeness(typed text, name text) RETURNS real
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN length(name) <= length(typed) * 3 / 2 + 2 THEN
        1 - levenshtein_less_equal(typed, name, length(typed) / 2 + 1)::real / greatest(length(typed), 1)
          - CASE WHEN left(typed, 1) = left(name, 1) THEN 0 ELSE 0.03 END
    ELSE 0 END
$$;

-- The same for a track: title alone, credit and title in either order; the whole title and credit
-- count a little more than the bare title and the first artist.
CREATE OR REPLACE FUNCTION search_track_likeness(
    typed text, title text, full_title text, credit text, main_credit text) RETURNS real
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT greatest(
        greatest(search_likeness(typed, full_title), search_likeness(typed, credit || full_title),
                 search_likeness(typed, full_title || credit)),
        CASE WHEN full_title <> title THEN
            greatest(search_likeness(typed, title), search_likeness(typed, credit || title),
                     search_likeness(typed, title || credit)) - 0.06 END,
        CASE WHEN main_credit <> credit THEN
            greatest(search_likeness(typed, main_credit || title),
                     search_likeness(typed, title || main_credit)) - 0.06 END)
$$;

-- Artists and tracks that match, the best `most` first. Each tsquery may be null.
--   typed     the query's key; `corrected`: the key with exchanged letters put back
--   exact     every word as typed; `prefix`: the same, the last word as a beginning; `part`: the
--             same, one after the other; `near`: each word or one near it
--   artists   artists; titles, credits: tracks by whole names; words, more: tracks by words
--   common    tracks when the words are so frequent that the most popular rows are read instead
--   required  what every row must match besides; genres_any, years: filters
--   accented  words typed with accents: rows that have them so come a little earlier
--   otherwise the `match` of rows that are neither exact, prefix nor joined
-- `keys` are the row's spellings as search/slips.py takes them; `best` is the greatest likeness
-- among all candidates, not only those returned.
CREATE OR REPLACE FUNCTION search_candidates(
    typed text, corrected text[], exact tsquery, prefix tsquery, artists tsquery, titles tsquery,
    credits tsquery, words tsquery, more tsquery, common tsquery, required tsquery, genres_any text[],
    year_from int, year_to int, accented text[], otherwise text, most int,
    part tsquery DEFAULT NULL, near tsquery DEFAULT NULL)
RETURNS TABLE (kind text, id uuid, external_id text, name text, artist_credit text, album text,
               year int, duration_ms int, popularity float8, match text, likeness real,
               score real, keys text[], best real)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    -- popularity + 0: sort what the GIN index finds, never walk the catalogue by popularity.
    -- `common` asks for just that, among the most popular rows, lest a filter make it walk on;
    -- inside CASE, whose selectivity the planner takes for a half, no condition draws it to
    -- another index.
    WITH found AS (
        SELECT t.* FROM (VALUES (titles, 60), (credits, 20), (words, 100), (more, 100)) AS way(query, most),
        LATERAL (
            SELECT * FROM track
            WHERE search_vector @@ way.query
              AND (required IS NULL OR search_vector @@ required)
              AND (genres_any IS NULL OR genres && genres_any)
              AND (year_from IS NULL OR year >= year_from) AND (year_to IS NULL OR year <= year_to)
            ORDER BY popularity + 0 DESC LIMIT way.most) AS t
        UNION ALL
        (SELECT * FROM (SELECT * FROM track ORDER BY popularity DESC, id LIMIT 20000) AS popular
         WHERE common IS NOT NULL AND CASE WHEN
               search_vector @@ common
               AND (required IS NULL OR search_vector @@ required)
               AND (genres_any IS NULL OR genres && genres_any)
               AND (year_from IS NULL OR year >= year_from) AND (year_to IS NULL OR year <= year_to)
             THEN true ELSE false END
         ORDER BY popularity DESC, id LIMIT 40)
    ), once AS (
        SELECT DISTINCT ON (id) * FROM found ORDER BY id
    ), alike AS (
        SELECT 'track' AS kind, id, external_id, title AS name, artist_credit, album, year::int,
               duration_ms, popularity, search_vector @@ exact AS is_exact,
               search_vector @@ prefix AS is_prefix, search_vector,
               greatest(
                   search_track_likeness(typed, title_key, full_title_key, credit_key, main_credit_key),
                   (SELECT max(search_track_likeness(
                                c, title_key, full_title_key, credit_key, main_credit_key))
                           - 1.0 / greatest(length(typed), 1) FROM unnest(corrected) AS c)) AS likeness,
               0 AS alias_cost,
               search_likeness(typed, credit_key) AS by_artist,
               ARRAY[full_title_key, title_key, credit_key, main_credit_key] AS keys
        FROM once
        UNION ALL
        SELECT 'artist', id, external_id, name, NULL, NULL, NULL, NULL, popularity,
               search_vector @@ exact, search_vector @@ prefix, search_vector,
               greatest(by_name, by_alias), CASE WHEN by_alias > by_name THEN 0.06 ELSE 0 END,
               0, name_key || alias_keys
        FROM (SELECT * FROM artist WHERE search_vector @@ artists
                AND (required IS NULL OR search_vector @@ required)
                AND (genres_any IS NULL OR genres && genres_any)
              ORDER BY popularity + 0 DESC LIMIT 60) AS a,
        LATERAL (SELECT greatest(
                            search_likeness(typed, name_key),
                            (SELECT max(search_likeness(c, name_key))
                                    - 1.0 / greatest(length(typed), 1)
                             FROM unnest(corrected) AS c)) AS by_name,
                        (SELECT max(search_likeness(typed, k))
                         FROM unnest(alias_keys) AS k) AS by_alias) AS l
    ), graded AS (
        -- Part of a name, typed right, is worth something too; so is a track's artist alone. Whose
        -- name it is comes before whom it is another name of.
        SELECT *, greatest(likeness - alias_cost,
                           CASE WHEN is_exact AND search_vector @@ part
                                THEN 0.66 + 0.02 * least(length(typed), 13)
                                WHEN is_exact THEN 0.7
                                WHEN is_prefix THEN 0.66
                                -- Dear to tell, and no more than many rows have already.
                                WHEN likeness - alias_cost < 0.69 AND search_vector @@ near
                                THEN 0.45 + 0.02 * least(length(typed), 12) END,
                           0.64 * by_artist)::real AS grade
        FROM alike
    )
    SELECT kind, id, external_id, name, artist_credit, album, year, duration_ms, popularity,
           CASE WHEN is_exact THEN 'exact' WHEN is_prefix THEN 'prefix'
                WHEN likeness >= 0.98 THEN 'joined' ELSE otherwise END,
           likeness::real,
           ((grade + 0.25 * least(1, ln(1 + popularity / 10) / ln(11))
             + CASE kind WHEN 'artist' THEN 0.12 ELSE 0 END
             + CASE WHEN accented IS NOT NULL AND NOT EXISTS (
                   SELECT FROM unnest(accented) AS w
                   WHERE position(w IN casefold(concat(name, ' ', artist_credit)
                                                COLLATE pg_catalog.pg_unicode_fast)) = 0)
               THEN 0.02 ELSE 0 END) / 1.4)::real AS score,
           keys, (max(likeness) OVER ())::real
    FROM graded
    ORDER BY score DESC, popularity DESC, id
    LIMIT most;
END
$$;
