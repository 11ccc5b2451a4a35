"""Statements of adopting. Words in braces are replaced by `filled`; `{here}` is the schema of this
application's tables.

The schema `adopting` is made anew by each run, and dropped at its end. While rows are converted it
stands first in the search path, as the functions of the migrations know tables by their names.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .kinds import Kind

TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('vibomat.adopting'), 0)"
UNLOCK = "SELECT pg_advisory_unlock(hashtext('vibomat.adopting'), 0)"
HERE = "SELECT current_schema(), to_regclass('adopted_row') IS NOT NULL"
SETTINGS = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'"
CONVERTING = "SET LOCAL search_path = adopting, {here}"
WRITING = "SET LOCAL search_path = {here}"
DROP = "DROP SCHEMA IF EXISTS adopting CASCADE"
TRUNCATE = "TRUNCATE {tables}"
ANALYZE = 'ANALYZE "user", artist, track, playlist, interaction, embedding'

COLUMNS_OF = """
SELECT attname, format_type(atttypid, atttypmod)
FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""

# `coming_user` has, in a dry run, users as they would have come or changed. Whoever asks for a user
# or playlist while rows are converted means those that are here.
CREATE = """
CREATE SCHEMA adopting;
CREATE UNLOGGED TABLE adopting.seen (kind text, id uuid, digest uuid, PRIMARY KEY (kind, id));
CREATE UNLOGGED TABLE adopting.fate (id uuid PRIMARY KEY, fate text NOT NULL);
CREATE UNLOGGED TABLE adopting.coming_user (
    id uuid PRIMARY KEY, email text, handle text, is_active boolean, is_verified boolean,
    older_values jsonb
);
CREATE INDEX ON adopting.coming_user (lower(email));
CREATE UNLOGGED TABLE adopting.named_user (id uuid PRIMARY KEY, email text, handle text);
CREATE VIEW adopting."user" AS
    SELECT id, email::text, handle::text, is_active, is_verified, older_values
    FROM {here}."user" AS u
    WHERE NOT EXISTS (SELECT FROM adopting.coming_user AS c WHERE c.id = u.id)
    UNION ALL SELECT * FROM adopting.coming_user;
CREATE VIEW adopting.playlist AS SELECT id FROM {here}.playlist;
"""


def filled(statement: str, **words: str) -> str:
    """The statement with its words; other braces, of JSON and arrays, stay."""
    for name, word in words.items():
        statement = statement.replace(f"{{{name}}}", word)
    return statement


def digest_of(kind: "Kind", columns: tuple[str, ...] | None = None) -> str:
    """The digest of an older row, wherever it is."""
    texts = ", ".join(f"{name}::text" for name in columns or kind.columns)
    return f"md5(ROW({texts})::text)::uuid"


def digest_here(kind: "Kind", row: str, schema: str) -> str:
    """The digest of what adopting writes of a row."""
    parts = [f"{row}.{name}" for name in kind.written]
    if kind.digested:
        parts.append(filled(kind.digested, row=row, schema=schema))
    return f"md5(ROW({', '.join(parts)})::text)::uuid"


SUM_OF_DIGESTS = """
SELECT count(*), coalesce(sum(('x' || substr(digest::text, 1, 8))::bit(32)::bigint
    + (('x' || substr(digest::text, 25, 8))::bit(32)::bigint << 24)), 0)
FROM ({digests}) AS digests
"""
SEEN = "SELECT digest FROM adopting.seen WHERE kind = '{kind}'"

COPY = "COPY adopting.{arriving} ({columns}, digest) FROM STDIN"
NOTE_SEEN = (
    "INSERT INTO adopting.seen SELECT '{kind}', id, digest FROM adopting.{arriving}"
    " ON CONFLICT DO NOTHING"
)
CHANGED_ON_THE_WAY = "SELECT id FROM adopting.{arriving} WHERE digest <> {digest} LIMIT 1"
DROP_AS_BEFORE = """
DELETE FROM adopting.{arriving} AS a USING {here}.adopted_row AS noted
WHERE noted.kind = '{kind}' AND noted.id = a.id AND noted.source_digest = a.digest
"""

