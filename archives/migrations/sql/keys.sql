-- What a text is found by, whatever its case, accents and punctuation. Null for text without any
-- letter, digit or sign.
CREATE OR REPLACE FUNCTION archive_key(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN nullif(search_key(search_normalise(value)), '');

-- The keys of the strings at a path of the content; with members, of the objects there: the keys of
-- these members joined, of objects that have them all.
CREATE OR REPLACE FUNCTION archive_keys(content jsonb, at jsonpath, VARIADIC members text[] DEFAULT '{}')
RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000
RETURN ARRAY(
    SELECT DISTINCT found.key
    FROM jsonb_path_query(content, at, silent => true) AS item,
        LATERAL (
            SELECT CASE
                WHEN members = '{}' THEN
                    CASE WHEN jsonb_typeof(item) = 'string' THEN archive_key(item #>> '{}') END
                ELSE (
                    SELECT CASE WHEN count(archive_key(item ->> member)) = cardinality(members)
                           THEN string_agg(archive_key(item ->> member), ' ' ORDER BY place) END
                    FROM unnest(members) WITH ORDINALITY AS m (member, place)
                )
            END AS key
        ) AS found
    WHERE found.key IS NOT NULL
);
