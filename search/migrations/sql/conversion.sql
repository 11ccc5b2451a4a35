-- Between the older schema's text and the present columns, while the migrations run.
--
-- search_kept_aside holds, per row, what the schema in use can't give back:
--   older    by present column, the older schema's text
--   present  the present value that this text stands for; while the older schema is in use also
--            the columns it has no place for
-- A text stands for its value as long as neither was edited. Deleted rows stay deleted.
CREATE TABLE IF NOT EXISTS search_kept_aside (
    table_name text,
    id uuid,
    older jsonb NOT NULL,
    present jsonb NOT NULL,
    PRIMARY KEY (table_name, id)
);

-- A track's links to its artists while the older schema is in use, with the credit they were made
-- for. Without an artist: the track was linked to none.
CREATE TABLE IF NOT EXISTS search_trackartist_kept_aside (
    track_id uuid NOT NULL,
    id bigint,
    artist_id uuid,
    position smallint,
    artist_credit text NOT NULL
);
CREATE INDEX IF NOT EXISTS search_trackartist_kept_aside_track_id
    ON search_trackartist_kept_aside (track_id);

-- The present value of an older text. Genres were a JSON list, or parted by a comma, semicolon or |.
CREATE OR REPLACE FUNCTION search_present_value(column_name text, older text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    genres text[];
BEGIN
    IF column_name IN ('artist_credit', 'album') THEN
        RETURN to_jsonb(coalesce(older, ''));
    ELSIF column_name <> 'genres' THEN
        RETURN coalesce(to_jsonb(older), 'null');
    END IF;
    IF older ~ '^\s*\[' AND pg_input_is_valid(older, 'jsonb') THEN
        genres := ARRAY(SELECT jsonb_array_elements_text(older::jsonb));
    ELSE
        genres := regexp_split_to_array(older, '[,;|]');
    END IF;
    RETURN to_jsonb(ARRAY(
        SELECT trimmed
        FROM unnest(genres) WITH ORDINALITY AS part(genre, place),
            regexp_replace(genre, '^\s+|\s+$', '', 'g') AS trimmed
        WHERE trimmed <> ''
        ORDER BY place
    ));
END
$$;

-- The older text of a present value: unknown is null, and a text is cut to what its column holds.
CREATE OR REPLACE FUNCTION search_older_text(column_name text, present jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF column_name IN ('artist_credit', 'album') THEN
        RETURN nullif(left(present #>> '{}', 255), '');
    ELSIF column_name <> 'genres' THEN
        RETURN left(present #>> '{}', 255);
    END IF;
    RETURN left(string_agg(genre, ', ' ORDER BY place), 1024)
        FROM jsonb_array_elements_text(present) WITH ORDINALITY AS part(genre, place);
END
$$;

-- Converts a row of the older schema the first time it is written. Its arguments are the columns
-- that both schemas have; all but genres were renamed in place.
CREATE OR REPLACE FUNCTION search_to_present() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    before jsonb := to_jsonb(OLD);
    after jsonb := to_jsonb(NEW);
    kept search_kept_aside;
    found_kept boolean;
    column_name text;
    older_text text;
    value jsonb;
    older jsonb := '{}';
    present jsonb := '{}';
    change jsonb;
BEGIN
    SELECT * INTO kept FROM search_kept_aside k WHERE k.table_name = TG_TABLE_NAME AND k.id = NEW.id;
    found_kept := FOUND;
    change := coalesce(kept.present, '{}') - TG_ARGV;
    FOREACH column_name IN ARRAY TG_ARGV LOOP
        older_text := CASE WHEN column_name = 'genres' THEN after ->> 'older_genres'
                      ELSE after ->> column_name END;
        IF kept.older ? column_name
            AND kept.older ->> column_name IS NOT DISTINCT FROM older_text
        THEN
            value := kept.present -> column_name;
        ELSE
            value := search_present_value(column_name, older_text);
        END IF;
        change := change || jsonb_build_object(column_name, value);
        IF search_older_text(column_name, value) IS DISTINCT FROM older_text THEN
            older := older || jsonb_build_object(column_name, older_text);
            present := present || jsonb_build_object(column_name, value);
        END IF;
    END LOOP;
    -- What the statement at hand writes is newer than all that.
    NEW := jsonb_populate_record(NEW, change - ARRAY(
        SELECT key FROM jsonb_each(after) AS field(key, written)
        WHERE written IS DISTINCT FROM before -> key));
    -- jsonb_populate_record makes the jsonb value null an SQL null.
    NEW.external_ids := coalesce(NEW.external_ids, 'null');
    IF older <> '{}' THEN
        INSERT INTO search_kept_aside VALUES (TG_TABLE_NAME, NEW.id, older, present)
        ON CONFLICT ON CONSTRAINT search_kept_aside_pkey
        DO UPDATE SET older = excluded.older, present = excluded.present;
    ELSIF found_kept THEN
        DELETE FROM search_kept_aside k WHERE k.table_name = TG_TABLE_NAME AND k.id = NEW.id;
    END IF;
    RETURN NEW;
END
$$;

-- On the way back: fills the older columns, which stand beside the present ones as older_…
CREATE OR REPLACE FUNCTION search_to_older() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    defaults CONSTANT jsonb := '{"genres": [], "popularity": 0, "external_ids": {},
        "is_sample": false, "sort_name": "", "aliases": [], "year": null, "duration_ms": null,
        "isrc": ""}';
    after jsonb := to_jsonb(NEW);
    kept search_kept_aside;
    found_kept boolean;
    column_name text;
    older_text text;
    value jsonb;
    older jsonb := '{}';
    present jsonb := '{}';
    change jsonb := '{}';
BEGIN
    SELECT * INTO kept FROM search_kept_aside k WHERE k.table_name = TG_TABLE_NAME AND k.id = NEW.id;
    found_kept := FOUND;
    FOREACH column_name IN ARRAY TG_ARGV LOOP
        value := after -> column_name;
        IF kept.older ? column_name AND kept.present -> column_name = value THEN
            older_text := kept.older ->> column_name;
        ELSE
            older_text := search_older_text(column_name, value);
        END IF;
        change := change || jsonb_build_object('older_' || column_name, older_text);
        IF search_older_text(column_name, value) IS DISTINCT FROM older_text
            OR search_present_value(column_name, older_text) <> value
        THEN
            older := older || jsonb_build_object(column_name, older_text);
            present := present || jsonb_build_object(column_name, value);
        END IF;
    END LOOP;
    NEW := jsonb_populate_record(NEW, change);
    present := present || coalesce((
        SELECT jsonb_object_agg(key, after -> key)
        FROM jsonb_each(defaults - TG_ARGV) AS field(key, default_value)
        WHERE after ? key AND after -> key <> default_value), '{}');
    IF present <> '{}' THEN
        INSERT INTO search_kept_aside VALUES (TG_TABLE_NAME, NEW.id, older, present)
        ON CONFLICT ON CONSTRAINT search_kept_aside_pkey
        DO UPDATE SET older = excluded.older, present = excluded.present;
    ELSIF found_kept THEN
        DELETE FROM search_kept_aside k WHERE k.table_name = TG_TABLE_NAME AND k.id = NEW.id;
    END IF;
    RETURN NEW;
END
$$;