# The rows that are there already, so that nobody edits them between here and the end.
LOCK = "SELECT FROM {here}.{table} WHERE id IN (SELECT id FROM adopting.{converted}) FOR UPDATE"
DECIDE = """
INSERT INTO adopting.fate
SELECT id, CASE
    WHEN digest IS NULL AND noted IS NULL THEN 'new'
    WHEN digest IS NULL THEN 'deleted'
    WHEN digest = coming THEN 'same'
    WHEN digest = noted THEN 'changed'
    WHEN noted IS NULL THEN 'taken'
    ELSE 'edited'
END
FROM (
    SELECT c.id, noted.digest AS noted, {coming} AS coming,
        CASE WHEN present.id IS NOT NULL THEN {present} END AS digest
    FROM adopting.{converted} AS c
    LEFT JOIN {here}.{table} AS present ON present.id = c.id
    LEFT JOIN {here}.adopted_row AS noted ON noted.kind = '{kind}' AND noted.id = c.id
) AS found
"""
FATES = "SELECT id, fate FROM adopting.fate ORDER BY id"
INSERT = """
INSERT INTO {here}.{table} (id, {columns})
SELECT id, {columns} FROM adopting.{converted} JOIN adopting.fate USING (id) WHERE fate = 'new'
"""
UPDATE = """
UPDATE {here}.{table} AS present SET {assignments}
FROM adopting.{converted} AS c JOIN adopting.fate USING (id)
WHERE present.id = c.id AND fate = 'changed'
"""
NOTE = """
INSERT INTO {here}.adopted_row (kind, id, source_digest, digest)
SELECT '{kind}', present.id, a.digest, {present}
FROM {here}.{table} AS present JOIN adopting.{arriving} AS a USING (id)
JOIN adopting.fate USING (id)
WHERE fate IN ('new', 'changed', 'same')
ON CONFLICT (kind, id) DO UPDATE
SET source_digest = excluded.source_digest, digest = excluded.digest
"""

GONE = """
SELECT noted.id FROM {here}.adopted_row AS noted JOIN {here}.{table} USING (id)
WHERE noted.kind = '{kind}'
    AND NOT EXISTS (SELECT FROM adopting.seen WHERE kind = noted.kind AND seen.id = noted.id)
ORDER BY 1
"""
# Of rows that are in the older database: what is here, as it came; was edited; was deleted.
VERIFY = """
SELECT count(*) FILTER (WHERE noted.digest = {present} AND noted.source_digest = seen.digest),
    count(*) FILTER (WHERE present.id IS NOT NULL AND noted.digest <> {present}),
    count(*) FILTER (WHERE present.id IS NULL AND noted.id IS NOT NULL),
    count(*) FILTER (WHERE noted.id IS NULL)
FROM adopting.seen
LEFT JOIN {here}.adopted_row AS noted ON noted.kind = seen.kind AND noted.id = seen.id
LEFT JOIN {here}.{table} AS present ON present.id = noted.id
WHERE seen.kind = '{kind}'
"""

