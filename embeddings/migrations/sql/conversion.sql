-- An interaction's older columns, as far as they are not the present ones.
CREATE OR REPLACE FUNCTION interaction_older_prompt(text text, older_values jsonb)
RETURNS varchar(2048) LANGUAGE sql IMMUTABLE
RETURN CASE WHEN text = '' AND older_values ? 'prompt' THEN NULL ELSE left(text, 2048) END;

CREATE OR REPLACE FUNCTION interaction_older_user(user_id uuid, older_values jsonb)
RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN coalesce(user_id, (older_values ->> 'user_id')::uuid);

CREATE OR REPLACE FUNCTION interaction_older_values(prompt text, owner uuid, user_id uuid)
RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN nullif(
    CASE WHEN prompt IS NULL THEN '{"prompt": null}' ELSE '{}' END::jsonb
    || CASE WHEN owner IS DISTINCT FROM user_id THEN jsonb_build_object('user_id', owner)
       ELSE '{}' END, '{}');

-- Whether the rows of one schema are being made of the other's: then they need not be carried back.
CREATE OR REPLACE FUNCTION interaction_converting() RETURNS boolean LANGUAGE sql
RETURN coalesce(current_setting('embeddings.converting', true), '') = 'on';

CREATE OR REPLACE FUNCTION interaction_convert(state text) RETURNS void LANGUAGE sql
BEGIN ATOMIC SELECT set_config('embeddings.converting', state, true); END;

-- Make present rows of an older one; where there are some already, change what differs from what
-- they would be in the older schema.
CREATE OR REPLACE FUNCTION interaction_store_present(older ai_interaction_embedding)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    present interaction;
    whole text := coalesce(older.prompt, '');
    notes jsonb;
    owner uuid := (SELECT u.id FROM "user" AS u WHERE u.id = older.user_id);
    dated timestamptz := uuid_extract_timestamp(older.id);
BEGIN
    PERFORM interaction_convert('on');
    notes := interaction_older_values(older.prompt, older.user_id, owner);
    SELECT * INTO present FROM interaction AS i WHERE i.id = older.id FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO interaction (id, user_id, text, created, older_values)
        VALUES (
            older.id, owner, whole,
            CASE WHEN dated BETWEEN '2000-01-01' AND now() THEN dated ELSE now() END, notes
        );
    ELSE
        IF interaction_older_prompt(present.text, present.older_values)
            IS NOT DISTINCT FROM older.prompt
        THEN
            whole := present.text;
        END IF;
        IF (present.user_id, present.text, present.older_values)
            IS DISTINCT FROM (owner, whole, notes)
        THEN
            UPDATE interaction AS i
            SET user_id = owner, text = whole, older_values = notes
            WHERE i.id = older.id;
        END IF;
    END IF;

    IF older.embedding IS NULL THEN
        DELETE FROM embedding WHERE interaction_id = older.id AND model_id = 1;
    ELSIF NOT EXISTS (SELECT FROM embedding_model WHERE id = 1) THEN
        INSERT INTO embedding_model (id, name, dimensions, precision, state)
        VALUES (1, 'older-vibomat', 768, 'full', 'retired')
        ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO embedding AS e (interaction_id, model_id, full_vector, created)
    SELECT older.id, 1, older.embedding, i.created
    FROM interaction AS i
    WHERE i.id = older.id AND older.embedding IS NOT NULL
    ON CONFLICT (interaction_id, model_id) DO UPDATE SET full_vector = excluded.full_vector
    -- By its bits: 0 equals -0.
    WHERE vector_send(e.full_vector) <> vector_send(excluded.full_vector);
    PERFORM interaction_convert('off');
END
$$;

CREATE OR REPLACE FUNCTION interaction_store_older(present interaction) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM interaction_convert('on');
    INSERT INTO ai_interaction_embedding AS older (id, user_id, prompt, embedding)
    VALUES (
        present.id,
        interaction_older_user(present.user_id, present.older_values),
        interaction_older_prompt(present.text, present.older_values),
        (SELECT full_vector FROM embedding WHERE interaction_id = present.id AND model_id = 1)
    )
    ON CONFLICT (id) DO UPDATE SET
        user_id = excluded.user_id, prompt = excluded.prompt, embedding = excluded.embedding;
    PERFORM interaction_convert('off');
END
$$;

CREATE OR REPLACE FUNCTION interaction_to_present() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF interaction_converting() THEN
        RETURN NULL;
    END IF;
    PERFORM interaction_convert('on');
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM interaction;
    END IF;
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND OLD.id <> NEW.id THEN
        DELETE FROM interaction WHERE id = OLD.id;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        PERFORM interaction_store_present(NEW);
    END IF;
    PERFORM interaction_convert('off');
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION interaction_to_older() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF interaction_converting() THEN
        RETURN NULL;
    END IF;
    PERFORM interaction_convert('on');
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM ai_interaction_embedding;
    END IF;
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND OLD.id <> NEW.id THEN
        DELETE FROM ai_interaction_embedding WHERE id = OLD.id;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        PERFORM interaction_store_older(NEW);
    END IF;
    PERFORM interaction_convert('off');
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION embedding_to_older() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF interaction_converting() THEN
        RETURN NULL;
    END IF;
    PERFORM interaction_convert('on');
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE ai_interaction_embedding SET embedding = NULL WHERE embedding IS NOT NULL;
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') AND OLD.model_id = 1 THEN
        UPDATE ai_interaction_embedding SET embedding = NULL WHERE id = OLD.interaction_id;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') AND NEW.model_id = 1 THEN
        UPDATE ai_interaction_embedding SET embedding = NEW.full_vector
        WHERE id = NEW.interaction_id;
    END IF;
    PERFORM interaction_convert('off');
    RETURN NULL;
END
$$;

-- What follows the present tables keeps to no more than they do.
CREATE OR REPLACE FUNCTION interaction_drop_constraints() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    older regclass := 'ai_interaction_embedding';
    statement text;
BEGIN
    FOR statement IN
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', older, conname)
        FROM pg_constraint
        WHERE conrelid = older AND contype IN ('c', 'f', 'n', 'u', 'x')
            AND NOT (contype = 'n' AND conkey <@ (
                SELECT conkey FROM pg_constraint WHERE conrelid = older AND contype = 'p'))
        UNION ALL
        SELECT format('DROP INDEX %s', indexrelid::regclass)
        FROM pg_index
        WHERE indrelid = older AND indisunique AND NOT indisprimary
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
