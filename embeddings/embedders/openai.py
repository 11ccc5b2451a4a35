"""Any endpoint that answers as OpenAI's does: OpenAI, Gemini, Mistral, Ollama, vLLM and more."""

import json
import re
import time
from contextlib import closing
from typing import Any

import numpy as np
import urllib3
from django.conf import settings
from urllib3.exceptions import HTTPError, MaxRetryError, ReadTimeoutError, ResponseError

from embeddings.embedders.base import Embedder, EmbedderError, TextRefused, Vectors
from embeddings.embedders.texts import cleaned
from embeddings.vectors import MOST_DIMENSIONS

NAME = "openai"
# "openai/MODEL@DIMENSIONS"
_ID = re.compile(rf"{NAME}/(?P<model>.+)@(?P<dimensions>[1-9][0-9]{{0,4}})", re.ASCII)

# Seconds. Somebody may be waiting, so a call gives up soon; `manage.py embed` asks again later.
CONNECT_TIMEOUT = 5
LONGEST_WAIT = 2
RETRIES = 2
# What comes and goes. A rate limit (429) is among them if the answer says for how long.
RETRIED = (408, 500, 502, 503, 504)
TEMPORARY = (*RETRIED, 425, 429)
# A text, or their number or length, is not to the server's liking.
REFUSED = (400, 413, 422)
# Bytes of JSON: of everything else in an answer, and of one number, however it is indented.
ANSWER_BYTES = 100_000
NUMBER_BYTES = 64


