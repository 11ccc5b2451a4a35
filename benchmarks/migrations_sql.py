"""Statements of the benchmark of migrations: what people do meanwhile, and how rows are compared.

The older application's tables have two forms, the older and the present one. A statement of the one
is refused where only the other is there.
"""

from dataclasses import dataclass

CREATE_BEFORE = "CREATE SCHEMA before"
KEEP_BEFORE = "CREATE TABLE before.{name} AS TABLE {table}"
KEY_BEFORE = "ALTER TABLE before.{name} ADD PRIMARY KEY (id)"
SOME_IDS = "SELECT id FROM {table} ORDER BY id LIMIT %s"
VACUUM = "VACUUM (ANALYZE)"
# What people wrote, into what is compared with.
DELETE_BEFORE = "DELETE FROM before.{name} WHERE id = ANY (%s)"
UPDATE_BEFORE = """
UPDATE before.{name} AS b SET {text} = w.text::{type}
FROM unnest(%s::uuid[], %s::text[]) AS w (id, text) WHERE b.id = w.id
"""


@dataclass(frozen=True)
class Form:
    """A table in one of its forms. `text` is the column that writers change, `insert` takes an id
    and a text, `compared` are what rows are compared by, in the order of the other form's."""

    table: str
    text: str
    insert: str
    compared: tuple[str, ...]
    source: str = ""

    @property
    def update(self) -> str:
        return f"UPDATE {self.table} SET {self.text} = %(text)s WHERE id = %(id)s"

    @property
    def delete(self) -> str:
        # The text is named, so that the statement is refused where it would be of the other form.
        return f"DELETE FROM {self.table} WHERE id = %(id)s AND {self.text} IS NOT NULL"

    @property
    def read(self) -> str:
        return f"SELECT id, {self.text} FROM {self.table} WHERE id = %(id)s"

    @property
    def list(self) -> str:
        return f"SELECT id, {self.text} FROM {self.table} WHERE id > %(id)s ORDER BY id LIMIT 20"

    @property
    def rows(self) -> str:
        return self.source or self.table


def _insert(table: str, columns: str, values: str) -> str:
    return f"INSERT INTO {table} (id, {columns}) VALUES (%(id)s, {values})"


ARTIST = (
    Form(
        "artist",
        "name",
        _insert("artist", "name, provider_id", "%(text)s, NULL"),
        ("name", "provider_id"),
    ),
    Form(
        "artist",
        "name",
        _insert("artist", "name, external_id", "%(text)s, NULL"),
        ("name", "external_id"),
    ),
)
TRACK = (
    Form(
        "track",
        "artist_name",
        _insert("track", "title, artist_name", "%(text)s, %(text)s"),
        ("title", "coalesce(artist_name, '')", "coalesce(album_name, '')", "provider_id"),
    ),
    Form(
        "track",
        "artist_credit",
        _insert("track", "title, artist_credit", "%(text)s, %(text)s"),
        ("title", "artist_credit", "album", "external_id"),
    ),
)
# Content that JSONB can't hold is compared after migrating back: its text.
CONTENT = "CASE WHEN pg_input_is_valid(content_json::text, 'jsonb') THEN content_json::jsonb END"
PLAYLIST = (
    Form(
        "playlist",
        "content_json",
        _insert(
            "playlist",
            "name, content_json, public, status",
            "%(text)s::varchar, %(text)s::json, false, 'draft'",
        ),
        (
            "user_id",
            "coalesce(name, '')",
            "coalesce(description, '')",
            "CASE WHEN public THEN 'public' ELSE 'private' END",
            "coalesce(status, '')",
            "coalesce(provider_id, '')",
            "deleted_at",
            CONTENT,
        ),
    ),
    Form(
        "playlist",
        "content",
        _insert("playlist", "name, content", "%(text)s::text, %(text)s::jsonb"),
        (
            "user_id",
            "name",
            "description",
            "visibility",
            "status",
            "provider_id",
            "deleted_at",
            "CASE WHEN older_values #>> '{content,reason}' IS NULL THEN content END",
        ),
    ),
)
PROMPT = (
    Form(
        "ai_interaction_embedding",
        "prompt",
        _insert("ai_interaction_embedding", "prompt", "%(text)s"),
        ("user_id", "coalesce(prompt, '')", "vector_send(embedding)"),
    ),
    Form(
        "interaction",
        "text",
        _insert("interaction", "text", "%(text)s"),
        ("user_id", "text", "vector_send(full_vector)"),
        "(SELECT i.*, e.full_vector FROM interaction AS i"
        " LEFT JOIN embedding AS e ON e.interaction_id = i.id AND e.model_id = 1)",
    ),
)
PREFIXED = """CASE WHEN starts_with(hashed_password, '$argon2') THEN 'argon2' || hashed_password
    ELSE 'bcrypt$' || hashed_password END"""
USER = (
    Form(
        '"user"',
        "first_name",
        _insert(
            '"user"',
            "email, first_name, hashed_password, is_active, is_superuser, is_verified, is_public,"
            " favorite_artists, unskippable_albums",
            "%(id)s || '@example.org', %(text)s, '$argon2id$x', true, false, false, true,"
            " '[]', '[]'",
        ),
        ("email", "first_name", "last_name", "handle", PREFIXED, "favorite_artists::jsonb"),
    ),
    Form(
        '"user"',
        "first_name",
        _insert(
            '"user"',
            "email, first_name, password, is_active, is_superuser, is_verified, is_public,"
            " is_staff, favorite_artists, unskippable_albums",
            "%(id)s || '@example.org', %(text)s, 'argon2$argon2id$x', true, false, false, true,"
            " false, '[]', '[]'",
        ),
        ("email", "first_name", "last_name", "handle", "password", "favorite_artists"),
    ),
)
# By the name that a table has among the rows kept to compare with.
TABLES = {
    "user": USER,
    "artist": ARTIST,
    "track": TRACK,
    "playlist": PLAYLIST,
    "prompt": PROMPT,
}

COUNT = "SELECT count(*) FROM {rows} AS rows"
COMPARE = """
SELECT count(*) FILTER (WHERE after.id IS NULL), count(*) FILTER (WHERE before.id IS NULL),
    count(*) FILTER (
        WHERE after.id = before.id AND before.compared IS DISTINCT FROM after.compared)
FROM (SELECT id, ROW({before})::text AS compared FROM before.{name}) AS before
FULL JOIN (SELECT id, ROW({after})::text AS compared FROM {rows} AS present) AS after USING (id)
"""

# Every column of the older tables as it is; a vector by its bits, JSON by its text, or by its value
# where JSONB holds it.
WHOLE = {
    "user": (
        "email, hashed_password, is_active, is_superuser, is_verified, handle, first_name,"
        " last_name, is_public, favorite_artists::text, unskippable_albums::text"
    ),
    "artist": "name, provider_id, genres",
    "track": "title, artist_name, album_name, provider_id",
    "playlist": (
        "user_id, name, description, public, status, provider, provider_id, total_duration_ms,"
        f" deleted_at, last_synced_at, source_id, coalesce(({CONTENT})::text, content_json::text)"
    ),
    "prompt": "user_id, prompt, vector_send(embedding)",
}
