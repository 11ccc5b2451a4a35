-- Whether an archive's id tells when it was created. The bound is that of the random ids' partition.
CREATE OR REPLACE FUNCTION archive_carries_time(created timestamptz, id uuid) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(uuid_extract_version(id) = 7 AND id < '04000000-0000-0000-0000-000000000000'
    AND uuid_extract_timestamp(id) = created, false);

-- What a text is found by, whatever its case, accents, spaces and punctuation. Null for text without
-- a letter, digit or sign. Not strict: a strict function of this kind is not inlined.
CREATE OR REPLACE FUNCTION archive_key(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(search_key(search_normalise(value)), '');

CREATE OR REPLACE FUNCTION archive_hash(value text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN hashtextextended(archive_key(value), 0);

-- Words stand for keys in a tsvector, each seven characters: an eighth would make an entry of the
-- index a third larger. Here the code of what it is the key of, and 42 bits of its hash.
CREATE OR REPLACE FUNCTION archive_word(code text, hash bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN code || chr(greatest(1, (hash & 127)::int)) || chr(greatest(1, (hash >> 7 & 127)::int))
    || chr(greatest(1, (hash >> 14 & 127)::int)) || chr(greatest(1, (hash >> 21 & 127)::int))
    || chr(greatest(1, (hash >> 28 & 127)::int)) || chr(greatest(1, (hash >> 35 & 127)::int));

-- The word of a track: five characters of its title's hash, so that all of a title begin alike, and
-- two of its artist's. The first is none of the codes, which are p to ~.
CREATE OR REPLACE FUNCTION archive_track_word(title bigint, artist bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN chr(1 + (title & 2147483647)::int % 111) || chr(greatest(1, (title >> 31 & 127)::int))
    || chr(greatest(1, (title >> 38 & 127)::int)) || chr(greatest(1, (title >> 45 & 127)::int))
    || chr(greatest(1, (title >> 52 & 127)::int)) || chr(greatest(1, (artist & 127)::int))
    || chr(greatest(1, (artist >> 7 & 127)::int));

CREATE OR REPLACE FUNCTION archive_quoted(word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '''' || replace(replace(word, '\', '\\'), '''', '''''') || '''';

-- What matches the words of a text; null for one without a key.
CREATE OR REPLACE FUNCTION archive_word_query(code text, value text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN archive_quoted(archive_word(code, archive_hash(value)))::tsquery;

-- What matches a title's tracks, or those by an artist.
CREATE OR REPLACE FUNCTION archive_track_query(title text, artist text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN artist IS NULL THEN
        archive_quoted(left(archive_track_word(archive_hash(title), 0), 5)) || ':*'
    ELSE archive_quoted(archive_track_word(archive_hash(title), archive_hash(artist)))
END::tsquery;

-- In PL/pgSQL, as it would be inlined else and lose its cost: it reads the whole content.
CREATE OR REPLACE FUNCTION archive_without_tracks(content jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 10000 AS $$
BEGIN
    RETURN content - 'tracks';
END
$$;
