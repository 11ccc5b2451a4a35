"""An older Vibomat's database, as its own programs made it: with no table of Django's."""

import json
import uuid
from typing import Any

import psycopg

SCHEMA = """
CREATE EXTENSION vector;
CREATE TABLE "user" (
    id uuid PRIMARY KEY, email varchar(320) NOT NULL UNIQUE, hashed_password varchar(1024) NOT NULL,
    is_active boolean NOT NULL, is_superuser boolean NOT NULL, is_verified boolean NOT NULL,
    handle varchar UNIQUE, first_name varchar, last_name varchar, is_public boolean NOT NULL,
    favorite_artists json, unskippable_albums json
);
CREATE TABLE artist (
    id uuid PRIMARY KEY, name varchar(255) NOT NULL, provider_id varchar(255), genres varchar(1024)
);
CREATE TABLE track (
    id uuid PRIMARY KEY, title varchar(255) NOT NULL, artist_name varchar(255),
    album_name varchar(255), provider_id varchar(255)
);
CREATE TABLE playlist (
    id uuid PRIMARY KEY, user_id uuid, name varchar(255), description varchar(1024), public boolean,
    status varchar(50), provider varchar(50), provider_id varchar(255), total_duration_ms integer,
    deleted_at timestamptz, last_synced_at timestamptz, content_json json, source_id uuid
);
CREATE TABLE ai_interaction_embedding (
    id uuid PRIMARY KEY, user_id uuid, prompt varchar(2048), embedding vector(768)
);
"""
USER = {
    "hashed_password": "$2b$12$abcdefghijklmnopqrstuuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "is_active": True,
    "is_superuser": False,
    "is_verified": False,
    "is_public": True,
}


class Older:
    """A connection to it. `add` inserts a row and gives its id."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.url = psycopg.conninfo.make_conninfo(**parameters)
        self.connection = psycopg.connect(self.url, autocommit=True)

    def execute(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        done = self.connection.execute(statement, parameters)
        return done.fetchall() if done.description else []

    def add(self, table: str, **values: Any) -> uuid.UUID:
        row = {"id": uuid.uuid4()} | (USER if table == "user" else {}) | values
        if table == "user":
            row.setdefault("email", f"{row['id']}@example.org")
        if isinstance(row.get("content_json"), dict):
            row["content_json"] = json.dumps(row["content_json"])
        names = ", ".join(row)
        places = ", ".join(f"%({name})s" for name in row)
        self.execute(f'INSERT INTO "{table}" ({names}) VALUES ({places})', row)
        return uuid.UUID(str(row["id"]))

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Every column of every row as text, a vector by its bits."""
        columns = [
            f"vector_send({name})::text" if type == "vector" else f'"{name}"::text'
            for name, type in self.execute(
                "SELECT column_name, udt_name FROM information_schema.columns"
                " WHERE table_name = %s ORDER BY ordinal_position",
                [table],
            )
        ]
        return self.execute(f'SELECT {", ".join(columns)} FROM "{table}" ORDER BY 1')
