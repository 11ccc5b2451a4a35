"""An embedder that fails as it is told to."""

import time
from collections.abc import Callable
from typing import ClassVar

from embeddings.embedders import EmbedderError, TextRefused, Vectors
from embeddings.embedders.hashing import HashingEmbedder

PATH = "embeddings.tests.moody.MoodyEmbedder"


class MoodyEmbedder(HashingEmbedder):
    """Fails with each of `errors` in turn, and whenever it is given a text of `refused`."""

    id = "moody"
    dimensions = 64
    batch = 8
    calls: ClassVar[list[list[str]]] = []
    errors: ClassVar[list[EmbedderError]] = []
    refused: ClassVar[set[str]] = set()
    # Called with the texts first.
    before: ClassVar[list[Callable[[list[str]], object]]] = []
    seconds: ClassVar[float] = 0

    def _vectors(self, texts: list[str]) -> Vectors:
        self.calls.append(texts)
        for call in self.before:
            call(texts)
        time.sleep(self.seconds)
        if self.errors:
            raise self.errors.pop(0)
        if self.refused & set(texts):
            raise TextRefused("It is not to my liking.")
        return super()._vectors(texts)

    @classmethod
    def reset(cls) -> None:
        cls.calls, cls.errors, cls.refused, cls.before, cls.seconds = [], [], set(), [], 0
