"""What every embedder is: texts in, vectors of length one out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from embeddings.embedders.texts import cleaned

# float32, one row for each text.
Vectors = npt.NDArray[np.float32]


class EmbedderError(Exception):
    """These texts have no vectors now: the message, one line, says why and what to do.

    With `temporary` the same call may succeed later, after `retry_after` seconds if that is known;
    without it, it needs another text or setting.
    """

    def __init__(
        self, message: str, *, temporary: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.temporary = temporary
        self.retry_after = retry_after


class TextRefused(EmbedderError):
    """It is one of the texts that the model does not take; others may have vectors."""


class NothingToEmbed(TextRefused):
    """A text has no character that means anything."""


class Embedder(ABC):
    """A model that makes vectors of texts; one of them serves all threads of a process.

    Vectors are comparable if their embedders' ids are equal. Making one is cheap: a model is
    loaded by the first text. A new one needs the attributes and `_vectors`.
    """

    id: str
    dimensions: int
    # How near two vectors are: cosine, which for vectors of length one is the inner product.
    distance: ClassVar[str] = "cosine"
    # The similarity from which on two prompts ask for the same; measured in docs/embeddings.md.
    same_question: float
    # What the model wants before a text.
    query_prefix: str = ""
    document_prefix: str = ""
    # Longer texts are cut. Characters, without the prefix.
    longest: int = 2000
    # How many texts the model is given at once.
    batch: int = 32

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """A row for each of the texts that are kept to be found.

        Raises TextRefused if one of the texts can't have a vector (NothingToEmbed if it is blank),
        EmbedderError if the model fails.
        """
        return self._embed(self.document_prefix, texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """A row for each of the texts that are looked for; raises as `embed_documents` does."""
        return self._embed(self.query_prefix, texts)

    @abstractmethod
    def _vectors(self, texts: list[str]) -> Vectors:
        """A row of any length but zero for each of the texts: clean, prefixed, at least one."""

    def _embed(self, prefix: str, texts: Sequence[str]) -> Vectors:
        clean = [cleaned(text, self.longest) for text in texts]
        if not all(clean):
            raise NothingToEmbed("A text to embed is blank.")
        if not clean:
            return np.empty((0, self.dimensions), dtype=np.float32)
        vectors = np.concatenate(
            [
                self._vectors([prefix + text for text in clean[start : start + self.batch]])
                for start in range(0, len(clean), self.batch)
            ]
        )
        if vectors.shape != (len(clean), self.dimensions):
            raise EmbedderError(
                f"{self.id} gave vectors of shape {vectors.shape} for {len(clean)} texts"
                f" of {self.dimensions} dimensions."
            )
        return unit(vectors, self.id)


def unit(vectors: npt.NDArray[np.floating], model: str) -> Vectors:
    """The vectors made length one. Raises EmbedderError for those that have no direction."""
    exact = vectors.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise EmbedderError(f"{model} gave a vector that is zero or not finite.")
    scaled: Vectors = (exact / lengths).astype(np.float32)
    return scaled
