"""The older Vibomat's interactions, for tests: rows of every shape, and what becomes of them."""

import random
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from django.db import connection

from vibomat.tests import migrating
from vibomat.tests.databases import execute

OLDER = "0001_initial"
STEPS = sorted(
    path.stem for path in (Path(__file__).parent.parent / "migrations").glob("[0-9]*.py")
)
PRESENT = STEPS[-1]

TEXTS = [
    None,
    "",
    " ",
    "something calm for a rainy evening",
    "Ночь",
    "夜の音楽",
    "'; DROP TABLE interaction; --",
    "100% \\ %(first)s",
    "tab\tand\nline",
    "🎸" * 2048,
    "null",
]
# What halves, rounding or comparing by value would change.
NUMBERS = [0.0, -0.0, 1e-45, -1e-38, 3.4028235e38, 1 / 3, 65504.0, 65520.0, 1 + 2**-23]


def migrate(target: str = PRESENT) -> str:
    """Migrate embeddings to that step; what was printed."""
    return migrating.migrate("embeddings", target)


def add_user() -> uuid.UUID:
    user = uuid.uuid4()
    execute(
        'INSERT INTO "user" (id, email, password, is_superuser, is_verified, is_active, is_staff, '
        "is_public, favorite_artists, unskippable_albums) "
        "VALUES (%s, %s, '!', false, false, true, false, true, '[]', '[]')",
        [user, f"{user}@example.org"],
    )
    return user


def as_vector(numbers: list[float] | None) -> str | None:
    return None if numbers is None else f"[{','.join(map(repr, numbers))}]"


def add_older(
    prompt: str | None = "calm", user_id: Any = None, vector: list[float] | None = None
) -> uuid.UUID:
    """Insert an interaction as the older application would."""
    pk = uuid.uuid4()
    execute(
        "INSERT INTO ai_interaction_embedding (id, user_id, prompt, embedding) "
        "VALUES (%s, %s, %s, %s)",
        [pk, user_id, prompt, as_vector(vector)],
    )
    return pk


def populate(rows: int, users: list[uuid.UUID]) -> None:
    """So many interactions, and each odd text, number and user at least once."""
    choose = random.Random(5)
    draw = np.random.default_rng(5)
    columns = "id, user_id, prompt, embedding"
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY ai_interaction_embedding ({columns}) FROM STDIN") as copy,
    ):
        for n in range(max(rows, len(TEXTS))):
            vector = draw.normal(size=768).astype(np.float32).tolist()
            vector[: len(NUMBERS)] = NUMBERS
            stranger = uuid.UUID(int=choose.getrandbits(128), version=4)
            copy.write_row(
                (
                    uuid.UUID(int=choose.getrandbits(128), version=4),
                    choose.choice([*users, None, stranger]),
                    TEXTS[n] if n < len(TEXTS) else f"songs like number {n}",
                    choose.choice([None, as_vector(vector), as_vector([0.0] * 768)]),
                )
            )


def older_rows() -> dict[uuid.UUID, tuple[Any, ...]]:
    """Every column of every row, the vectors by their bits."""
    return {
        row[0]: row[1:]
        for row in execute(
            "SELECT id, user_id, prompt, vector_send(embedding)::text FROM ai_interaction_embedding"
        )
    }


def present_rows() -> dict[uuid.UUID, Any]:
    """Every column of every interaction and of its vectors, as texts."""
    return dict(
        execute("""
            SELECT i.id, (to_jsonb(i) || jsonb_build_object('embeddings', (
                SELECT jsonb_agg(to_jsonb(e) || jsonb_build_object('model', to_jsonb(m),
                    'bits', coalesce(vector_send(full_vector), halfvec_send(vector))) ORDER BY e.id)
                FROM embedding AS e JOIN embedding_model AS m ON m.id = e.model_id
                WHERE e.interaction_id = i.id
            )))::text
            FROM interaction AS i
        """)
    )