class OpenAIEmbedder(Embedder):
    """A model behind HTTP; the settings OPENAI_… tell where. Which one is told by its id:
    `openai/text-embedding-3-small@1536`."""

    longest = 4000
    batch = 64

    def __init__(self, model: str, dimensions: int) -> None:
        if not 1 <= dimensions <= MOST_DIMENSIONS:
            raise EmbedderError(f"Dimensions are a number from 1 to {MOST_DIMENSIONS:,}.")
        self.id = f"{NAME}/{model}@{dimensions}"
        self.model = model
        self.dimensions = dimensions
        self.same_question = settings.OPENAI_EMBEDDING_SAME_QUESTION
        self.query_prefix = settings.OPENAI_EMBEDDING_QUERY_PREFIX
        self.document_prefix = settings.OPENAI_EMBEDDING_DOCUMENT_PREFIX
        self._url = f"{_checked(settings.OPENAI_BASE_URL).rstrip('/')}/embeddings"
        self._headers = {"Content-Type": "application/json"}
        if key := settings.OPENAI_API_KEY:
            if not key.isascii() or not key.isprintable():
                raise EmbedderError("OPENAI_API_KEY has a character that no key has.")
            self._headers["Authorization"] = f"Bearer {key}"
        self._timeout = settings.OPENAI_TIMEOUT
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=self._timeout),
            retries=_Patience(),
        )

    @classmethod
    def of(cls, id: str) -> "OpenAIEmbedder | None":
        """The embedder of that id, by the settings for `openai` alone; None if it is no such id."""
        if id == NAME:
            return cls(settings.OPENAI_EMBEDDING_MODEL, settings.OPENAI_EMBEDDING_DIMENSIONS)
        match = _ID.fullmatch(id)
        return cls(match["model"], int(match["dimensions"])) if match else None

    def _vectors(self, texts: list[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        missing = list(range(len(texts)))
        while missing:
            answers = self._ask([texts[place] for place in missing])
            if not answers:
                raise EmbedderError(f"{self._url} answered without vectors.", temporary=True)
            for index, vector in answers.items():
                vectors[missing[index]] = vector
            missing = [place for index, place in enumerate(missing) if index not in answers]
        return vectors

    def _ask(self, texts: list[str]) -> "dict[int, Vectors]":
        """Vectors by the place of their text; a server may leave some out."""
        asked: dict[str, Any] = {"model": self.model, "input": texts, "encoding_format": "float"}
        if settings.OPENAI_EMBEDDING_SEND_DIMENSIONS:
            asked["dimensions"] = self.dimensions
        try:
            response = self._pool.request(
                "POST",
                self._url,
                body=json.dumps(asked).encode(),
                headers=self._headers,
                preload_content=False,
            )
        except HTTPError as error:
            reason = error.reason if isinstance(error, MaxRetryError) else error
            raise EmbedderError(
                f"{self._url} can't be reached: {self._quoted(str(reason))}.", temporary=True
            ) from error
        body = self._read(response, ANSWER_BYTES + NUMBER_BYTES * self.dimensions * len(texts))
        if response.status in REFUSED and len(texts) > 1:
            half = len(texts) // 2
            later = {half + index: row for index, row in self._ask(texts[half:]).items()}
            return self._ask(texts[:half]) | later
        if response.status != 200:
            refused = TextRefused if response.status in REFUSED else EmbedderError
            raise refused(
                f"{self._url} answered {response.status}: {self._quoted(_told(body))}.",
                temporary=response.status in TEMPORARY,
                retry_after=_retry_after(response),
            )
        return self._parsed(body, len(texts))

    def _read(self, response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
        until = time.monotonic() + self._timeout
        body = bytearray()
        # A connection whose answer was not read to its end is of no more use.
        with closing(response):
            try:
                while part := response.read1(65_536):
                    body += part
                    if len(body) > limit:
                        raise EmbedderError(f"{self._url} answered with more than {limit:,} bytes.")
                    if time.monotonic() > until:
                        raise EmbedderError(f"{self._url} answers too slowly.", temporary=True)
            except HTTPError as error:
                raise EmbedderError(f"{self._url} broke off its answer.", temporary=True) from error
            response.release_conn()
        return bytes(body)

    def _parsed(self, body: bytes, count: int) -> "dict[int, Vectors]":
        vectors: dict[int, Vectors] = {}
        try:
            for place, row in enumerate(json.loads(body)["data"]):
                index = row.get("index", place)
                vector = np.asarray(row["embedding"])
                if type(index) is not int or index in vectors or not 0 <= index < count:
                    raise ValueError(f"index {index!r}")
                if vector.ndim != 1 or vector.dtype.kind not in "fi":
                    raise ValueError("no list of numbers")
                if len(vector) != self.dimensions:
                    raise EmbedderError(
                        f"{self.model} gives {len(vector)} dimensions and not {self.dimensions}:"
                        " set OPENAI_EMBEDDING_DIMENSIONS."
                    )
                with np.errstate(over="ignore"):
                    vectors[index] = vector.astype(np.float32)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise EmbedderError(
                f"{self._url} answered with what is no list of embeddings:"
                f" {self._quoted(body[:200].decode(errors='replace'))}.",
                temporary=True,
            ) from error
        return vectors

    def _quoted(self, text: str) -> str:
        """What a server says, in one line, without the key."""
        key = settings.OPENAI_API_KEY
        return cleaned(text.replace(key, "…") if key else text, 200).rstrip(".")


def _checked(address: str) -> str:
    try:
        url = urllib3.util.parse_url(address)
    except HTTPError:
        url = urllib3.util.Url()
    if url.scheme not in ("http", "https") or not url.host:
        raise EmbedderError(
            f"OPENAI_BASE_URL must look like http://localhost:11434/v1, not {address!r}."
        )
    return address


class _Patience(urllib3.Retry):
    """Retries what comes and goes, unless the server is slow or wants longer to be left alone."""

    def __init__(self, **kwargs: Any) -> None:
        given = {
            "total": RETRIES,
            "redirect": False,
            "allowed_methods": None,
            "status_forcelist": RETRIED,
            "backoff_factor": 0.2,
            "backoff_jitter": 0.2,
            "backoff_max": LONGEST_WAIT,
            "raise_on_status": False,
        }
        super().__init__(**(given | kwargs))

    def increment(self, *args: Any, **kwargs: Any) -> "_Patience":
        response, error = kwargs.get("response"), kwargs.get("error")
        if response is not None and (_retry_after(response) or 0) > LONGEST_WAIT:
            error = ResponseError("asked to wait longer")
        elif not isinstance(error, ReadTimeoutError):
            return super().increment(*args, **kwargs)
        raise MaxRetryError(kwargs["_pool"], args[1], error)


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    """The seconds for which the server wants to be left alone, if it says so."""
    try:
        return urllib3.Retry(retry_after_max=3600).get_retry_after(response)
    except HTTPError:
        return None


def _told(body: bytes) -> str:
    """The message of an error, or what else stands there."""
    text = body.decode(errors="replace")
    try:
        error = json.loads(text)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, LookupError, TypeError, RecursionError):
        return text or "nothing more"
