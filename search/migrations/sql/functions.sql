-- Text as the search sees it. `search_normalise` is the only place where spelling is folded: the
-- triggers use it for what is stored and `search_lookup` for what is typed.
--
-- PostgreSQL refuses `unaccent()` in an IMMUTABLE function unless it names its dictionary, and a
-- restored dump needs it qualified with the extension's schema, which an administrator may have
-- chosen: hence the DO block.
DO $create$
DECLARE
    extension_schema text;
BEGIN
    SELECT n.nspname INTO STRICT extension_schema
    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'unaccent';

    EXECUTE format($function$
CREATE OR REPLACE FUNCTION search_normalise(original text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
DECLARE
    folded text := left(original, 1000);
    words text;
BEGIN
    -- Most names are plain ASCII, for which all this is a lower case.
    IF folded ~ '^[A-Za-z0-9 ]*$' THEN
        folded := lower(folded COLLATE pg_catalog."C");
    ELSE
        folded := %1$I.unaccent(
            '%1$I.unaccent'::regdictionary,
            casefold(normalize(folded, NFKC) COLLATE pg_catalog.pg_unicode_fast));
    END IF;
    IF folded ~ '^[a-z0-9 ]*$' AND folded !~ '\m[a-z]( [a-z]\M){2}' THEN
        RETURN btrim(CASE WHEN position('  ' IN folded) = 0 THEN folded
                     ELSE regexp_replace(folded, ' {2,}', ' ', 'g') END);
    END IF;
    -- unaccent turns some signs into capitals (№ into No).
    folded := translate(lower(folded COLLATE pg_catalog.pg_unicode_fast), '''’‘`´ʼ′"“”„', '');
    -- Marks that are no letters of their own: accents left over, Hebrew points, Arabic vowels,
    -- Thai tones, viramas and nuktas, joiners, direction and variation marks.
    folded := regexp_replace(folded,
        '[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7'
        '\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u093c\u094d\u09bc\u09cd\u0a3c\u0a4d'
        '\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca\u0e3a\u0e47-\u0e4e\u1039\u103a\u17d2'
        '\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\u00ad]+', '', 'g');
    -- Initials are one word: T.N.T. is tnt.
    words := regexp_replace(folded, '\m([[:alpha:]])\.(?=[[:alpha:]](\.|\M))', '\1', 'g');
    -- Signs that stand for letters: P!nk, Ke$ha, A$AP.
    words := regexp_replace(words, '(?<=[[:alnum:]])!(?=[[:alnum:]])', 'i', 'g');
    words := regexp_replace(words, '(?<=[[:alpha:]])\$|\$(?=[[:alpha:]])', 's', 'g');
    words := regexp_replace(words, '&|(?<=\S\s+)\+(?=\s)', ' and ', 'g');
    words := btrim(regexp_replace(
        words COLLATE pg_catalog.pg_unicode_fast, '[^[:alnum:]]+', ' ', 'g'));
    -- Three letters on their own, or more, are initials too: N E S T A.
    IF words ~ '\m[[:alpha:]]( [[:alpha:]]\M){2}' THEN
        words := regexp_replace(words, '(?<=\m[[:alpha:]]) (?=[[:alpha:]]\M)', '', 'g');
    END IF;
    IF words = '' THEN
        -- A name made of signs only (!!!) is spelt by their code points, as one word.
        SELECT coalesce(string_agg('u' || to_hex(ascii(c)), '' ORDER BY n), '') INTO words
        FROM string_to_table(left(regexp_replace(folded, '[[:space:][:cntrl:]]', '', 'g'), 12), NULL)
             WITH ORDINALITY AS sign(c, n);
    END IF;
    RETURN words;
END
$body$;
$function$, extension_schema);
END
$create$;

-- A name's key: its normalised words without spaces and without those that people leave out.
CREATE OR REPLACE FUNCTION search_key(normalised text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT left(coalesce(
        nullif(replace(regexp_replace(
            normalised, '\m(the|and|n|feat|ft|featuring)\M', '', 'g'), ' ', ''), ''),
        replace(normalised, ' ', '')), 120)
$$;

-- A title without what editions add: (feat. X), [Live], - Remastered 2011.
CREATE OR REPLACE FUNCTION search_bare_title(title text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(nullif(regexp_replace(title,
        '(?<=\S)\s*([(\[].*'
        '| - .*(remaster|live|version|edit|mix|mono|stereo|acoustic|from|feat).*'
        '| (feat|ft|featuring)\.? .*)$', '', 'i'), ''), title)
$$;

-- The first artist of an artist credit.
CREATE OR REPLACE FUNCTION search_main_credit(credit text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(nullif(regexp_replace(credit,
        '\s*([,;/]| & | and | \+ | x | vs\.? | with | feat\.? | ft\.? | featuring ).*$', '', 'i'),
        ''), credit)
$$;

-- Symmetric deletes (Garbe's SymSpell): hashes of a word's beginning with no, one or two characters
-- left out. Two words within edit distance 2 share one. Keys carry a sign before them (@ artist,
-- = title), which takes part in the hash; a title's key has deletes of one character only. The
-- hashes of two deletes are salted, so that a search at distance 1 does not meet them.
CREATE OR REPLACE FUNCTION search_deletes(word text) RETURNS int4[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    sign text := CASE WHEN left(word, 1) IN ('@', '=') THEN left(word, 1) ELSE '' END;
    head text := substr(word, length(sign) + 1, CASE sign WHEN '=' THEN 10 ELSE 7 END);
    size int := length(head);
    shorter text;
    hashes int4[] := ARRAY[hashtext(sign || head)];
BEGIN
    IF size > 1 THEN
        FOR i IN 1..size LOOP
            shorter := left(head, i - 1) || substr(head, i + 1);
            hashes := hashes || hashtext(sign || shorter);
            IF size > 2 AND sign <> '=' THEN
                FOR j IN i..size - 1 LOOP
                    hashes := hashes
                        || hashtext('-' || sign || left(shorter, j - 1) || substr(shorter, j + 1));
                END LOOP;
            END IF;
        END LOOP;
    END IF;
    RETURN hashes;
END
$$;

-- The hashes by which words within `distance` (1 or 2) of `word` are found.
CREATE OR REPLACE FUNCTION search_probes(word text, distance int) RETURNS int4[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    sign text := CASE WHEN left(word, 1) IN ('@', '=') THEN left(word, 1) ELSE '' END;
    head text := substr(word, length(sign) + 1, CASE sign WHEN '=' THEN 10 ELSE 7 END);
    size int := length(head);
    salted boolean := distance > 1 AND sign <> '=';
    shorter text;
    shortest text;
    hashes int4[] := ARRAY[hashtext(sign || head)];
BEGIN
    IF salted THEN
        hashes := hashes || hashtext('-' || sign || head);
    END IF;
    IF size > 1 THEN
        FOR i IN 1..size LOOP
            shorter := left(head, i - 1) || substr(head, i + 1);
            hashes := hashes || hashtext(sign || shorter);
            IF salted THEN
                hashes := hashes || hashtext('-' || sign || shorter);
                FOR j IN i..size - 1 LOOP
                    shortest := left(shorter, j - 1) || substr(shorter, j + 1);
                    hashes := hashes || hashtext(sign || shortest)
                        || hashtext('-' || sign || shortest);
                END LOOP;
            END IF;
        END LOOP;
    END IF;
    RETURN hashes;
END
$$;