# Users. One whose address or handle is another's keeps it among the older values, and gets it as
# soon as nobody has it: that may be at the end of the same run, if the other's row came later.
CREATE_USERS = """
{functions}
CREATE UNLOGGED TABLE arriving_user (
    id uuid PRIMARY KEY, email varchar, hashed_password varchar, is_active boolean,
    is_superuser boolean, is_verified boolean, handle varchar, first_name varchar,
    last_name varchar, is_public boolean, favorite_artists json, unskippable_albums json,
    digest uuid, password varchar, favorite_artists_jsonb jsonb, unskippable_albums_jsonb jsonb,
    is_staff boolean, last_login timestamptz, date_joined timestamptz, older_values jsonb
);
CREATE TRIGGER user_to_present BEFORE INSERT ON arriving_user
    FOR EACH ROW EXECUTE FUNCTION user_to_present();
CREATE UNLOGGED TABLE converted_user (LIKE {here}."user");
"""
UNFIT_USERS = """
DELETE FROM adopting.arriving_user
WHERE num_nulls(email, hashed_password, is_active, is_superuser, is_verified, is_public) > 0
    OR char_length(email) > 320 OR char_length(password) > 1100
RETURNING id, CASE
    WHEN char_length(email) > 320 THEN 'its e-mail address has more than 320 characters'
    WHEN char_length(password) > 1100 THEN 'its password''s hash has more than 1,100 characters'
    ELSE 'it lacks an e-mail address, a password or a flag'
END
"""
CONVERT_USERS = """
INSERT INTO adopting.converted_user (
    id, email, password, is_active, is_superuser, is_verified, handle, first_name, last_name,
    is_public, favorite_artists, unskippable_albums, is_staff, older_values
)
SELECT id, CASE WHEN email_taken THEN instead ELSE email END, password, is_active, is_superuser,
    is_verified, CASE WHEN NOT handle_taken THEN handle END, first_name, last_name, is_public,
    favorite_artists_jsonb, unskippable_albums_jsonb, is_staff,
    nullif(coalesce(older_values, '{}')
        || CASE WHEN email_taken THEN jsonb_build_object('email', email, 'email_instead', instead)
           ELSE '{}' END
        || CASE WHEN handle_taken THEN jsonb_build_object('handle', handle) ELSE '{}' END, '{}')
FROM (
    SELECT a.*, concat('duplicate-', id, '@email.invalid') AS instead,
        row_number() OVER (
            PARTITION BY lower(email) ORDER BY is_active DESC, is_verified DESC, id) > 1
        OR EXISTS (SELECT FROM adopting."user" AS u
                   WHERE lower(u.email) = lower(a.email) AND u.id <> a.id) AS email_taken,
        handle IS NOT NULL AND (
            row_number() OVER (PARTITION BY handle ORDER BY is_active DESC, is_verified DESC, id)
            > 1
            OR EXISTS (SELECT FROM adopting."user" AS u WHERE u.handle = a.handle AND u.id <> a.id)
        ) AS handle_taken
    FROM adopting.arriving_user AS a
) AS users
"""
NOTE_COMING_USERS = """
INSERT INTO adopting.coming_user
SELECT id, email, handle, is_active, is_verified, older_values
FROM adopting.converted_user JOIN adopting.fate USING (id)
WHERE fate IN ('new', 'changed')
"""
# Of those who want the same, one gets it. One who was edited here is left alone.
NAME_USERS = """
INSERT INTO adopting.named_user
SELECT id, CASE WHEN gets_email THEN email END, CASE WHEN gets_handle THEN handle END
FROM (
    SELECT id, email, handle,
        row_number() OVER (
            PARTITION BY lower(email) ORDER BY is_active DESC, is_verified DESC, id) = 1
        AND NOT EXISTS (SELECT FROM adopting."user" AS u WHERE lower(u.email) = lower(w.email))
            AS gets_email,
        row_number() OVER (PARTITION BY handle ORDER BY is_active DESC, is_verified DESC, id) = 1
        AND NOT EXISTS (SELECT FROM adopting."user" AS u WHERE u.handle = w.handle)
            AS gets_handle
    FROM (
        SELECT id, is_active, is_verified,
            CASE WHEN email = older_values ->> 'email_instead' THEN older_values ->> 'email' END
                AS email,
            CASE WHEN handle IS NULL THEN older_values ->> 'handle' END AS handle
        FROM adopting."user"
        WHERE older_values ?| '{email_instead,handle}'
    ) AS w
    WHERE id IN (SELECT id FROM adopting.coming_user)
        OR EXISTS (SELECT FROM {here}."user" AS present JOIN {here}.adopted_row AS noted USING (id)
                   WHERE present.id = w.id AND noted.kind = 'users' AND noted.digest = {present})
) AS wanting
WHERE email IS NOT NULL AND gets_email OR handle IS NOT NULL AND gets_handle
"""
LINKABLE_USERS = "SELECT id FROM adopting.named_user"
LINK_USERS = """
UPDATE {here}."user" AS u
SET email = coalesce(named.email, u.email), handle = coalesce(named.handle, u.handle),
    older_values = nullif(older_values
        - CASE WHEN named.email IS NOT NULL THEN '{email,email_instead}'::text[] ELSE '{}' END
        - CASE WHEN named.handle IS NOT NULL THEN 'handle' ELSE '' END, '{}')
FROM adopting.named_user AS named
WHERE u.id = named.id AND u.id = ANY (%s)
"""
NOTICES_OF_USERS = """
SELECT u.id, 'the e-mail address ' || (older_values ->> 'email') || ' is another user''s; now '
    || u.email
FROM adopting."user" AS u JOIN adopting.seen ON kind = 'users' AND seen.id = u.id
LEFT JOIN adopting.named_user AS named ON named.id = u.id
WHERE u.email = older_values ->> 'email_instead' AND named.email IS NULL
UNION ALL
SELECT u.id, 'the handle ' || (older_values ->> 'handle') || ' is another user''s; now without one'
FROM adopting."user" AS u JOIN adopting.seen ON kind = 'users' AND seen.id = u.id
LEFT JOIN adopting.named_user AS named ON named.id = u.id
WHERE u.handle IS NULL AND older_values ? 'handle' AND named.handle IS NULL
ORDER BY 1
"""

