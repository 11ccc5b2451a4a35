-- The sum of the tracks' durations in ms, null where no track has one. What is no number, negative
-- or longer than 49 days is no duration.
CREATE OR REPLACE FUNCTION archive_total_duration(tracks jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT sum(CASE WHEN jsonb_typeof(duration) = 'number'
                    AND duration >= '0' AND duration < '4294967296'
               THEN trunc(duration::numeric)::bigint END)::bigint
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(tracks) = 'array' THEN tracks END) AS track,
        LATERAL (SELECT track -> 'duration_ms') AS found (duration)
);

-- What a row says of its content, whoever writes it.
CREATE OR REPLACE FUNCTION archive_fill() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tracks jsonb := NEW.content -> 'tracks';
    total bigint;
BEGIN
    -- An id of version 7 tells when its row was created, and so in which order rows are by both.
    -- The bound is that of the random ids' partition.
    IF uuid_extract_version(NEW.id) = 7 AND NEW.id < '04000000-0000-0000-0000-000000000000' THEN
        NEW.created := uuid_extract_timestamp(NEW.id);
    END IF;
    IF TG_OP = 'UPDATE' THEN
        NEW.revision := OLD.revision + 1;
        -- An application writes back the time that it read.
        IF NEW.updated IS NOT DISTINCT FROM OLD.updated THEN
            NEW.updated := clock_timestamp();
        END IF;
        IF tracks IS NOT DISTINCT FROM OLD.content -> 'tracks' THEN
            NEW.track_count := OLD.track_count;
            NEW.total_duration_ms := OLD.total_duration_ms;
            RETURN NEW;
        END IF;
    END IF;
    total := archive_total_duration(tracks);
    NEW.track_count :=
        CASE WHEN jsonb_typeof(tracks) = 'array' THEN jsonb_array_length(tracks) ELSE 0 END;
    -- The older schema has totals of playlists whose tracks have no durations.
    IF TG_OP = 'UPDATE' OR total IS NOT NULL THEN
        NEW.total_duration_ms := total;
    END IF;
    RETURN NEW;
END
$$;

CREATE TABLE playlist_present (
    id uuid DEFAULT uuidv7() CONSTRAINT playlist_present_pkey PRIMARY KEY,
    user_id uuid,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    visibility text NOT NULL DEFAULT 'private'
        CONSTRAINT archive_visibility_known CHECK (visibility IN ('private', 'unlisted', 'public')),
    status text NOT NULL DEFAULT 'draft',
    provider text NOT NULL DEFAULT '',
    provider_id text NOT NULL DEFAULT '',
    source_id uuid,
    created timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated timestamptz NOT NULL DEFAULT statement_timestamp(),
    last_synced_at timestamptz,
    deleted_at timestamptz,
    content jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT archive_content_object CHECK (jsonb_typeof(content) = 'object'),
    revision integer NOT NULL DEFAULT 1
        CONSTRAINT archive_revision_positive CHECK (revision >= 0),
    track_count integer NOT NULL DEFAULT 0
        CONSTRAINT archive_track_count_positive CHECK (track_count >= 0),
    total_duration_ms bigint
        CONSTRAINT archive_total_duration_positive CHECK (total_duration_ms >= 0),
    older_values jsonb
) PARTITION BY RANGE (id);
COMMENT ON COLUMN playlist_present.older_values IS
    'Older values that the present ones would not give back exactly; read by migrating back.';

CREATE INDEX archive_owner_newest ON playlist_present (user_id, created DESC, id DESC);
CREATE INDEX archive_public_newest ON playlist_present (created DESC, id DESC)
    WHERE deleted_at IS NULL AND visibility = 'public';
CREATE INDEX archive_derived_from ON playlist_present (source_id) WHERE source_id IS NOT NULL;

-- Random ids, all but one in 64, are greater than any of version 7 until the year 2109. Apart from
-- the default partition they leave that so small that a new period is attached in a moment.
CREATE TABLE playlist_random PARTITION OF playlist_present
    FOR VALUES FROM ('04000000-0000-0000-0000-000000000000') TO (MAXVALUE);
CREATE TABLE playlist_default PARTITION OF playlist_present DEFAULT;

-- The quarters from the first of which the table has an id, or from this one, to that of the third
-- month after this one.
DO $$
DECLARE
    this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    first_month timestamp;
    quarter timestamp;
    name text;
BEGIN
    SELECT min(uuid_extract_timestamp(id)) AT TIME ZONE 'UTC' INTO first_month
    FROM playlist
    WHERE uuid_extract_version(id) = 7
        AND uuid_extract_timestamp(id) BETWEEN '2025-01-01 00:00+00' AND now();
    FOR quarter IN
        SELECT generate_series(
            date_trunc('quarter', coalesce(first_month, this_month)),
            this_month + interval '3 months', '3 months')
    LOOP
        name := 'playlist_' || to_char(quarter, 'YYYY"_q"Q');
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF playlist_present FOR VALUES FROM (%L) TO (%L)', name,
            rpad(lpad(to_hex(extract(epoch FROM quarter)::bigint * 1000), 12, '0'), 32, '0')::uuid,
            rpad(lpad(to_hex(extract(epoch FROM quarter + interval '3 months')::bigint * 1000),
                      12, '0'), 32, '0')::uuid
        );
        EXECUTE format('COMMENT ON TABLE %I IS %L', name, 'A period of archives');
    END LOOP;
END
$$;

CREATE TRIGGER archive_fill BEFORE INSERT OR UPDATE ON playlist_present
    FOR EACH ROW EXECUTE FUNCTION archive_fill();
