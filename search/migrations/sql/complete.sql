-- Completion while someone types: names that begin so, misspellings allowed, in one statement.
--
-- The vocabulary tells how many names begin so. Few are fetched by the search vectors' index and
-- sorted; of many the most popular are read, in the order of popularity.

-- How many lexemes begin so, counted up to `most`.
CREATE OR REPLACE FUNCTION search_beginning_size(beginning text, most int) RETURNS int
LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN (SELECT count(*) FROM (
        SELECT FROM search_lexeme
        WHERE word >= beginning COLLATE "C" AND word < (beginning || chr(1114111)) COLLATE "C"
        LIMIT most) AS l);
END
$$;

-- How many rows have a word that begins so, counted up to `most`; of 200 words or more, `most`.
CREATE OR REPLACE FUNCTION search_beginning_ndoc(beginning text, most int) RETURNS int
LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN (SELECT CASE WHEN count(*) < 200 THEN least(coalesce(sum(ndoc), 0), most) ELSE most END
            FROM (SELECT ndoc FROM search_lexeme
                  WHERE word >= beginning COLLATE "C"
                    AND word < (beginning || chr(1114111)) COLLATE "C"
                  LIMIT 200) AS l);
END
$$;

-- The beginnings one character longer that lexemes have, 100 at most, and the beginning itself if
-- it is a lexeme: one step in the index for each.
CREATE OR REPLACE FUNCTION search_longer_beginnings(shared text) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE SET plan_cache_mode = force_generic_plan AS $$
    WITH RECURSIVE longer(beginning) AS (
        SELECT (SELECT left(word, length(shared) + 1) FROM search_lexeme
                WHERE word >= shared COLLATE "C" ORDER BY word LIMIT 1)
        UNION ALL
        SELECT (SELECT left(word, length(shared) + 1) FROM search_lexeme
                WHERE word > (beginning || CASE WHEN beginning > shared COLLATE "C"
                                                THEN chr(1114111) ELSE '' END) COLLATE "C"
                ORDER BY word LIMIT 1)
        FROM longer WHERE starts_with(beginning, shared)
    )
    SELECT beginning FROM longer WHERE starts_with(beginning, shared) LIMIT 100
$$;

-- The beginnings within one edit of a typed one that lexemes have; the first letter stays. The
-- letters to be put in or exchanged are those that follow in some lexeme, found by one step in the
-- index for each; so behind the longest beginning that any lexeme has there is nothing to try.
CREATE OR REPLACE FUNCTION search_near_beginnings(sign text, typed text) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    size CONSTANT int := length(typed);
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE longer(i, shared, beginning) AS (
            SELECT i, shared, (SELECT left(word, length(shared) + 1) FROM search_lexeme
                               WHERE word > shared COLLATE "C" ORDER BY word LIMIT 1)
            FROM generate_series(1, size - 1) AS i,
                 LATERAL (SELECT sign || left(typed, i)) AS s(shared)
            UNION ALL
            SELECT i, shared, (SELECT left(word, length(shared) + 1) FROM search_lexeme
                               WHERE word > (beginning || chr(1114111)) COLLATE "C"
                               ORDER BY word LIMIT 1)
            FROM longer WHERE starts_with(beginning, shared)
        ), variant(v) AS (
            SELECT beginning || substr(typed, i + n) FROM longer, generate_series(1, 2) AS n
            WHERE starts_with(beginning, shared)
            UNION ALL
            SELECT sign || left(typed, i) || substr(typed, i + 2)
            FROM generate_series(1, size - 2) AS i
            UNION ALL
            SELECT sign || left(typed, i) || substr(typed, i + 2, 1) || substr(typed, i + 1, 1)
                   || substr(typed, i + 3)
            FROM generate_series(1, size - 2) AS i
        )
        SELECT DISTINCT v FROM variant
        WHERE v <> sign || typed AND EXISTS (
            SELECT FROM search_lexeme
            WHERE word >= v COLLATE "C" AND word < (v || chr(1114111)) COLLATE "C"));
END
$$;

-- Edits between a typed beginning and a name's, by as many characters as were typed: a letter left
-- out or added in between counts twice. More than 4 are 5.
CREATE OR REPLACE FUNCTION search_beginning_edits(typed text, name text) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT levenshtein_less_equal(typed, left(name, length(typed)), 4)
$$;

