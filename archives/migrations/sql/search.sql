-- What a search for archives knows of one, as lexemes: the normalised words of its name, its
-- description and its artists; `~` before the name's words again; `=` before the name's key and `@`
-- before the artists' keys, as in search_lexeme. No positions: the index alone answers a query.
-- A tsvector has at most 1 MB, hence the limits.
CREATE OR REPLACE FUNCTION archive_search_vector(name text, description text, content jsonb)
RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    name_words text := search_normalise(name);
    artists text[] := ARRAY(
        SELECT DISTINCT search_normalise(artist) FROM (
            SELECT DISTINCT left(value #>> '{}', 200) AS artist
            FROM jsonb_path_query(
                content, 'lax $.tracks[*].artist ? (@.type() == "string")') AS value
            LIMIT 10000) AS raw);
    words text := left(concat_ws(
        ' ', name_words, search_normalise(description), array_to_string(artists, ' ')), 100000);
BEGIN
    RETURN array_to_tsvector(ARRAY(
        SELECT left(word, 60) FROM string_to_table(words, ' ') AS word WHERE word <> ''
        UNION
        SELECT '~' || left(word, 60) FROM string_to_table(name_words, ' ') AS word WHERE word <> ''
        UNION
        SELECT '=' || left(search_key(name_words), 60) WHERE name_words <> ''
        UNION
        SELECT '@' || left(search_key(artist), 60) FROM unnest(artists[1:1000]) AS artist
        WHERE artist <> ''));
END
$$;

CREATE OR REPLACE FUNCTION archive_fill_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.search_vector IS NOT NULL
        AND NEW.name = OLD.name AND NEW.description = OLD.description
        AND NEW.content -> 'tracks' IS NOT DISTINCT FROM OLD.content -> 'tracks'
    THEN
        NEW.search_vector := OLD.search_vector;
    ELSE
        NEW.search_vector := archive_search_vector(NEW.name, NEW.description, NEW.content);
    END IF;
    RETURN NEW;
END
$$;

-- Lexemes of new and changed archives become findable by misspellings of them. Nothing is unique
-- here and no row is ever changed, so that no writer waits for another: two that add a lexeme at
-- once both do. A public archive's is noted as such besides.
--
-- One in 500 occurrences is noted again, so that the number of a lexeme's rows tells whether many
-- archives have it.
CREATE OR REPLACE FUNCTION archive_note_lexemes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO archive_lexeme (word, is_public)
    SELECT word, is_public
    FROM (
        SELECT word, bool_or(visibility = 'public' AND deleted_at IS NULL) AS is_public
        FROM come, unnest(tsvector_to_array(come.search_vector)) AS word
        WHERE left(word, 1) <> '~'
        GROUP BY word) AS every
    WHERE NOT EXISTS (
        SELECT FROM archive_lexeme AS known
        WHERE known.word = every.word AND (known.is_public OR NOT every.is_public));
    IF TG_OP = 'INSERT' THEN
        INSERT INTO archive_lexeme (word, is_public)
        SELECT word, visibility = 'public' AND deleted_at IS NULL
        FROM come, unnest(tsvector_to_array(come.search_vector)) AS word
        WHERE random() < 0.002 AND left(word, 1) <> '~';
    END IF;
    RETURN NULL;
END
$$;

-- Lexemes within the given edit distance of each typed one, with its number in `typed` from 1, and
-- whether a public archive has, or had, it, and how often that is noted. With `only_public` no other
-- is told. The distances are search_nearby's: an exchange of neighbours is one edit.
CREATE OR REPLACE FUNCTION archive_nearby(typed text[], distances int[], only_public boolean)
RETURNS TABLE (n int, word text, edits int, is_public boolean, noted int)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT t.n::int, l.word, min(levenshtein_less_equal(t.word, l.word, 3)), bool_or(l.is_public),
        (count(*) FILTER (WHERE l.is_public))::int
    FROM unnest(typed, distances) WITH ORDINALITY AS t(word, distance, n)
    JOIN archive_lexeme AS l ON search_deletes(l.word) && search_probes(t.word, t.distance)
    WHERE (l.is_public OR NOT only_public)
      AND length(l.word) BETWEEN length(t.word) - 2 AND length(t.word) + 2
      AND (levenshtein_less_equal(t.word, l.word, 2) <= t.distance
           OR t.distance > 0 AND length(l.word) = length(t.word)
              AND levenshtein_less_equal(t.word, l.word, 1, 1, 2, t.distance + 1) = t.distance + 1
              AND translate(t.word, l.word, '') = '' AND translate(l.word, t.word, '') = '')
    GROUP BY t.n, l.word
$$;

-- A typed text's words, and the lexemes near them. Rows by `kind`:
--   key    the text's key
--   word   word `n` of the normalised text, from 1
--   near   a lexeme near unit `n`: the words, each two neighbours joined, `@key`, `=key`
--   split  two lexemes that make up word `n`
CREATE OR REPLACE FUNCTION archive_lookup(typed text, only_public boolean)
RETURNS TABLE (kind text, n int, word text, edits int, is_public boolean, noted int)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    normalised text := search_normalise(typed);
    words text[] := ARRAY(
        SELECT left(w, 60) FROM unnest((string_to_array(normalised, ' '))[1:16]) AS w
        WHERE w <> '');
    size int := cardinality(words);
    name_key text := left(search_key(normalised), 60);
    units text[];
BEGIN
    IF size = 0 THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT 'key', 0, name_key, 0, true, 0;
    RETURN QUERY SELECT 'word', i::int, w, 0, true, 0 FROM unnest(words) WITH ORDINALITY AS u(w, i);
    units := words || ARRAY(SELECT words[i] || words[i + 1] FROM generate_series(1, size - 1) AS i)
        || ARRAY['@' || name_key, '=' || name_key];
    RETURN QUERY SELECT 'near', near.* FROM archive_nearby(
        units,
        ARRAY(SELECT CASE WHEN length(u) < 3 THEN 0
                          WHEN u LIKE '@%' AND length(u) > 5 THEN 2 ELSE 1 END
              FROM unnest(units) WITH ORDINALITY AS t(u, i) ORDER BY i),
        only_public) AS near;
    RETURN QUERY
        SELECT 'split', u.i::int, left(u.w, cut) || ' ' || substr(u.w, cut + 1), 0, halves.public, 0
        FROM unnest(words) WITH ORDINALITY AS u(w, i), generate_series(2, length(u.w) - 2) AS cut,
        LATERAL (
            SELECT (SELECT bool_or(l.is_public) FROM archive_lexeme AS l
                    WHERE l.word = left(u.w, cut))
                   AND (SELECT bool_or(l.is_public) FROM archive_lexeme AS l
                        WHERE l.word = substr(u.w, cut + 1)) AS public
        ) AS halves
        WHERE halves.public OR halves.public IS NOT NULL AND NOT only_public;
END
$$;
