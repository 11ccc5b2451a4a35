-- Completion while someone types: names that begin so, misspellings allowed, in one statement.
--
-- Only what is narrow is looked up by its beginning: the vocabulary tells how many names begin so.
-- Where many do, the most popular are read in the order of popularity until there are enough.

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

-- The beginnings within one edit of a typed one that lexemes have; the first letter stays. The
-- letters to be put in or exchanged are those that follow in some lexeme, beginning by one step in the
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
            FROM generate_series(1, size - 1) AS i, LATERAL (SELECT sign || left(typed, i)) AS s(shared)
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
        SELECT DISTINCT substr(v, length(sign) + 1) FROM variant
        WHERE v <> sign || typed AND EXISTS (
            SELECT FROM search_lexeme
            WHERE word >= v COLLATE "C" AND word < (v || chr(1114111)) COLLATE "C"));
END
$$;

-- How many rows have a word that begins so, counted up to `most` and at least that with 200 words.
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
CREATE OR REPLACE FUNCTION search_longer_beginnings(beginning text) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE SET plan_cache_mode = force_generic_plan AS $$
    WITH RECURSIVE longer(found) AS (
        SELECT (SELECT left(word, length(beginning) + 1) FROM search_lexeme
                WHERE word >= beginning COLLATE "C" ORDER BY word LIMIT 1)
        UNION ALL
        SELECT (SELECT left(word, length(beginning) + 1) FROM search_lexeme
                WHERE word > (found || CASE WHEN length(found) > length(beginning)
                                            THEN chr(1114111) ELSE '' END) COLLATE "C"
                ORDER BY word LIMIT 1)
        FROM longer WHERE starts_with(found, beginning)
    )
    SELECT found FROM longer WHERE starts_with(found, beginning) LIMIT 100
$$;

-- Edits between a typed beginning and a name's, by as many characters as were typed: a letter left
-- out or added in between counts twice. More than 4 are 5.
CREATE OR REPLACE FUNCTION search_beginning_edits(typed text, name text) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT levenshtein_less_equal(typed, left(name, length(typed)), 4)
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
    common CONSTANT int := 4000;
    words CONSTANT text[] := (string_to_array(search_normalise(typed), ' '))[1:16];
    size CONSTANT int := cardinality(words);
    whole CONSTANT boolean := typed ~ '\s$';
    key CONSTANT text := left(search_key(array_to_string(words, ' ')), 60);
    spelt CONSTANT text := left(array_to_string(words, ''), 60);
    head CONSTANT text := left(key, 14);
    required text[] := ARRAY(SELECT left(w, 60) FROM unnest(words) AS w
                             WHERE w NOT IN ('the', 'and', 'n', 'feat', 'ft', 'featuring'));
    last text;
    ending tsquery;
    every_word tsquery;
    rare_words tsquery;
    near_words tsquery;
    groups text[];
    counts int[];
    lefts text[];
    rests text[];
    near text[];
    artists uuid[] := '{}';
    tracks uuid[] := '{}';
