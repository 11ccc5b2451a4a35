"""The older Vibomat's tables, filled with rows made from a seed, to be migrated."""

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.core.management import call_command
from django.db import connection
from pgvector import Vector
from pgvector.psycopg import register_vector
from tqdm import tqdm

from benchmarks import migrations_sql as sql
from benchmarks.made_archives import Recipe, made_name
from vibomat import timeouts

# The second has no tables of its own: the third needs an extension that it makes.
FIRST_MIGRATIONS = (
    ("accounts", "0001"),
    ("search", "0002"),
    ("archives", "0001"),
    ("embeddings", "0001"),
)
DIMENSIONS = 768
ARCHIVES_PER_USER = 20
TRACKS_PER_ARTIST = 8
# Of a thousand archives one has content that JSONB can't hold.
UNHELD = 1000

COLUMNS = {
    "user": (
        "id, email, hashed_password, is_active, is_superuser, is_verified, handle, first_name,"
        " last_name, is_public, favorite_artists, unskippable_albums"
    ),
    "artist": "id, name, provider_id, genres",
    "track": "id, title, artist_name, album_name, provider_id",
    "playlist": (
        "id, user_id, name, description, public, status, provider, provider_id, total_duration_ms,"
        " deleted_at, last_synced_at, content_json, source_id"
    ),
    "prompt": "id, user_id, prompt, embedding",
}


@dataclass(frozen=True)
class Older:
    """How many rows of each kind, and what they are made from."""

    tracks: int
    archives: int
    prompts: int
    until: datetime
    real: list[tuple[str, str, str]]
    seed: int

    @property
    def users(self) -> int:
        return max(1, self.archives // ARCHIVES_PER_USER)

    def build(self) -> None:
        """Make the older schema in the empty database at hand, fill it, and keep a copy of every
        row in the schema `before`."""
        for app, migration in FIRST_MIGRATIONS:
            call_command("migrate", app, migration, verbosity=0)
        made = {
            "user": (self.users, self._users()),
            "artist": (-(-self.tracks // TRACKS_PER_ARTIST), self._artists()),
            "track": (self.tracks, self._tracks()),
            "playlist": (self.archives, self._playlists()),
        }
        with timeouts.lifted(), connection.cursor() as cursor:
            cursor.execute(sql.CREATE_BEFORE)
            for name, (count, rows) in made.items():
                table = sql.TABLES[name][0].table
                with cursor.copy(f"COPY {table} ({COLUMNS[name]}) FROM STDIN") as copy:
                    for row in tqdm(rows, name, count, unit=" rows", disable=None, leave=False):
                        copy.write_row(row)
            self._copy_prompts()
            for name, (older, _) in sql.TABLES.items():
                cursor.execute(sql.KEEP_BEFORE.format(name=_quote(name), table=older.table))
                cursor.execute(sql.KEY_BEFORE.format(name=_quote(name)))
            cursor.execute(sql.VACUUM)

    def _users(self) -> Iterator[tuple[Any, ...]]:
        choose = random.Random(self.seed)
        for n in range(self.users):
            yield (
                _user(n), f"user{n}@example.org", f"$argon2id$v=19$m=65536,t=3,p=4${n}$hash", True,
                False, choose.random() < 0.5, f"handle{n}", made_name(n, 1), made_name(n, 2), True,
                json.dumps([made_name(choose.randrange(1000), 2)]), None,
            )  # fmt: skip

    def _artists(self) -> Iterator[tuple[Any, ...]]:
        for n in range(-(-self.tracks // TRACKS_PER_ARTIST)):
            yield _id("artist", n), self._artist(n), f"artist{n}", "indie rock, dream pop"

    def _tracks(self) -> Iterator[tuple[Any, ...]]:
        for n in range(self.tracks):
            _, title, album = self._names(n)
            artist = self._artist(n // TRACKS_PER_ARTIST)
            yield _id("track", n), title[:255], artist, album[:255] or None, f"track{n}"

    def _artist(self, n: int) -> str:
        return self._names(n * TRACKS_PER_ARTIST)[0][:255]

    def _names(self, n: int) -> tuple[str, str, str]:
        if n < len(self.real):
            return self.real[n]
        return made_name(n // TRACKS_PER_ARTIST, 2), made_name(n, 4), made_name(n // 4, 3)

    def _playlists(self) -> Iterator[tuple[Any, ...]]:
        recipe = Recipe(self.archives, self.users, self.until, self.real, self.seed)
        for chunk in range(recipe.chunks):
            for n, made in enumerate(recipe.chunk(chunk)):
                content = json.dumps(made.content)
                if n % UNHELD == 0:
                    content = content.replace('"name": "', '"name": "\\u0000', 1)
                yield (
                    _id("playlist", chunk * 10**6 + n), _user(made.owner), made.name,
                    made.description[:1024], made.visibility == "public", made.status,
                    made.provider, made.provider_id, None, made.deleted, made.created, content,
                    None,
                )  # fmt: skip

    def _copy_prompts(self) -> None:
        register_vector(connection.connection)
        choose, draw = random.Random(self.seed), np.random.default_rng(self.seed)
        statement = (
            f"COPY ai_interaction_embedding ({COLUMNS['prompt']}) FROM STDIN (FORMAT BINARY)"
        )
        # A cursor of psycopg's own, made after the registration: it can write vectors.
        with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for n in tqdm(range(self.prompts), "prompt", unit=" rows", disable=None, leave=False):
                text = f"{made_name(n, 4)} for a {made_name(choose.randrange(500), 1)} evening"
                vector = Vector(draw.normal(size=DIMENSIONS))
                user = _user(choose.randrange(self.users))
                copy.write_row((_id("prompt", n), user, text, vector))


def _id(kind: str, number: int) -> uuid.UUID:
    """A random id, as the older application gave them."""
    return uuid.UUID(int=random.Random(f"{kind}{number}").getrandbits(128), version=4)


def _user(number: int) -> uuid.UUID:
    return _id("user", number)


def _quote(name: str) -> str:
    return connection.ops.quote_name(name)