# Artists and tracks. Their conversion is a trigger on updates.
CREATE_ARTISTS = """
{functions}
CREATE UNLOGGED TABLE artist (
    id uuid PRIMARY KEY, name text, external_id text, older_genres text, digest uuid,
    genres text[] NOT NULL DEFAULT '{}', external_ids jsonb NOT NULL DEFAULT '{}'
);
CREATE TRIGGER search_convert BEFORE UPDATE ON artist
    FOR EACH ROW EXECUTE FUNCTION search_to_present('name', 'external_id', 'genres');
"""
UNFIT_ARTISTS = "DELETE FROM adopting.artist WHERE name IS NULL RETURNING id, 'it has no name'"
CONVERT_ARTISTS = "UPDATE adopting.artist SET id = id"
CREATE_TRACKS = """
CREATE UNLOGGED TABLE track (
    id uuid PRIMARY KEY, title text, artist_credit text, album text, external_id text, digest uuid,
    external_ids jsonb NOT NULL DEFAULT '{}'
);
CREATE TRIGGER search_convert BEFORE UPDATE ON track
    FOR EACH ROW EXECUTE FUNCTION
        search_to_present('title', 'artist_credit', 'album', 'external_id');
"""
UNFIT_TRACKS = "DELETE FROM adopting.track WHERE title IS NULL RETURNING id, 'it has no title'"
CONVERT_TRACKS = "UPDATE adopting.track SET id = id"
# As migrating keeps them: the table is there where it has a row.
KEEP_OLDER_TEXTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM adopting.search_kept_aside) THEN
        CREATE TABLE IF NOT EXISTS {here}.search_kept_aside (
            LIKE adopting.search_kept_aside INCLUDING ALL
        );
        INSERT INTO {here}.search_kept_aside
        SELECT kept.* FROM adopting.search_kept_aside AS kept JOIN adopting.fate USING (id)
        WHERE fate IN ('new', 'changed')
        ON CONFLICT (table_name, id) DO UPDATE
        SET older = excluded.older, present = excluded.present;
    END IF;
END
$$
"""
UNLINK_TRACKS = """
DELETE FROM {here}.search_trackartist AS link
USING {here}.track AS present, adopting.track AS c, adopting.fate
WHERE link.track_id = c.id AND present.id = c.id AND fate.id = c.id AND fate = 'changed'
    AND present.artist_credit <> c.artist_credit
"""
# By the whole credit or its first artist; of artists with the same name, the lowest id.
LINK_TRACKS = """
INSERT INTO {here}.search_trackartist (track_id, artist_id)
SELECT track.id, named.id
FROM {here}.track JOIN adopting.fate USING (id), LATERAL (
    SELECT artist.id
    FROM {here}.artist
    WHERE name_key IN (credit_key, main_credit_key) AND name_key <> ''
    ORDER BY name_key <> credit_key, artist.id
    LIMIT 1
) AS named
WHERE fate IN ('new', 'changed')
    AND NOT EXISTS (SELECT FROM {here}.search_trackartist AS link WHERE link.track_id = track.id)
ON CONFLICT DO NOTHING
"""

# Archives.
CREATE_ARCHIVES = """
{functions}
CREATE UNLOGGED TABLE arriving_playlist (
    id uuid PRIMARY KEY, user_id uuid, name varchar, description varchar, public boolean,
    status varchar, provider varchar, provider_id varchar, total_duration_ms integer,
    deleted_at timestamptz, last_synced_at timestamptz, content_json json, source_id uuid,
    digest uuid
);
CREATE UNLOGGED TABLE playlist_present (LIKE {here}.playlist INCLUDING DEFAULTS, PRIMARY KEY (id));
"""
CONVERT_ARCHIVES = """
SELECT archive_store_present(
    id, user_id, name, description, public, status, provider, provider_id, total_duration_ms,
    deleted_at, last_synced_at, content_json, source_id)
