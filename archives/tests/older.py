"""The older Vibomat's playlists, for tests: rows of every shape, and what becomes of them."""

import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from vibomat.tests import migrating
from vibomat.tests.databases import execute

OLDER = "0001_initial"
STEPS = sorted(
    path.stem for path in (Path(__file__).parent.parent / "migrations").glob("[0-9]*.py")
)
PRESENT = STEPS[-1]

COLUMNS = (
    "id",
    "user_id",
    "name",
    "description",
    "public",
    "status",
    "provider",
    "provider_id",
    "total_duration_ms",
    "deleted_at",
    "last_synced_at",
    "content_json",
    "source_id",
)

# What JSONB holds, whatever else it is.
HELD = [
    None,
    "null",
    "{}",
    " { } ",
    "[]",
    "7",
    '"text"',
    "true",
    "[null]",
    '["Air - Sexy Boy"]',
    '[{"artist": "Air", "track": "Sexy Boy"}, {}]',
    '[{"artist": "Air"}, "Sexy Boy"]',
    '{"tracks": null}',
    '{"tracks": {"artist": "Air"}}',
    '{"tracks": [1, "two", null, {"duration_ms": 5}]}',
    '{"tracks": [{"artist": "Bj\\u00f6rk", "track": "J\\u00f3ga \\ud83c\\udfb8"}]}',
    '{"b": 1, "a": 2, "a\\u0301": 3}',
    '{"tracks": [{"duration_ms": -0}, {"duration_ms": 1E5}, {"duration_ms": 2.50}]}',
    '{"numbers": [1.10, -0, -0.0, 1E5, 1e-7, 1E400, 100000000000000000000000.5, 0.1e1]}',
    '{"\\\\u0000": "\\\\\\\\ud800", "tab\\t": "\\"\\/"}',
    '{"": {"": [[[[[[]]]]]]}}',
    '{"metadata": {"mood": "calm", "tags": ["a", "b"], "source_version": 3}}',
    "[" * 400 + "]" * 400,
    '{"tracks": [{"duration_ms": 99999999999999999999}, {"duration_ms": "300"}]}',
]
# What it can't hold or would change.
UNHELD = [
    '{"name": "\\u0000", "tracks": [{"artist": "A\\u0000B"}]}',
    '{"\\u0000": []}',
    '["\\ud800"]',
    '{"tracks": [{"artist": "\\udc00\\ud83c\\udfb8", "track": "\\\\u0000 \\u0000"}]}',
    '{"a": 1, "a": 2}',
    '{"tracks": [{"artist": "Air", "artist": "AIR"}]}',
    "[1e400000]",
    '{"tracks": [{"artist": "1e400000", "duration_ms": 1e400000}]}',
    '{"n": 1E5000}',
    '{"n": ' + "9" * 4301 + "}",
    '{"n": ' + "9" * 400 + ".5}",
    "[" * 501 + "]" * 501,
    '{"a":' * 5000 + "1" + "}" * 5000,
]
TEXTS = [
    None,
    "",
    " ",
    "Late Night",
    "Ночь",
    "夜の音楽",
    "'; DROP TABLE playlist; --",
    "100% \\ %(first)s",
    "tab\tand\nline",
    "🎸",
    "null",
]
ARTISTS = ["Air", "Björk", "Кино", "방탄소년단", "AC/DC", "The The", "!!!"]


def migrate(target: str = PRESENT) -> str:
    """Migrate archives to that step; what was printed."""
    return migrating.migrate("archives", target)


def add_user() -> uuid.UUID:
    user = uuid.uuid4()
    execute(
        'INSERT INTO "user" (id, email, password, is_superuser, is_verified, is_active, is_staff, '
        "is_public, favorite_artists, unskippable_albums) "
        "VALUES (%s, %s, '!', false, false, true, false, true, '[]', '[]')",
        [user, f"{user}@example.org"],
    )
    return user


