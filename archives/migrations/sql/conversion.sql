CREATE TABLE IF NOT EXISTS archive_kept_aside (
    id uuid PRIMARY KEY,
    older jsonb NOT NULL,   -- the columns as the older schema got them, with the content's md5
    present jsonb NOT NULL  -- the same columns as they were, and those without an older one
);

-- A text that jsonb refuses, with U+FFFD for NUL and lone surrogates, and numbers without reasonable
-- size as strings. No control character stands in a JSON text's strings: \x01 and \x02 mark places.
CREATE OR REPLACE FUNCTION archive_repaired_json(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    value := replace(value, '\\', E'\x01');
    value := regexp_replace(value, '\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})',
                            E'\x02u\\1\x02u\\2', 'g');
    value := regexp_replace(value, '\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\\ufffd', 'g');
    value := replace(replace(value, E'\x02', '\'), E'\x01', '\\');
    value := regexp_replace(
        value,
        '("(?:[^"\\]|\\.)*")|(-?[0-9.]+[eE][-+]?[0-9]{4,}|-?[0-9.]*[0-9]{255}[0-9.]*(?:[eE][-+]?[0-9]+)?)',
        E'\\1\x02\\2\x02', 'g');
    RETURN replace(replace(value, E'\x02\x02', ''), E'\x02', '"');
END
$$;

-- The content of an older text. `reason` tells why jsonb can't hold the text or would change it, or
-- no program could read it back; `shape` what it was if no object.
CREATE OR REPLACE FUNCTION archive_content_from_json(
    value json, OUT content jsonb, OUT reason text, OUT shape text
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    written text := value::text;
    repaired text;
BEGIN
    content := '{}';
    IF value IS NULL THEN
        shape := 'null';
        RETURN;
    END IF;
    BEGIN
        IF NOT pg_input_is_valid(written, 'jsonb') THEN
            SELECT concat_ws(': ', message, detail) INTO reason
            FROM pg_input_error_info(written, 'jsonb');
            written := archive_repaired_json(written);
            IF NOT pg_input_is_valid(written, 'jsonb') THEN
                RETURN;
            END IF;
        ELSIF NOT written IS JSON WITH UNIQUE KEYS THEN
            reason := 'a key stands twice in one object';
        END IF;
        content := written::jsonb;
        -- Python reads no integer of more than 4,300 digits, and takes a fraction for infinite if
        -- it has more than 308 before its point.
        IF written ~ '[eE][+]?[0-9]{3}|[0-9]{255}'
            AND content::text ~ '(?:[0-9]{215}){20}|(?:[0-9]{103}){3}[0-9]*[.]'
        THEN
            repaired := archive_repaired_json(written);
            IF repaired <> written THEN
                reason := concat_ws('; ', reason, 'a number has too many digits');
                content := repaired::jsonb;
            END IF;
        END IF;
        IF length(written) - length(translate(written, '[{', '')) > 500
            AND jsonb_path_exists(content, '$.**{500}')
        THEN
            reason := concat_ws('; ', reason, 'it is nested more than 500 levels deep');
            content := '{}';
            RETURN;
        END IF;
    EXCEPTION WHEN statement_too_complex OR program_limit_exceeded THEN
        reason := concat_ws('; ', reason, SQLERRM);
        content := '{}';
        RETURN;
    END;
    IF jsonb_typeof(content) = 'array'
        AND NOT jsonb_path_exists(content, 'strict $[*] ? (@.type() != "object")')
    THEN
        shape := 'tracks';
        content := jsonb_build_object('tracks', content);
    ELSIF jsonb_typeof(content) <> 'object' THEN
        shape := 'value';
        content := jsonb_build_object('metadata', jsonb_build_object('older_content', content));
    END IF;
END
$$;

-- The older text of a content, given what older_values notes of it.
CREATE OR REPLACE FUNCTION archive_json_from_content(content jsonb, note jsonb) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF note ? 'text' THEN
        IF (archive_content_from_json((note ->> 'text')::json)).content = content THEN
            RETURN note ->> 'text';
        END IF;
    ELSIF note ->> 'shape' = 'tracks' AND content - 'tracks' = '{}'
        AND jsonb_typeof(content -> 'tracks') = 'array'
    THEN
        RETURN (content -> 'tracks')::text;
    END IF;
    RETURN content::text;
END
$$;

-- Columns of both schemas, by their present names, as jsonb.
CREATE OR REPLACE FUNCTION archive_present_value(name text, older jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF name = 'visibility' THEN
        RETURN CASE WHEN older = 'true' THEN '"public"' ELSE '"private"' END;
    ELSIF name IN ('name', 'description', 'status', 'provider', 'provider_id') THEN
        RETURN coalesce(nullif(older, 'null'), '""');
    ELSIF name = 'total_duration_ms' AND older <> 'null' AND older::bigint < 0 THEN
        RETURN 'null';
    -- Times that Python can't tell.
    ELSIF name IN ('deleted_at', 'last_synced_at') AND older <> 'null' AND NOT
        (older #>> '{}')::timestamptz BETWEEN '0001-01-02 00:00+00' AND '9999-12-30 00:00+00'
    THEN
        RETURN 'null';
    END IF;
    RETURN older;
END
$$;

CREATE OR REPLACE FUNCTION archive_older_value(name text, present jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    CASE name
        WHEN 'visibility' THEN RETURN to_jsonb(present = '"public"');
        WHEN 'name' THEN RETURN to_jsonb(left(present #>> '{}', 255));
        WHEN 'description' THEN
            RETURN coalesce(to_jsonb(nullif(left(present #>> '{}', 1024), '')), 'null');
        WHEN 'status', 'provider' THEN
            RETURN coalesce(to_jsonb(nullif(left(present #>> '{}', 50), '')), 'null');
        WHEN 'provider_id' THEN
            RETURN coalesce(to_jsonb(nullif(left(present #>> '{}', 255), '')), 'null');
        WHEN 'total_duration_ms' THEN
            RETURN CASE WHEN present = 'null' THEN present
                   ELSE to_jsonb(least(present::bigint, 2147483647)) END;
        ELSE RETURN present;
    END CASE;
END
$$;

-- Stores an older row in the table of the present schema. The older table is called playlist.
CREATE OR REPLACE FUNCTION archive_store_present(
    stored_id uuid, user_id uuid, name text, description text, public boolean, status text,
    provider text, provider_id text, total_duration_ms integer, deleted_at timestamptz,
    last_synced_at timestamptz, content_json json, source_id uuid
) RETURNS void LANGUAGE plpgsql SET timezone = 'UTC' AS $$
#variable_conflict use_column
DECLARE
    older CONSTANT jsonb := jsonb_build_object(
        'user_id', user_id, 'name', name, 'description', description, 'visibility', public,
        'status', status, 'provider', provider, 'provider_id', provider_id,
        'total_duration_ms', total_duration_ms, 'deleted_at', deleted_at,
        'last_synced_at', last_synced_at, 'source_id', source_id);
    converted record;
    kept archive_kept_aside;
    edited boolean := false;
    present jsonb := '{}';
    notes jsonb := '{}';
    key text;
    value jsonb;
    known_time timestamptz;
BEGIN
    SELECT * INTO kept FROM archive_kept_aside AS k WHERE k.id = stored_id;
    IF FOUND THEN
        edited := kept.older <> older
            || jsonb_build_object('content_md5', md5(coalesce(content_json::text, '')));
    END IF;
    converted := archive_content_from_json(content_json);
    IF converted.reason IS NOT NULL OR converted.shape IN ('null', 'value') THEN
        notes := jsonb_build_object('content', jsonb_strip_nulls(
            jsonb_build_object('reason', converted.reason))
            || jsonb_build_object('text', content_json::text));
    ELSIF converted.shape = 'tracks' THEN
        notes := '{"content": {"shape": "tracks"}}';
    END IF;

    FOR key, value IN SELECT * FROM jsonb_each(older) LOOP
        IF kept.older -> key = value THEN
            present := present || jsonb_build_object(key, kept.present -> key);
        ELSE
            present := present || jsonb_build_object(key, archive_present_value(key, value));
        END IF;
    END LOOP;
    present := present || jsonb_build_object('total_duration_ms', coalesce(
        to_jsonb(archive_total_duration(converted.content -> 'tracks')),
        present -> 'total_duration_ms'));
    IF NOT EXISTS (SELECT FROM "user" AS u WHERE u.id = (present ->> 'user_id')::uuid) THEN
        present := present || '{"user_id": null}';
    END IF;
    IF NOT EXISTS (SELECT FROM playlist AS p WHERE p.id = (present ->> 'source_id')::uuid) THEN
        present := present || '{"source_id": null}';
    END IF;
    FOR key, value IN SELECT * FROM jsonb_each(older) LOOP
        IF archive_older_value(key, present -> key) <> value THEN
            notes := notes || jsonb_build_object(
                key, jsonb_build_object('older', value, 'present', present -> key));
        END IF;
    END LOOP;

    known_time := least((present ->> 'last_synced_at')::timestamptz,
                        (present ->> 'deleted_at')::timestamptz);
    INSERT INTO playlist_present AS p (
        id, user_id, name, description, visibility, status, provider, provider_id, source_id,
        created, updated, last_synced_at, deleted_at, content, revision, total_duration_ms,
        older_values
    )
    SELECT stored_id, r.user_id, r.name, r.description, r.visibility, r.status, r.provider,
        r.provider_id, r.source_id,
        coalesce((kept.present ->> 'created')::timestamptz, least(known_time, now())),
        CASE WHEN edited THEN now()
             ELSE coalesce((kept.present ->> 'updated')::timestamptz, least(known_time, now())) END,
        r.last_synced_at, r.deleted_at, converted.content,
        coalesce((kept.present ->> 'revision')::integer, 1) + edited::integer,
        r.total_duration_ms, nullif(notes, '{}')
    FROM jsonb_to_record(present) AS r (
        user_id uuid, name text, description text, visibility text, status text, provider text,
        provider_id text, source_id uuid, last_synced_at timestamptz, deleted_at timestamptz,
        total_duration_ms bigint)
    ON CONFLICT (id) DO UPDATE SET
        user_id = excluded.user_id, name = excluded.name, description = excluded.description,
        visibility = excluded.visibility, status = excluded.status, provider = excluded.provider,
        provider_id = excluded.provider_id, source_id = excluded.source_id,
        last_synced_at = excluded.last_synced_at, deleted_at = excluded.deleted_at,
        content = excluded.content, total_duration_ms = excluded.total_duration_ms,
        older_values = excluded.older_values;
END
$$;

-- Stores a present row in the table of the older schema, and aside what that can't hold.
CREATE OR REPLACE FUNCTION archive_store_older(
    stored_id uuid, user_id uuid, name text, description text, visibility text, status text,
    provider text, provider_id text, source_id uuid, created timestamptz, updated timestamptz,
    last_synced_at timestamptz, deleted_at timestamptz, content jsonb, revision integer,
    total_duration_ms bigint, older_values jsonb
) RETURNS void LANGUAGE plpgsql SET timezone = 'UTC' AS $$
#variable_conflict use_column
DECLARE
    present CONSTANT jsonb := jsonb_build_object(
        'user_id', user_id, 'name', name, 'description', description, 'visibility', visibility,
        'status', status, 'provider', provider, 'provider_id', provider_id,
        'total_duration_ms', total_duration_ms, 'deleted_at', deleted_at,
        'last_synced_at', last_synced_at, 'source_id', source_id);
    content_json CONSTANT json := archive_json_from_content(content, older_values -> 'content');
    older jsonb := '{}';
    key text;
    value jsonb;
BEGIN
    FOR key, value IN SELECT * FROM jsonb_each(present) LOOP
        IF older_values -> key -> 'present' = value THEN
            older := older || jsonb_build_object(key, older_values -> key -> 'older');
        ELSE
            older := older || jsonb_build_object(key, archive_older_value(key, value));
        END IF;
    END LOOP;
    INSERT INTO playlist_older AS p (
        id, user_id, name, description, public, status, provider, provider_id, total_duration_ms,
        deleted_at, last_synced_at, content_json, source_id
    )
    SELECT stored_id, r.user_id, r.name, r.description, r.visibility, r.status, r.provider,
        r.provider_id, r.total_duration_ms, r.deleted_at, r.last_synced_at, content_json,
        r.source_id
    FROM jsonb_to_record(older) AS r (
        user_id uuid, name text, description text, visibility boolean, status text,
        provider text, provider_id text, source_id uuid, last_synced_at timestamptz,
        deleted_at timestamptz, total_duration_ms integer)
    ON CONFLICT (id) DO UPDATE SET
        user_id = excluded.user_id, name = excluded.name, description = excluded.description,
        public = excluded.public, status = excluded.status, provider = excluded.provider,
        provider_id = excluded.provider_id, total_duration_ms = excluded.total_duration_ms,
        deleted_at = excluded.deleted_at, last_synced_at = excluded.last_synced_at,
        content_json = excluded.content_json, source_id = excluded.source_id;
    INSERT INTO archive_kept_aside AS k (id, older, present)
    VALUES (
        stored_id,
        older || jsonb_build_object('content_md5', md5(coalesce(content_json::text, ''))),
        present || jsonb_build_object(
            'created', created, 'updated', updated, 'revision', revision)
    )
    ON CONFLICT (id) DO UPDATE SET older = excluded.older, present = excluded.present;
END
$$;

CREATE OR REPLACE FUNCTION archive_to_present() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        TRUNCATE playlist_present, archive_kept_aside;
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN
        DELETE FROM playlist_present WHERE id = OLD.id;
        DELETE FROM archive_kept_aside WHERE id = OLD.id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM archive_store_present(
            NEW.id, NEW.user_id, NEW.name, NEW.description, NEW.public, NEW.status, NEW.provider,
            NEW.provider_id, NEW.total_duration_ms, NEW.deleted_at, NEW.last_synced_at,
            NEW.content_json, NEW.source_id);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION archive_to_older() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        TRUNCATE playlist_older, archive_kept_aside;
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN
        DELETE FROM playlist_older WHERE id = OLD.id;
        DELETE FROM archive_kept_aside WHERE id = OLD.id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM archive_store_older(
            NEW.id, NEW.user_id, NEW.name, NEW.description, NEW.visibility, NEW.status,
            NEW.provider, NEW.provider_id, NEW.source_id, NEW.created, NEW.updated,
            NEW.last_synced_at, NEW.deleted_at, NEW.content, NEW.revision, NEW.total_duration_ms,
            NEW.older_values);
    END IF;
    RETURN NULL;
END
$$;

-- Exchanges the tables' names. Foreign keys from elsewhere follow the name, the table's own end.
CREATE OR REPLACE FUNCTION archive_exchange(incoming regclass, put_away text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    foreign_key record;
    keys text[] := '{}';
    key text;
BEGIN
    EXECUTE format('LOCK TABLE playlist, %s IN ACCESS EXCLUSIVE MODE', incoming);
    FOR foreign_key IN
        SELECT conname, conrelid::regclass AS referrer, pg_get_constraintdef(oid) AS definition
        FROM pg_constraint
        WHERE contype = 'f' AND 'playlist'::regclass IN (conrelid, confrelid) AND conparentid = 0
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I',
                       foreign_key.referrer, foreign_key.conname);
        IF foreign_key.referrer <> 'playlist'::regclass THEN
            keys := keys || format(
                'ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID', foreign_key.referrer,
                foreign_key.conname, replace(foreign_key.definition, ' NOT VALID', ''));
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_constraint
               WHERE conrelid = 'playlist'::regclass AND conname = 'playlist_pkey') THEN
        EXECUTE format('ALTER TABLE playlist RENAME CONSTRAINT playlist_pkey TO %I',
                       put_away || '_pkey');
    END IF;
    EXECUTE format('ALTER TABLE playlist RENAME TO %I', put_away);
    EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO playlist_pkey',
                   incoming, (SELECT conname FROM pg_constraint
                              WHERE conrelid = incoming AND contype = 'p'));
    EXECUTE format('ALTER TABLE %s RENAME TO playlist', incoming);
    FOREACH key IN ARRAY keys LOOP
        EXECUTE key;
    END LOOP;
END
$$;

-- Validates the foreign keys of and to playlist that an exchange left unchecked.
CREATE OR REPLACE FUNCTION archive_validate_foreign_keys() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    foreign_key record;
BEGIN
    FOR foreign_key IN
        SELECT conname, conrelid::regclass AS referrer
        FROM pg_constraint
        WHERE contype = 'f' AND conparentid = 0 AND NOT convalidated
            AND 'playlist'::regclass IN (conrelid, confrelid)
    LOOP
        BEGIN
            EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I',
                           foreign_key.referrer, foreign_key.conname);
        EXCEPTION WHEN foreign_key_violation THEN
            RAISE WARNING '%', SQLERRM;
        END;
    END LOOP;
END
$$;

-- Leaves that table its primary key only.
CREATE OR REPLACE FUNCTION archive_drop_constraints(older regclass) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', older, conname)
        FROM pg_constraint
        WHERE conrelid = older AND contype IN ('c', 'n', 'u', 'x')
            AND NOT (contype = 'n' AND conkey <@ (
                SELECT conkey FROM pg_constraint WHERE conrelid = older AND contype = 'p'))
        UNION ALL
        SELECT format('DROP INDEX %s', indexrelid::regclass)
        FROM pg_index
        WHERE indrelid = older AND NOT indisprimary
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