BEGIN
    IF coalesce(key, '') = '' THEN
        RETURN;
    END IF;
    IF cardinality(required) = 0 THEN
        required := ARRAY[spelt];
    END IF;

    -- Names that begin so.
    IF search_beginning_size('@' || key, narrow) < narrow THEN
        artists := ARRAY(SELECT id FROM artist WHERE search_vector @@ format('%L:*', '@' || key)::tsquery
                         ORDER BY popularity + 0 DESC LIMIT 30);
    ELSIF length(key) = 1 THEN
        artists := ARRAY(
            SELECT id FROM search_longer_beginnings('@' || key) AS longer(beginning),
            LATERAL (SELECT id, popularity FROM artist WHERE left(name_key, 2) = substr(beginning, 2)
                     ORDER BY popularity DESC LIMIT 10) AS a
            ORDER BY popularity DESC LIMIT 30);
    ELSE
        artists := ARRAY(
            SELECT id FROM (SELECT id, name_key FROM artist WHERE left(name_key, 2) = left(key, 2)
                            ORDER BY popularity DESC LIMIT depth) AS a
            WHERE name_key LIKE key || '%' LIMIT 30);
    END IF;
    IF spelt <> key OR key = 'the' THEN
        IF search_beginning_size('@' || spelt, narrow) < narrow THEN
            artists := artists || ARRAY(
                SELECT id FROM artist WHERE search_vector @@ format('%L:*', '@' || spelt)::tsquery
                ORDER BY popularity + 0 DESC LIMIT 30);
        ELSE
            artists := artists || ARRAY(
                SELECT id FROM (SELECT id, alias_keys FROM artist
                                ORDER BY popularity DESC LIMIT depth) AS a
                WHERE alias_keys[1] LIKE spelt || '%' LIMIT 30);
        END IF;
    END IF;
    IF search_beginning_size('=' || key, narrow) < narrow THEN
        tracks := ARRAY(SELECT id FROM track WHERE search_vector @@ format('%L:*', '=' || key)::tsquery
                        ORDER BY popularity + 0 DESC LIMIT 30);
    ELSIF length(key) = 1 THEN
        tracks := ARRAY(
            SELECT id FROM search_longer_beginnings('=' || key) AS longer(beginning),
            LATERAL (SELECT id, popularity FROM track WHERE left(title_key, 2) = substr(beginning, 2)
                     ORDER BY popularity DESC LIMIT 10) AS t
            ORDER BY popularity DESC LIMIT 30);
    ELSE
        tracks := ARRAY(
            SELECT id FROM (SELECT id, title_key FROM track WHERE left(title_key, 2) = left(key, 2)
                            ORDER BY popularity DESC LIMIT depth) AS t
            WHERE title_key LIKE key || '%' LIMIT 30);
    END IF;

    -- A whole artist's name and the beginning of a title, or the other way round; all of an
    -- artist's tracks.
    SELECT array_agg(sign || left(search_key(array_to_string(words[:i], ' ')), 60)),
           array_agg(coalesce(search_key(array_to_string(words[i + 1:], ' ')), ''))
    INTO lefts, rests
    FROM generate_series(1, size) AS i, unnest(ARRAY['@', '=']) AS sign
    WHERE sign = '@' OR i < size;
    tracks := tracks || ARRAY(
        SELECT t.id FROM unnest(lefts, rests) AS typed_name(name, rest)
        JOIN search_lexeme l ON l.word = name AND l.ndoc <= common,
        LATERAL (
            SELECT id FROM track
            WHERE search_vector @@ format('%L', name)::tsquery AND CASE WHEN
                CASE left(name, 1) WHEN '@'
                    THEN title_key LIKE rest || '%' OR full_title_key LIKE rest || '%'
                    ELSE credit_key LIKE rest || '%' OR main_credit_key LIKE rest || '%' END
                THEN true ELSE false END
            ORDER BY popularity + 0 DESC LIMIT 20) AS t);

    -- Every word somewhere, the last as a beginning. A frequent beginning is not looked up but
    -- filters what the other words find.
    last := required[cardinality(required)];
    ending := format(CASE WHEN whole THEN '%L:AB' ELSE '%L:*AB' END, last)::tsquery;
    every_word := concat_ws('&', (SELECT string_agg(format('%L:AB', w), '&')
                                  FROM unnest(trim_array(required, 1)) AS w), ending)::tsquery;
    SELECT string_agg(format('%L:AB', word), '&')::tsquery INTO rare_words
    FROM (SELECT word, ndoc FROM search_lexeme WHERE word = ANY (trim_array(required, 1))
          ORDER BY ndoc LIMIT 3) AS rarest
    HAVING min(ndoc) <= common;
    IF length(last) > 2 AND search_beginning_ndoc(last, common) < common THEN
        rare_words := concat_ws('&', rare_words, ending)::tsquery;
    END IF;
    IF rare_words IS NOT NULL THEN
        artists := artists || ARRAY(
            SELECT id FROM artist
            WHERE search_vector @@ rare_words
              AND CASE WHEN search_vector @@ every_word THEN true ELSE false END
            ORDER BY popularity + 0 DESC LIMIT 20);
        tracks := tracks || ARRAY(
            SELECT id FROM track
            WHERE search_vector @@ rare_words
              AND CASE WHEN search_vector @@ every_word THEN true ELSE false END
            ORDER BY popularity + 0 DESC LIMIT 30);
    END IF;

    IF cardinality(artists) + cardinality(tracks) < most AND length(key) > 2 THEN
        -- The beginning misspelt.
        near := search_near_beginnings('@', head) || CASE WHEN key <> head THEN head END;
        artists := artists || ARRAY(
            SELECT id FROM artist
            WHERE search_vector @@ (SELECT string_agg(format('%L:*', '@' || v), '|')
                                    FROM unnest(near) AS v)::tsquery
            ORDER BY popularity + 0 DESC LIMIT 30);
        near := search_near_beginnings('=', head) || CASE WHEN key <> head THEN head END;
        tracks := tracks || ARRAY(
            SELECT id FROM track
            WHERE search_vector @@ (SELECT string_agg(format('%L:*', '=' || v), '|')
                                    FROM unnest(near) AS v)::tsquery
            ORDER BY popularity + 0 DESC LIMIT 30);
        -- A whole name misspelt, and the beginning of another.
        tracks := tracks || ARRAY(
            WITH name AS MATERIALIZED (
                SELECT * FROM search_nearby(lefts, array_fill(1, ARRAY[cardinality(lefts)])))
            SELECT t.id
            FROM name,
            LATERAL (SELECT rests[name.n] AS rest) AS r,
            LATERAL (
                SELECT id FROM track
                WHERE search_vector @@ format('%L', name.word)::tsquery AND CASE WHEN
                    CASE left(name.word, 1)
                        WHEN '@' THEN search_beginning_edits(rest, title_key)
                        ELSE search_beginning_edits(rest, credit_key) END <= least(3, length(rest) / 3)
                    THEN true ELSE false END
                ORDER BY popularity + 0 DESC LIMIT 10) AS t
            WHERE name.ndoc <= common AND length(name.word) > 3);
        -- Words misspelt, in any order, of several all but one; frequent ones stand for themselves.
        WITH known AS (
            SELECT word, ndoc FROM search_lexeme
            WHERE word = ANY (trim_array(required, 1)) AND ndoc > 1000
        ), near AS (
            SELECT n, word, ndoc,
                   row_number() OVER (PARTITION BY n ORDER BY distance, ndoc DESC) AS place
            FROM search_nearby(
                ARRAY(SELECT w FROM unnest(trim_array(required, 1)) AS w
                      WHERE w NOT IN (SELECT word FROM known)),
                array_fill(1, ARRAY[cardinality(required) - 1]))
        )
        SELECT array_agg(alternatives ORDER BY ndoc), array_agg(ndoc::int ORDER BY ndoc) INTO groups, counts
        FROM (SELECT '(' || string_agg(format('%L:AB', word), '|') || ')' AS alternatives,
                     sum(ndoc) AS ndoc
              FROM near WHERE place <= 12 GROUP BY n
              UNION ALL
              SELECT format('%L:AB', word), ndoc FROM known
              ORDER BY ndoc LIMIT 4) AS rarest;
        IF counts[1] <= common / 2 THEN
            rare_words := array_to_string(groups, '&')::tsquery;
            near_words := rare_words && ending;
        END IF;
        IF cardinality(groups) > 1 AND counts[2] <= common / 2 THEN
            rare_words := (SELECT string_agg(array_to_string(groups[:i - 1] || groups[i + 1:], '&'), '|')
                           FROM generate_series(1, cardinality(groups)) AS i)::tsquery;
            near_words := (rare_words && ending) || array_to_string(groups, '&')::tsquery;
        END IF;
        tracks := tracks || ARRAY(
            SELECT id FROM track
            WHERE search_vector @@ rare_words
              AND CASE WHEN search_vector @@ near_words THEN true ELSE false END
            ORDER BY popularity + 0 DESC LIMIT 30);
    END IF;

    RETURN QUERY
    WITH candidate AS (
        SELECT 'artist' AS kind, id, name, name AS text, popularity, 0.1 AS preferred,
               name_key LIKE key || '%' OR EXISTS (
                   SELECT FROM unnest(alias_keys) AS k WHERE k LIKE key || '%' OR k LIKE spelt || '%')
                   AS begins,
               name_key = key AS is_whole, false AS is_by,
               search_vector @@ every_word AS has_words,
               search_beginning_edits(key, name_key) AS edits, search_vector
        FROM artist WHERE id = ANY (artists)
        UNION ALL
        SELECT 'track', id, title, concat_ws(' – ', title, nullif(artist_credit, '')), popularity, 0,
               title_key LIKE key || '%' OR full_title_key LIKE key || '%'
               OR NOT is_by AND (
                   credit_key || full_title_key LIKE key || '%'
                   OR main_credit_key || title_key LIKE key || '%'
                   OR full_title_key || credit_key LIKE key || '%'
                   OR title_key || credit_key LIKE key || '%'),
               title_key = key, is_by,
               search_vector @@ every_word,
               least(search_beginning_edits(key, title_key),
                     search_beginning_edits(key, credit_key || title_key),
                     search_beginning_edits(key, main_credit_key || title_key),
                     search_beginning_edits(key, title_key || credit_key)),
               search_vector
        FROM track, LATERAL (
            SELECT credit_key LIKE key || '%' OR main_credit_key LIKE key || '%' AS is_by) AS b
        WHERE id = ANY (tracks)
    ), graded AS (
        SELECT kind, id, text, popularity,
               least(1, ln(1 + popularity / 10) / ln(11)) + preferred
               + CASE WHEN begins AND is_whole THEN 0.1 ELSE 0 END
               + CASE WHEN spelt <> key AND starts_with(casefold(name COLLATE pg_catalog.pg_unicode_fast), casefold(btrim(typed) COLLATE pg_catalog.pg_unicode_fast))
                      THEN 0.1 ELSE 0 END
               + CASE WHEN accented IS NOT NULL AND NOT EXISTS (
                     SELECT FROM unnest(accented) AS w WHERE position(w IN casefold(text COLLATE pg_catalog.pg_unicode_fast)) = 0)
                   THEN 0.03 ELSE 0 END
               - CASE WHEN begins THEN 0
                      WHEN is_by THEN 0.45
                      WHEN has_words THEN 0.35
                      WHEN edits <= least(4, length(key) / 4 + 1) THEN 0.4 + 0.4 * edits / length(key)
                      WHEN search_vector @@ near_words THEN 0.55 END AS grade
        FROM candidate
    ), once AS (
        SELECT DISTINCT ON (casefold(text COLLATE pg_catalog.pg_unicode_fast)) * FROM graded
        WHERE grade IS NOT NULL ORDER BY casefold(text COLLATE pg_catalog.pg_unicode_fast), grade DESC, id
    )
    SELECT kind, id, text FROM once ORDER BY grade DESC, popularity DESC, id LIMIT most;
END
$$;