-- Whether so many of those edits are few enough for a typed text so long.
CREATE OR REPLACE FUNCTION search_is_near(edits int, size int) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT edits <= least(4, size / 4 + 1)
$$;

-- Whole names that begin nearly so, as a tsquery of their keys; `sign` is @ or =. The symmetric
-- deletes of a longer beginning are those of the whole name.
CREATE OR REPLACE FUNCTION search_near_names(sign text, key text) RETURNS tsquery
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    names tsquery;
BEGIN
    IF length(key) < (CASE sign WHEN '@' THEN 7 ELSE 10 END) THEN
        RETURN (SELECT string_agg(format('%L:*', v), '|')
                FROM unnest(search_near_beginnings(sign, key)) AS v)::tsquery;
    END IF;
    FOR distance IN 1..CASE sign WHEN '@' THEN 2 ELSE 1 END LOOP
        names := (
            SELECT string_agg(format('%L', word), '|') FROM (
                SELECT word FROM search_lexeme
                WHERE search_deletes(word) && search_probes(sign || key, distance)
                  AND left(word, 1) = sign
                  AND search_is_near(search_beginning_edits(key, substr(word, 2)), length(key))
                ORDER BY search_beginning_edits(key, substr(word, 2)), ndoc DESC LIMIT 20) AS l)::tsquery;
        EXIT WHEN names IS NOT NULL;
    END LOOP;
    RETURN names;
END
$$;

-- Artists and tracks that the typed text may stand for when it is misspelt.
--   required  its words; `ending`: the last one as a beginning
--   names     the keys of its first word, its first two and so on, each as an artist's and a title's
--   rests     what is typed after each of them
-- `near_words` is what every track found by single words has, `near_every_word` what the best have.
CREATE OR REPLACE FUNCTION search_complete_misspelt(
    key text, required text[], ending tsquery, names text[], rests text[],
    OUT artists uuid[], OUT tracks uuid[], OUT near_words tsquery, OUT near_every_word tsquery)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    before CONSTANT text[] := trim_array(required, 1);
    near_names tsquery;
    words tsquery;
    groups text[];
    counts int[];
    frequent CONSTANT text[] := ARRAY(
        SELECT word FROM search_lexeme WHERE word = ANY (before) AND ndoc > 1000);
