"""Vectors without a model: texts that share words and pieces of words are near each other."""

import hashlib
import unicodedata
from collections.abc import Iterator

import numpy as np

from embeddings.embedders.base import Embedder, Vectors


class HashingEmbedder(Embedder):
    """Counts of hashed words and of their parts of three characters, for tests.

    It knows nothing of meaning, and is chosen by name only. The same text has the same vector on
    every machine. K. Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009.
    """

    id = "hashing"
    dimensions = 384
    same_question = 0.8

    def _vectors(self, texts: list[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for feature, weight in _features(text):
                digest = hashlib.blake2b(feature.encode(), digest_size=5).digest()
                sign = 1 if digest[4] & 1 else -1
                vector[int.from_bytes(digest[:4]) % self.dimensions] += sign * weight
            if not vector.any():
                # Features that cancel each other out.
                vector[0] = 1
        return vectors


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in unicodedata.normalize("NFKC", text).casefold().split():
        yield f" {word} ", 1.0
        bounded = f"<{word}>"
        for start in range(len(bounded) - 2):
            yield bounded[start : start + 3], 0.3
