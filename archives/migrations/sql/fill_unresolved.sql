-- What a row says of its content, whoever writes it. Which tracks of the catalogue it was matched to
-- is kept only by statements that set nothing else, which this trigger doesn't see; it is forgotten
-- when the tracks change, so that it is never that of other tracks.
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
            -- An application may write back what it read of other tracks.
            NEW.catalogue_tracks := OLD.catalogue_tracks;
            NEW.resolution := OLD.resolution;
            RETURN NEW;
        END IF;
    END IF;
    NEW.catalogue_tracks := NULL;
    NEW.resolution := NULL;
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