BEGIN
    IF length(key) < 5 THEN
        -- So much is within an edit of a short beginning that only what is popular may be meant.
        artists := ARRAY(
            SELECT id FROM (SELECT id, name_key FROM artist ORDER BY popularity DESC LIMIT 1000) AS a
            WHERE left(name_key, 1) = left(key, 1)
              AND search_beginning_edits(key, name_key) < 2 LIMIT 10);
        tracks := ARRAY(
            SELECT id FROM (SELECT id, title_key FROM track ORDER BY popularity DESC LIMIT 500) AS t
            WHERE left(title_key, 1) = left(key, 1)
              AND search_beginning_edits(key, title_key) < 2 LIMIT 10);
        RETURN;
    END IF;
    near_names := search_near_names('@', key);
    artists := ARRAY(SELECT id FROM artist WHERE search_vector @@ near_names
                     ORDER BY popularity + 0 DESC LIMIT 20);
    IF length(key) > 6 THEN
        tracks := ARRAY(SELECT id FROM track WHERE search_vector @@ near_names
                        ORDER BY popularity + 0 DESC LIMIT 10);
    END IF;
    near_names := search_near_names('=', key);
    tracks := tracks || ARRAY(SELECT id FROM track WHERE search_vector @@ near_names
                    ORDER BY popularity + 0 DESC LIMIT 20);
    IF cardinality(required) = 1 THEN
        RETURN;
    END IF;

    -- A whole name and the beginning of another.
    tracks := tracks || ARRAY(
        WITH name AS MATERIALIZED (
            SELECT n, word, rests[n] AS rest
            FROM search_nearby(names, array_fill(1, ARRAY[cardinality(names)]))
            WHERE ndoc <= 2000 AND length(word) > 3)
        SELECT t.id FROM name, LATERAL (
            SELECT id FROM track
            WHERE search_vector @@ format('%L', name.word)::tsquery AND CASE WHEN
                search_beginning_edits(
                    rest, CASE left(name.word, 1) WHEN '@' THEN title_key ELSE credit_key END)
                    <= least(3, length(rest) / 3)
                THEN true ELSE false END
            ORDER BY popularity + 0 DESC LIMIT 10) AS t);

    -- Words in any order, of several all but one. Frequent ones hardly narrow what is found.
    WITH near AS (
        SELECT n, word, ndoc, row_number() OVER (PARTITION BY n ORDER BY distance, ndoc DESC) AS place
        FROM search_nearby(
            ARRAY(SELECT w FROM unnest(before) AS w WHERE w <> ALL (frequent)),
            array_fill(1, ARRAY[cardinality(before)]))
    )
    SELECT array_agg(alternatives ORDER BY ndoc), array_agg(ndoc ORDER BY ndoc) INTO groups, counts
    FROM (SELECT '(' || string_agg(format('%L:AB', word), '|') || ')' AS alternatives,
                 sum(ndoc)::int AS ndoc
          FROM near WHERE place <= 10 GROUP BY n HAVING sum(ndoc) <= 2000
          ORDER BY ndoc LIMIT 4) AS rarest;
    words := array_to_string(groups, '&')::tsquery;
    near_words := words && ending;
    near_every_word := concat_ws(
        '&', words, ending, (SELECT string_agg(format('%L:AB', w), '&') FROM unnest(frequent) AS w));
    IF cardinality(groups) > 2 OR counts[2] <= 400 THEN
        words := (SELECT string_agg(array_to_string(groups[:i - 1] || groups[i + 1:], '&'), '|')
                  FROM generate_series(1, cardinality(groups)) AS i)::tsquery;
        near_words := (words && ending) || array_to_string(groups, '&')::tsquery;
    END IF;
    tracks := tracks || ARRAY(
        SELECT id FROM track
        WHERE search_vector @@ words
          AND CASE WHEN search_vector @@ near_words THEN true ELSE false END
        ORDER BY popularity + 0 DESC LIMIT 20);
END
$$;

-- Completions of a typed text, best first, no text twice; the last word is a beginning unless a
-- space follows it. `accented`: words typed with accents; names that have them come a little
-- earlier.
CREATE OR REPLACE FUNCTION search_complete(typed text, accented text[], most int)
RETURNS TABLE (kind text, id uuid, completion text)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    -- Fewer names than this that begin so are fetched and sorted; of more, the most popular are
    -- read, among the first `depth` that share two letters.
    narrow CONSTANT int := 400;
    depth CONSTANT int := 1000;
    -- Words that more rows have are not looked up.
    common CONSTANT int := 2000;
    -- With fewer completions than this the text may be misspelt.
    few CONSTANT int := 10;
    words CONSTANT text[] := (string_to_array(search_normalise(typed), ' '))[1:16];
    key CONSTANT text := left(search_key(array_to_string(words, ' ')), 60);
    spelt CONSTANT text := left(array_to_string(words, ''), 60);
    whole CONSTANT boolean := typed ~ '\s$';
    required text[] := ARRAY(SELECT left(w, 60) FROM unnest(words) AS w
                             WHERE w NOT IN ('the', 'and', 'n', 'feat', 'ft', 'featuring'));
    part text;
    name text := '';
    names text[] := '{}';
    rests text[] := '{}';
    ending tsquery;
    every_word tsquery;
    rare_words tsquery;
    misspelt record;
    artists uuid[];
    tracks uuid[];
