-- What a search reads is filled in before a row is stored, whoever writes it.
CREATE OR REPLACE FUNCTION search_fill_artist() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    names text[] := ARRAY[search_normalise(NEW.name)];
    alias_text text;
BEGIN
    NEW.name_key := search_key(names[1]);
    -- The name as people write it in one word, where that isn't the key: bombthebass.
    NEW.alias_keys := array_remove(
        ARRAY[left(replace(names[1], ' ', ''), 120)], NEW.name_key);
    FOREACH alias_text IN ARRAY coalesce(NEW.aliases, '{}') || coalesce(NEW.sort_name, '') LOOP
        alias_text := search_normalise(alias_text);
        IF alias_text <> '' AND search_key(alias_text) <> ALL (NEW.alias_keys || NEW.name_key) THEN
            names := names || alias_text;
            NEW.alias_keys := NEW.alias_keys || search_key(alias_text);
        END IF;
    END LOOP;
    NEW.search_vector := setweight(to_tsvector('vibomat', names[1]), 'A')
        || setweight(to_tsvector('vibomat', array_to_string(names, ' ')), 'B')
        || (SELECT coalesce(string_agg(format('''@%s'':1', left(key, 60)), ' '), '')::tsvector
            FROM unnest(NEW.alias_keys || NEW.name_key) key WHERE key <> '');
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION search_fill_track() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    title text := search_normalise(NEW.title);
    credit text := search_normalise(NEW.artist_credit);
    bare_title text := search_bare_title(NEW.title);
    main_credit text := search_main_credit(NEW.artist_credit);
    keys text := '';
BEGIN
    NEW.full_title_key := search_key(title);
    NEW.title_key := CASE WHEN bare_title = NEW.title THEN NEW.full_title_key
                     ELSE search_key(search_normalise(bare_title)) END;
    NEW.credit_key := search_key(credit);
    NEW.main_credit_key := CASE WHEN main_credit = NEW.artist_credit THEN NEW.credit_key
                           ELSE search_key(search_normalise(main_credit)) END;
    -- Put together without a query, which would cost more than all the rest. A key has letters and
    -- digits only, so quotes are all it needs.
    IF NEW.title_key <> '' THEN
        keys := '''=' || left(NEW.title_key, 60) || ''':1';
    END IF;
    IF NEW.credit_key <> '' THEN
        keys := keys || ' ''@' || left(NEW.credit_key, 60) || ''':1';
    END IF;
    IF NEW.main_credit_key NOT IN ('', NEW.credit_key) THEN
        keys := keys || ' ''@' || left(NEW.main_credit_key, 60) || ''':1';
    END IF;
    NEW.search_vector := setweight(to_tsvector('vibomat', title), 'A')
        || setweight(to_tsvector('vibomat', credit), 'B');
    IF NEW.album <> '' THEN
        NEW.search_vector := NEW.search_vector
            || setweight(to_tsvector('vibomat', search_normalise(NEW.album)), 'C');
    END IF;
    NEW.search_vector := NEW.search_vector || keys::tsvector;
    RETURN NEW;
END
$$;

-- The vocabulary follows each statement. A new lexeme is inserted with its document frequency; one
-- that exists is counted when its row is free. A row another transaction holds is not waited for:
-- the change is noted in search_lexemechange, and whoever comes next folds it in. So no writer of
-- a track waits for another because both titles have the word "love".
--
-- It is planned anew for each call, as the best plans for one word and for thousands differ.
CREATE OR REPLACE FUNCTION search_count_lexemes(words text[], changes int[]) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET enable_nestloop = on AS $$
DECLARE
    noted text[] := ARRAY(SELECT DISTINCT word FROM search_lexemechange LIMIT 1000);
    free text[];
BEGIN
    WITH fresh AS (
        INSERT INTO search_lexeme (word, ndoc)
        SELECT * FROM unnest(words, changes) AS changed(word, change)
        WHERE change > 0 AND NOT EXISTS (SELECT FROM search_lexeme l WHERE l.word = changed.word)
        ORDER BY word
        ON CONFLICT DO NOTHING
        RETURNING word
    )
    SELECT coalesce(array_agg(word), '{}'), coalesce(array_agg(change), '{}') INTO words, changes
    FROM unnest(words, changes) AS changed(word, change)
    WHERE NOT EXISTS (SELECT FROM fresh WHERE fresh.word = changed.word);

    free := ARRAY(
        SELECT l.word FROM search_lexeme l
        WHERE l.word IN (SELECT unnest(words) UNION SELECT unnest(noted))
        FOR NO KEY UPDATE SKIP LOCKED);

    WITH folded AS (
        DELETE FROM search_lexemechange c USING unnest(free) AS f(word)
        WHERE c.word = f.word AND c.word = ANY (noted)
        RETURNING c.word, c.change
    ), total AS (
        SELECT word, sum(change) AS change
        FROM (SELECT word, change FROM folded
              UNION ALL
              SELECT * FROM unnest(words, changes) AS changed(word, change)) AS every
        JOIN unnest(free) AS f(word) USING (word)
        GROUP BY word
    )
    UPDATE search_lexeme l SET ndoc = l.ndoc + total.change
    FROM total WHERE l.word = total.word AND total.change <> 0;

    INSERT INTO search_lexemechange (word, change)
    SELECT * FROM unnest(words, changes) AS changed(word, change)
    WHERE NOT EXISTS (SELECT FROM unnest(free) AS f(word) WHERE f.word = changed.word);
END
$$;

-- One trigger function serves both tables: each names its transition tables `gone` and `come`.
CREATE OR REPLACE FUNCTION search_follow_insert() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    words text[];
    changes int[];
BEGIN
    SELECT array_agg(word), array_agg(change) INTO words, changes FROM (
        SELECT lexeme AS word, count(*)::int AS change
        FROM come, unnest(tsvector_to_array(come.search_vector)) AS lexeme GROUP BY 1) AS counted;
    IF words IS NOT NULL THEN
        PERFORM search_count_lexemes(words, changes);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION search_follow_delete() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    words text[];
    changes int[];
BEGIN
    SELECT array_agg(word), array_agg(change) INTO words, changes FROM (
        SELECT lexeme AS word, -count(*)::int AS change
        FROM gone, unnest(tsvector_to_array(gone.search_vector)) AS lexeme GROUP BY 1) AS counted;
    IF words IS NOT NULL THEN
        PERFORM search_count_lexemes(words, changes);
    END IF;
    RETURN NULL;
END
$$;

-- A plan made for a statement's first row would be kept and join row by row, so for 10,000 rows look
-- at 100 million pairs.
CREATE OR REPLACE FUNCTION search_follow_update() RETURNS trigger
LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE
    words text[];
    changes int[];
BEGIN
    -- A change of popularity alone, as an import makes for most rows, changes no word.
    SELECT array_agg(word), array_agg(change) INTO words, changes FROM (
        SELECT word, sum(change)::int AS change FROM (
            SELECT unnest(tsvector_to_array(come.search_vector)) AS word, 1 AS change
            FROM come JOIN gone USING (id)
            WHERE come.search_vector IS DISTINCT FROM gone.search_vector
            UNION ALL
            SELECT unnest(tsvector_to_array(gone.search_vector)), -1
            FROM come JOIN gone USING (id)
            WHERE come.search_vector IS DISTINCT FROM gone.search_vector) AS every
        GROUP BY word HAVING sum(change) <> 0) AS counted;
    IF words IS NOT NULL THEN
        PERFORM search_count_lexemes(words, changes);
    END IF;
    RETURN NULL;
END
$$;

-- Counts everything again: after TRUNCATE, and for whoever wants to be sure.
CREATE OR REPLACE FUNCTION search_recount_lexemes() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE search_lexeme IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM search_lexemechange;
    CREATE TEMPORARY TABLE counted ON COMMIT DROP AS
        SELECT word, ndoc FROM ts_stat('SELECT search_vector FROM track UNION ALL '
                                       'SELECT search_vector FROM artist');
    DELETE FROM search_lexeme l WHERE NOT EXISTS (SELECT FROM counted c WHERE c.word = l.word);
    UPDATE search_lexeme l SET ndoc = c.ndoc
    FROM counted c WHERE c.word = l.word AND c.ndoc <> l.ndoc;
    INSERT INTO search_lexeme (word, ndoc)
    SELECT word, ndoc FROM counted c
    WHERE NOT EXISTS (SELECT FROM search_lexeme l WHERE l.word = c.word) ORDER BY word;
    DROP TABLE counted;
END
$$;

CREATE OR REPLACE FUNCTION search_follow_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM search_recount_lexemes();
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER search_fill BEFORE INSERT OR UPDATE
    OF name, sort_name, aliases, name_key, alias_keys, search_vector ON artist
    FOR EACH ROW EXECUTE FUNCTION search_fill_artist();
CREATE OR REPLACE TRIGGER search_fill BEFORE INSERT OR UPDATE
    OF title, artist_credit, album, title_key, full_title_key, credit_key, main_credit_key,
       search_vector ON track
    FOR EACH ROW EXECUTE FUNCTION search_fill_track();

CREATE OR REPLACE TRIGGER search_insert AFTER INSERT ON artist
    REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION search_follow_insert();
CREATE OR REPLACE TRIGGER search_insert AFTER INSERT ON track
    REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION search_follow_insert();
CREATE OR REPLACE TRIGGER search_update AFTER UPDATE ON artist
    REFERENCING OLD TABLE AS gone NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION search_follow_update();
CREATE OR REPLACE TRIGGER search_update AFTER UPDATE ON track
    REFERENCING OLD TABLE AS gone NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION search_follow_update();
CREATE OR REPLACE TRIGGER search_delete AFTER DELETE ON artist
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION search_follow_delete();
CREATE OR REPLACE TRIGGER search_delete AFTER DELETE ON track
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION search_follow_delete();
CREATE OR REPLACE TRIGGER search_truncate AFTER TRUNCATE ON artist
    FOR EACH STATEMENT EXECUTE FUNCTION search_follow_truncate();
CREATE OR REPLACE TRIGGER search_truncate AFTER TRUNCATE ON track
    FOR EACH STATEMENT EXECUTE FUNCTION search_follow_truncate();