def add_older(**values: Any) -> uuid.UUID:
    """Insert a playlist as the older application would."""
    row = dict.fromkeys(COLUMNS) | {"id": uuid.uuid4(), "name": "Late Night"} | values
    names = ", ".join(COLUMNS)
    execute(
        f"INSERT INTO playlist ({names}) VALUES ({', '.join(['%s'] * len(COLUMNS))})",
        [row[name] for name in COLUMNS],
    )
    return uuid.UUID(str(row["id"]))


def content(choose: random.Random) -> str:
    tracks = [
        {
            "artist": choose.choice(ARTISTS),
            "track": f"Track {choose.randrange(1000)}",
            "album": choose.choice(["", "Moon Safari"]),
            "version": None,
            "duration_ms": choose.choice([None, choose.randrange(600_000)]),
            "uri": f"spotify:track:{choose.getrandbits(64):x}",
            "provider_ids": {"spotify": f"{choose.getrandbits(64):x}"},
            "playable": {"spotify": choose.choice([True, False, None])},
        }
        for _ in range(choose.randrange(30))
    ]
    whole = {"name": "x", "tracks": tracks, "metadata": {"mood": choose.choice(["calm", "loud"])}}
    value = tracks if choose.random() < 0.2 else whole
    return json.dumps(value, ensure_ascii=choose.random() < 0.5, indent=choose.choice([None, 2]))


def populate(rows: int, users: list[uuid.UUID]) -> None:
    """So many real-shaped playlists, and each odd value of each column at least once."""
    choose = random.Random(3)
    ids: list[uuid.UUID] = []
    odd = [*HELD, *UNHELD]
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY playlist ({', '.join(COLUMNS)}) FROM STDIN") as copy,
    ):
        for n in range(max(rows, len(odd))):
            ids.append(uuid.UUID(int=choose.getrandbits(128), version=4))
            time = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=choose.random() * 1e8)
            copy.write_row(
                (
                    ids[-1],
                    choose.choice([*users, None, uuid.UUID(int=choose.getrandbits(128))]),
                    choose.choice([*TEXTS, "ü" * 255, f"Mix {n}"]),
                    choose.choice([*TEXTS, "ü" * 1024]),
                    choose.choice([True, False, None]),
                    choose.choice([None, "", "draft", "published", "synced", "x" * 50]),
                    choose.choice([None, "", "spotify", "youtube"]),
                    choose.choice([None, "", "37i9dQZF1DX" + "x" * 244, f"{n:x}"]),
                    choose.choice([None, 0, -1, 2**31 - 1, choose.randrange(10**7)]),
                    choose.choice([None, None, None, time]),
                    choose.choice([None, time + timedelta(days=1)]),
                    odd[n] if n < len(odd) else content(choose),
                    choose.choice([None, None, choose.choice(ids), uuid.UUID(int=n)]),
                )
            )


def older_rows() -> dict[uuid.UUID, dict[str, Any]]:
    names = ", ".join("content_json::text" if n == "content_json" else n for n in COLUMNS)
    return {
        row[0]: dict(zip(COLUMNS, row, strict=True))
        for row in execute(f"SELECT {names} FROM playlist")
    }


def present_rows() -> dict[uuid.UUID, str]:
    """Every column of every archive, as one text."""
    return dict(execute("SELECT id, (to_jsonb(p))::text FROM playlist AS p"))


def assert_returned(before: dict[uuid.UUID, dict[str, Any]]) -> None:
    """The older table holds these rows: JSON that JSONB can't hold byte for byte, other equal."""
    after = older_rows()
    assert after.keys() == before.keys()
    texts: list[str | None] = []
    returned: list[str | None] = []
    for key, row in before.items():
        text = row["content_json"]
        assert after[key] | {"content_json": text} == row
        if text in UNHELD:
            assert after[key]["content_json"] == text
        else:
            texts.append(text)
            returned.append(after[key]["content_json"])
    changed = execute(
        "SELECT * FROM unnest(%s::text[], %s::text[]) AS pair (text, returned)"
        " WHERE text::jsonb IS DISTINCT FROM returned::jsonb",
        [texts, returned],
    )
    assert changed == []
