"""So many interactions with vectors that a plan means something."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from django.db import connection

from embeddings import indexing
from embeddings.models import EmbeddingModel, Interaction
from embeddings.tests.admin_pages import admin, loaded  # noqa: F401
from embeddings.tests.household import household, moody  # noqa: F401
from embeddings.vectors import as_half_text
from vibomat.accounts.models import User

ROWS = 12_000
DIMENSIONS = 24

FILL = f"""
INSERT INTO interaction (kind, text, metadata, created)
SELECT CASE WHEN n % 2 = 0 THEN 'prompt' ELSE 'search' END,
    'songs number ' || n || CASE WHEN n % 600 = 0 THEN ' bagpipes' ELSE '' END,
    jsonb_build_object('n', n, 'hundredth', n % 100, 'tenth', n % 10),
    timestamptz '2026-01-01 00:00+00' + n * interval '1 minute'
FROM generate_series(1, {ROWS}) AS n
"""


class Many(NamedTuple):
    """The rows' vectors, in the order of their `metadata.n`, the model, and a user's ten."""

    model: EmbeddingModel
    vectors: npt.NDArray[np.float32]
    user: User

    def nearest(self, vector: npt.NDArray[np.float32], k: int, every: int = 1) -> list[int]:
        """The numbers of the k nearest of every so manieth row, by NumPy."""
        similarity = self.vectors.astype(np.float16).astype(np.float32) @ vector
        numbers = np.arange(1, ROWS + 1)
        kept = numbers % every == 0
        return [int(n) for n in numbers[kept][np.argsort(-similarity[kept])][:k]]


@pytest.fixture(scope="module")
def many(django_db_setup: None, django_db_blocker: Any) -> Iterator[Many]:
    """Around 60 centres, so that neighbours differ as those of real texts do."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(60, DIMENSIONS))
    vectors = centres[random.integers(60, size=ROWS)] + 0.7 * random.normal(size=(ROWS, DIMENSIONS))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    with django_db_blocker.unblock():
        user = User.objects.create_user("ten@example.org")
        model = EmbeddingModel.objects.create(name="many", dimensions=DIMENSIONS, state="active")
        with connection.cursor() as cursor:
            cursor.execute(FILL)
            cursor.execute("SELECT id FROM interaction ORDER BY (metadata -> 'n')::int")
            ids = [pk for (pk,) in cursor.fetchall()]
            with cursor.copy(
                "COPY embedding (interaction_id, model_id, vector) FROM STDIN"
            ) as copy:
                for pk, vector in zip(ids, vectors, strict=True):
                    copy.write_row((pk, model.pk, as_half_text(vector)))
            Interaction.objects.filter(pk__in=ids[999:12_000:1200]).update(user=user)
            cursor.execute("VACUUM ANALYZE interaction, embedding")
        indexing.build(model)
        yield Many(model, vectors, user)
        indexing.drop(model)
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE interaction, embedding, embedding_model")
        user.delete()
