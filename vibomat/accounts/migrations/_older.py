"""Frozen for this app's migrations: the older Vibomat's column types, and the conversion both ways.

While the migrations run, "user" holds the older columns and the present ones side by side. A
trigger derives one set from the other on every write, so that filling means touching each row,
and whoever writes meanwhile, through either set, is kept:

* `user_to_present` works until 0004 gives the present columns their names, `user_to_older` from
  then until 0006 drops the older ones. Migrating back passes the same states in reverse.
* "user".older_values holds, per column, an older text that its present value would not give back
  byte for byte. It returns as long as it still converts to the present value, that is, until the
  present value is edited.
* user_kept_aside holds, while the older schema is in use, what that schema has no place for. For
  what it does have a place for, the older application's later edits win.
"""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler


class OlderCharField(models.CharField):  # type: ignore[type-arg]
    """`varchar` spelled out, as Django adds a LIKE index to a unique column called `varchar`."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        length = "" if self.max_length is None else f"({self.max_length})"
        return f"character varying{length}"


class OlderJSONField(models.TextField):  # type: ignore[type-arg]
    """PostgreSQL's `json`, which keeps its text byte for byte; read and written as that text."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "json"

    def select_format(
        self, compiler: SQLCompiler, sql: str, params: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        return f"{sql}::text", params


CREATE_KEPT_ASIDE = """
CREATE TABLE IF NOT EXISTS user_kept_aside (
    user_id uuid PRIMARY KEY,
    is_superuser boolean,
    is_staff boolean,
    last_login timestamptz,
    date_joined timestamptz,
    email text,             -- of a user who shares it with another, case aside
    hashed_password text,   -- what went into the older schema in place of:
    password text,          -- the present password, where converting would not give it back
    groups text[],          -- names
    permissions text[]      -- app_label.model.codename
);
"""

CREATE_FUNCTIONS = r"""
CREATE OR REPLACE FUNCTION user_password_from_hash(hash text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN CASE
    WHEN hash ~ '^\$argon2' THEN 'argon2' || hash
    WHEN hash ~ '^\$2[aby]\$' THEN 'bcrypt$' || hash
    ELSE hash
END;

CREATE OR REPLACE FUNCTION user_hash_from_password(password text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN left(CASE
    WHEN password ~ '^argon2\$argon2' THEN substr(password, length('argon2') + 1)
    WHEN password ~ '^bcrypt\$\$2[aby]\$' THEN substr(password, length('bcrypt$') + 1)
    ELSE password
END, 1024);

-- In plpgsql, as planning a CASE may evaluate a cast that its condition was to prevent.
CREATE OR REPLACE FUNCTION user_jsonb_from_json(value json) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF value IS NULL OR NOT pg_input_is_valid(value::text, 'jsonb') THEN
        RETURN '[]';
    END IF;
    RETURN coalesce(nullif(value::text::jsonb, 'null'), '[]');
END
$$;

CREATE OR REPLACE FUNCTION user_json_from_jsonb(value jsonb, older_values jsonb, name text)
RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF older_values ? name AND user_jsonb_from_json((older_values ->> name)::json) = value THEN
        RETURN older_values ->> name;
    END IF;
    RETURN value::text;
END
$$;

CREATE OR REPLACE FUNCTION user_to_present() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kept user_kept_aside;
    older jsonb := '{}';
BEGIN
    NEW.password := user_password_from_hash(NEW.hashed_password);
    IF user_hash_from_password(NEW.password) <> NEW.hashed_password THEN
        older := older || jsonb_build_object('hashed_password', NEW.hashed_password);
    END IF;
    NEW.favorite_artists_jsonb := user_jsonb_from_json(NEW.favorite_artists);
    IF NEW.favorite_artists::text IS DISTINCT FROM NEW.favorite_artists_jsonb::text THEN
        older := older || jsonb_build_object('favorite_artists', NEW.favorite_artists::text);
    END IF;
    NEW.unskippable_albums_jsonb := user_jsonb_from_json(NEW.unskippable_albums);
    IF NEW.unskippable_albums::text IS DISTINCT FROM NEW.unskippable_albums_jsonb::text THEN
        older := older || jsonb_build_object('unskippable_albums', NEW.unskippable_albums::text);
    END IF;

    -- The older application let superusers, and nobody else, into its administration.
    NEW.is_staff := NEW.is_superuser;
    SELECT * INTO kept FROM user_kept_aside WHERE user_id = NEW.id;
    IF FOUND THEN
        NEW.last_login := kept.last_login;
        NEW.date_joined := kept.date_joined;
        IF kept.is_superuser = NEW.is_superuser THEN
            NEW.is_staff := coalesce(kept.is_staff, NEW.is_staff);
        END IF;
        IF kept.hashed_password = NEW.hashed_password THEN
            NEW.password := kept.password;
        END IF;
        IF kept.email = NEW.email THEN
            older := older || '{"duplicate": true}';
        END IF;
    END IF;
    NEW.older_values := nullif(older, '{}');
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION user_to_older() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    converts_back boolean;
BEGIN
    IF user_password_from_hash(NEW.older_values ->> 'hashed_password') = NEW.password THEN
        NEW.hashed_password := NEW.older_values ->> 'hashed_password';
    ELSE
        NEW.hashed_password := user_hash_from_password(NEW.password);
    END IF;
    NEW.favorite_artists_json :=
        user_json_from_jsonb(NEW.favorite_artists, NEW.older_values, 'favorite_artists');
    NEW.unskippable_albums_json :=
        user_json_from_jsonb(NEW.unskippable_albums, NEW.older_values, 'unskippable_albums');

    converts_back := user_password_from_hash(NEW.hashed_password) = NEW.password;
    INSERT INTO user_kept_aside AS kept (
        user_id, is_superuser, is_staff, last_login, date_joined, email, hashed_password, password
    )
    VALUES (
        NEW.id, NEW.is_superuser, NEW.is_staff, NEW.last_login, NEW.date_joined,
        CASE WHEN NEW.older_values ? 'duplicate' THEN NEW.email END,
        CASE WHEN NOT converts_back THEN NEW.hashed_password END,
        CASE WHEN NOT converts_back THEN NEW.password END
    )
    ON CONFLICT (user_id) DO UPDATE SET
        is_superuser = excluded.is_superuser,
        is_staff = excluded.is_staff,
        last_login = excluded.last_login,
        date_joined = excluded.date_joined,
        email = excluded.email,
        hashed_password = excluded.hashed_password,
        password = excluded.password;
    RETURN NEW;
END
$$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION IF EXISTS user_to_present();
DROP FUNCTION IF EXISTS user_to_older();
DROP FUNCTION IF EXISTS user_json_from_jsonb(jsonb, jsonb, text);
DROP FUNCTION IF EXISTS user_jsonb_from_json(json);
DROP FUNCTION IF EXISTS user_hash_from_password(text);
DROP FUNCTION IF EXISTS user_password_from_hash(text);
"""