BEGIN
    IF coalesce(key, '') = '' THEN
        RETURN;
    END IF;
    IF cardinality(required) = 0 THEN
        required := ARRAY[spelt];
    END IF;

    -- Names that begin so.
    IF search_beginning_size('@' || key, narrow) < narrow THEN
        artists := ARRAY(
            SELECT id FROM artist WHERE search_vector @@ format('%L:*', '@' || key)::tsquery
            ORDER BY popularity + 0 DESC LIMIT 20);
    ELSIF length(key) = 1 THEN
        artists := ARRAY(
            SELECT id FROM search_longer_beginnings('@' || key) AS longer(beginning),
            LATERAL (SELECT id, popularity FROM artist
                     WHERE left(name_key, 2) = substr(beginning, 2)
                     ORDER BY popularity DESC LIMIT 10) AS a
            ORDER BY popularity DESC LIMIT 20);
    ELSE
        artists := ARRAY(
            SELECT id FROM (SELECT id, name_key FROM artist WHERE left(name_key, 2) = left(key, 2)
                            ORDER BY popularity DESC LIMIT depth) AS a
            WHERE name_key LIKE key || '%' LIMIT 20);
    END IF;
    IF search_beginning_size('=' || key, narrow) < narrow THEN
        tracks := ARRAY(
            SELECT id FROM track WHERE search_vector @@ format('%L:*', '=' || key)::tsquery
            ORDER BY popularity + 0 DESC LIMIT 20);
    ELSIF length(key) = 1 THEN
        tracks := ARRAY(
            SELECT id FROM search_longer_beginnings('=' || key) AS longer(beginning),
            LATERAL (SELECT id, popularity FROM track
                     WHERE left(title_key, 2) = substr(beginning, 2)
                     ORDER BY popularity DESC LIMIT 10) AS t
            ORDER BY popularity DESC LIMIT 20);
    ELSE
        tracks := ARRAY(
            SELECT id FROM (SELECT id, title_key FROM track WHERE left(title_key, 2) = left(key, 2)
                            ORDER BY popularity DESC LIMIT depth) AS t
            WHERE title_key LIKE key || '%' LIMIT 20);
    END IF;
    -- The same with the words that a key leaves out.
    IF spelt <> key OR key = 'the' THEN
        IF search_beginning_size('@' || spelt, narrow) < narrow THEN
            artists := artists || ARRAY(
                SELECT id FROM artist WHERE search_vector @@ format('%L:*', '@' || spelt)::tsquery
                ORDER BY popularity + 0 DESC LIMIT 20);
        ELSE
            artists := artists || ARRAY(
                SELECT id FROM (SELECT id, alias_keys FROM artist
                                ORDER BY popularity DESC LIMIT depth) AS a
                WHERE alias_keys[1] LIKE spelt || '%' LIMIT 20);
        END IF;
    END IF;

    -- A whole artist's name and the beginning of a title, or the other way round; all of an
    -- artist's tracks.
    FOREACH part IN ARRAY required LOOP
        name := name || part;
        names := names || ARRAY['@' || left(name, 60), '=' || left(name, 60)];
        rests := rests || array_fill(substr(key, length(name) + 1), ARRAY[2]);
    END LOOP;
    tracks := tracks || ARRAY(
        SELECT t.id FROM unnest(trim_array(names, 1), trim_array(rests, 1)) AS typed_name(name, rest)
        JOIN search_lexeme l ON l.word = typed_name.name AND l.ndoc <= common,
        LATERAL (
            SELECT id FROM track
            WHERE search_vector @@ format('%L', l.word)::tsquery AND CASE WHEN
                CASE left(l.word, 1)
                    WHEN '@' THEN title_key LIKE rest || '%' OR full_title_key LIKE rest || '%'
                    ELSE credit_key LIKE rest || '%' OR main_credit_key LIKE rest || '%' END
                THEN true ELSE false END
            ORDER BY popularity + 0 DESC LIMIT 20) AS t);

    -- Every word somewhere, the last as a beginning. A frequent beginning is not looked up but
    -- filters what the other words find.
    part := required[cardinality(required)];
    ending := format(CASE WHEN whole THEN '%L:AB' ELSE '%L:*AB' END, part)::tsquery;
    every_word := concat_ws('&', (SELECT string_agg(format('%L:AB', w), '&')
                                  FROM unnest(trim_array(required, 1)) AS w), ending)::tsquery;
    SELECT string_agg(format('%L:AB', word), '&')::tsquery INTO rare_words
    FROM (SELECT word, ndoc FROM search_lexeme WHERE word = ANY (trim_array(required, 1))
          ORDER BY ndoc LIMIT 3) AS rarest
    HAVING min(ndoc) <= common;
    IF search_beginning_ndoc(part, common) < common THEN
        rare_words := concat_ws('&', rare_words, ending)::tsquery;
    END IF;
    IF rare_words IS NOT NULL THEN
        artists := artists || ARRAY(
            SELECT id FROM artist
            WHERE search_vector @@ rare_words
              AND CASE WHEN search_vector @@ every_word THEN true ELSE false END
            ORDER BY popularity + 0 DESC LIMIT 20);
        IF cardinality(tracks) < 20 THEN
            tracks := tracks || ARRAY(
                SELECT id FROM track
                WHERE search_vector @@ rare_words
                  AND CASE WHEN search_vector @@ every_word THEN true ELSE false END
                ORDER BY popularity + 0 DESC LIMIT 20);
        END IF;
    END IF;

    IF cardinality(artists) + cardinality(tracks) < few AND length(key) > 2 THEN
        misspelt := search_complete_misspelt(key, required, ending, names, rests);
        artists := artists || misspelt.artists;
        tracks := tracks || misspelt.tracks;
    ELSE
        SELECT NULL::tsquery AS near_words, NULL::tsquery AS near_every_word INTO misspelt;
    END IF;

    -- What begins as typed comes first, unless something else is far more popular.
    RETURN QUERY
    WITH candidate AS (
        SELECT 'artist' AS kind, id, name, name AS text, popularity, search_vector, 0.1 AS preferred,
               name_key LIKE key || '%' OR EXISTS (
                   SELECT FROM unnest(alias_keys) AS k
                   WHERE k LIKE key || '%' OR k LIKE spelt || '%') AS begins,
               name_key = key AS is_whole, false AS is_by,
               search_beginning_edits(key, name_key) AS edits
        FROM artist WHERE id = ANY (artists)
        UNION ALL
        SELECT 'track', id, title, concat_ws(' – ', title, nullif(artist_credit, '')), popularity,
               search_vector, 0,
               title_key LIKE key || '%' OR full_title_key LIKE key || '%'
               OR NOT is_by AND (
                   credit_key || full_title_key LIKE key || '%'
                   OR main_credit_key || title_key LIKE key || '%'
                   OR full_title_key || credit_key LIKE key || '%'
                   OR title_key || credit_key LIKE key || '%'),
               title_key = key, is_by,
               least(search_beginning_edits(key, title_key),
                     search_beginning_edits(key, credit_key || title_key),
                     search_beginning_edits(key, main_credit_key || title_key),
                     search_beginning_edits(key, title_key || credit_key))
        FROM track, LATERAL (
            SELECT credit_key LIKE key || '%' OR main_credit_key LIKE key || '%' AS is_by) AS b
        WHERE id = ANY (tracks)
    ), graded AS (
        SELECT kind, id, text, popularity,
               casefold(text COLLATE pg_catalog.pg_unicode_fast) AS folded,
               least(1, ln(1 + popularity / 10) / ln(11)) + preferred
               + CASE WHEN begins AND is_whole THEN 0.1 ELSE 0 END
               + CASE WHEN spelt <> key AND starts_with(
                     casefold(name COLLATE pg_catalog.pg_unicode_fast),
                     casefold(btrim(typed) COLLATE pg_catalog.pg_unicode_fast))
                   THEN 0.1 ELSE 0 END
               - CASE WHEN begins AND (NOT whole OR search_vector @@ every_word) THEN 0
                      WHEN begins THEN 0.45
                      WHEN is_by THEN 0.45
                      WHEN search_vector @@ every_word THEN 0.35
                      WHEN search_is_near(edits, length(key)) THEN 0.3 + 1.2 * edits / length(key)
                      WHEN search_vector @@ misspelt.near_every_word THEN 0.5
                      WHEN search_vector @@ misspelt.near_words THEN 0.7 END AS grade
        FROM candidate
    ), once AS (
        SELECT DISTINCT ON (folded) *, grade + CASE WHEN accented IS NOT NULL AND NOT EXISTS (
                SELECT FROM unnest(accented) AS w WHERE position(w IN folded) = 0)
            THEN 0.03 ELSE 0 END AS accented_grade
        FROM graded WHERE grade IS NOT NULL
        ORDER BY folded, grade DESC, popularity DESC, id
    )
    SELECT kind, id, text FROM once ORDER BY accented_grade DESC, popularity DESC, id LIMIT most;
END
$$;