FROM adopting.arriving_playlist
"""
NOTICES_OF_ARCHIVES = """
SELECT id, 'JSONB can''t hold content_json as it is (' || (older_values #>> '{content,reason}')
    || '); its text is kept'
FROM adopting.playlist_present JOIN adopting.fate USING (id)
WHERE older_values #>> '{content,reason}' IS NOT NULL AND fate IN ('new', 'changed')
ORDER BY 1
"""
# Those whose owner or source came after them. An edited one is left alone.
LINKABLE_ARCHIVES = """
SELECT p.id
FROM {here}.playlist AS p JOIN {here}.adopted_row AS noted ON noted.kind = 'archives'
    AND noted.id = p.id AND noted.digest = {present}
WHERE EXISTS (SELECT FROM {here}.playlist AS s
              WHERE p.source_id IS NULL AND s.id = (p.older_values #>> '{source_id,older}')::uuid)
    OR EXISTS (SELECT FROM {here}."user" AS u
               WHERE p.user_id IS NULL AND u.id = (p.older_values #>> '{user_id,older}')::uuid)
"""
LINK_ARCHIVES = """
UPDATE {here}.playlist AS p
SET user_id = coalesce(p.user_id, u.id), source_id = coalesce(p.source_id, s.id),
    older_values = nullif(p.older_values
        - CASE WHEN u.id IS NOT NULL THEN 'user_id' ELSE '' END
        - CASE WHEN s.id IS NOT NULL THEN 'source_id' ELSE '' END, '{}')
FROM {here}.playlist AS linked
LEFT JOIN {here}."user" AS u ON u.id = (linked.older_values #>> '{user_id,older}')::uuid
LEFT JOIN {here}.playlist AS s ON s.id = (linked.older_values #>> '{source_id,older}')::uuid
WHERE p.id = linked.id AND linked.id = ANY (%s)
"""
# Those that nobody has edited since, locked.
STILL_AS_NOTED = """
SELECT p.id
FROM {here}.{table} AS p JOIN {here}.adopted_row AS noted ON noted.kind = '{kind}'
    AND noted.id = p.id AND noted.digest = {present}
WHERE p.id = ANY (%s)
FOR UPDATE OF p
"""
NOTE_LINKED = """
UPDATE {here}.adopted_row AS noted SET digest = {present}
FROM {here}.{table} AS present
WHERE noted.kind = '{kind}' AND noted.id = present.id AND present.id = ANY (%s)
"""

# Prompts. The older vectors belong to the model whose id is 1.
CREATE_PROMPTS = """
CREATE UNLOGGED TABLE ai_interaction_embedding (
    id uuid PRIMARY KEY, user_id uuid, prompt varchar, embedding vector(768), digest uuid
);
CREATE UNLOGGED TABLE interaction (
    id uuid PRIMARY KEY, user_id uuid, text text, created timestamptz, older_values jsonb
);
CREATE UNLOGGED TABLE embedding_model (LIKE {here}.embedding_model, PRIMARY KEY (id));
ALTER TABLE embedding_model ALTER distance SET DEFAULT 'cosine', ALTER created SET DEFAULT now();
CREATE UNLOGGED TABLE embedding (
    interaction_id uuid, model_id bigint, full_vector vector, created timestamptz,
    UNIQUE (interaction_id, model_id)
);
{functions}
"""
CONVERT_PROMPTS = """
SELECT interaction_store_present(older) FROM adopting.ai_interaction_embedding AS older
"""
OLDER_VECTOR = """(SELECT vector_send(full_vector) FROM {schema}.embedding
    WHERE interaction_id = {row}.id AND model_id = 1)"""
ADD_OLDER_MODEL = """
INSERT INTO {here}.embedding_model SELECT * FROM adopting.embedding_model ON CONFLICT DO NOTHING
"""
DROP_OLDER_VECTORS = """
DELETE FROM {here}.embedding AS e USING adopting.fate
WHERE e.model_id = 1 AND e.interaction_id = fate.id AND fate = 'changed'
    AND NOT EXISTS (SELECT FROM adopting.embedding AS c WHERE c.interaction_id = fate.id)
"""
ADD_OLDER_VECTORS = """
INSERT INTO {here}.embedding AS e (interaction_id, model_id, full_vector, created)
SELECT interaction_id, model_id, full_vector, created
FROM adopting.embedding JOIN adopting.fate ON fate.id = interaction_id
WHERE fate IN ('new', 'changed')
ON CONFLICT (interaction_id, model_id) DO UPDATE SET full_vector = excluded.full_vector
WHERE vector_send(e.full_vector) <> vector_send(excluded.full_vector)
"""
LINKABLE_PROMPTS = """
SELECT p.id
FROM {here}.interaction AS p JOIN {here}.adopted_row AS noted ON noted.kind = 'prompts'
    AND noted.id = p.id AND noted.digest = {present}
JOIN {here}."user" AS u ON p.user_id IS NULL AND u.id = (p.older_values ->> 'user_id')::uuid
"""
LINK_PROMPTS = """
UPDATE {here}.interaction AS p
SET user_id = (older_values ->> 'user_id')::uuid,
    older_values = nullif(older_values - 'user_id', '{}')
WHERE id = ANY (%s)
"""
