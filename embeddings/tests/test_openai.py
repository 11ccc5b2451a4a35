"""An HTTP endpoint that answers as OpenAI's does, and everything else that it may do."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from embeddings import embedders
from embeddings.embedders import Embedder, EmbedderError, TextRefused
from embeddings.embedders.choosing import _made

KEY = "sk-secret"


@dataclass
class Answer:
    """What the server does with one request."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    before: float = 0
    # Seconds between two bytes; a body is cut after so many.
    drip: float = 0
    cut: int | None = None


def rows(*vectors: list[float]) -> Answer:
    return Answer({"data": [{"index": i, "embedding": v} for i, v in enumerate(vectors)]})


def told(status: int, message: str = "no", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer({"error": {"message": message}}, status, named)


class Server(ThreadingHTTPServer):
    """Answers requests one after the other from `answers`, or by a function of a request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.by: Callable[[dict[str, Any]], Answer] | None = None
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def inputs(self) -> list[list[str]]:
        return [request["input"] for request in self.requests]


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append({**asked, "path": self.path})
        self.server.headers.append(dict(self.headers))
        answer = self.server.by(asked) if self.server.by else self.server.answers.pop(0)
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        time.sleep(answer.before)
        self.send_response(answer.status)
        for name, value in ({"Content-Length": str(len(body))} | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            if answer.drip:
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(answer.drip)
            else:
                self.wfile.write(body[: answer.cut])
        except OSError:
            # Whoever asked has gone.
            pass
        if answer.cut is not None:
            self.close_connection = True

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    with Server() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.server_port}/v1/"
        settings.OPENAI_API_KEY = KEY
        settings.OPENAI_EMBEDDING_MODEL = "small"
        settings.OPENAI_EMBEDDING_DIMENSIONS = 2
        settings.OPENAI_TIMEOUT = 0.4
        settings.EMBEDDER = "openai"
        _made.cache_clear()
        try:
            yield server
        finally:
            _made.cache_clear()
            server.shutdown()
            thread.join()


@pytest.fixture
def embedder(server: Server) -> Embedder:
    return embedders.current()


def test_texts_are_sent_with_the_key_and_vectors_come_back_in_order(
    server: Server, settings: Settings
) -> None:
    settings.OPENAI_EMBEDDING_QUERY_PREFIX = "query: "
    shuffled = rows([0, 2], [3, 4])
    shuffled.body["data"].reverse()
    server.answers = [shuffled]
    vectors = embedders.current().embed_queries(["fado", "ja\0zz"])
    assert vectors == pytest.approx(np.array([[0, 1], [0.6, 0.8]]))
    assert vectors.dtype == np.float32
    assert server.requests == [
        {
            "path": "/v1/embeddings",
            "model": "small",
            "input": ["query: fado", "query: ja zz"],
            "encoding_format": "float",
        }
    ]
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_its_id_tells_the_model_and_dimensions(server: Server, settings: Settings) -> None:
    assert embedders.current().id == "openai/small@2"
    other = embedders.by_id("openai/maker/large@3")
    assert (other.id, other.dimensions) == ("openai/maker/large@3", 3)
    settings.OPENAI_EMBEDDING_SEND_DIMENSIONS = True
    server.answers = [rows([1, 2, 2])]
    assert other.embed_documents(["a"])[0] == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert (server.requests[0]["model"], server.requests[0]["dimensions"]) == ("maker/large", 3)
    for wrong in ("openai/small", "openai/small@0", "openai/small@2.5", "openai/@2"):
        with pytest.raises(embedders.UnknownEmbedder):
            embedders.by_id(wrong)


def test_more_dimensions_than_can_be_indexed_are_refused(server: Server) -> None:
    assert embedders.by_id("openai/small@4000").dimensions == 4000
    with pytest.raises(EmbedderError, match="from 1 to 4,000"):
        embedders.by_id("openai/small@4001")


def test_no_key_is_sent_where_none_is_set(server: Server, settings: Settings) -> None:
    settings.OPENAI_API_KEY = ""
    server.answers = [rows([1, 0])]
    embedders.current().embed_documents(["a"])
    assert "Authorization" not in server.headers[0]


def test_many_texts_are_sent_in_batches(server: Server, embedder: Embedder) -> None:
    server.by = lambda asked: rows(*([1.0, float(text)] for text in asked["input"]))
    vectors = embedder.embed_documents([str(number) for number in range(150)])
    assert [len(batch) for batch in server.inputs] == [64, 64, 22]
    assert vectors[:, 1] / vectors[:, 0] == pytest.approx(np.arange(150), rel=1e-5)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_what_comes_and_goes_is_tried_again(
    server: Server, embedder: Embedder, status: int
) -> None:
    server.answers = [told(status), told(status), rows([1, 0])]
    assert embedder.embed_queries(["a"]).tolist() == [[1, 0]]


def test_what_stays_is_a_temporary_error(server: Server, embedder: Embedder) -> None:
    server.answers = [told(503, "overloaded")] * 3
    with pytest.raises(EmbedderError, match="answered 503: overloaded") as caught:
        embedder.embed_queries(["a"])
    assert caught.value.temporary
    assert server.answers == []


def test_a_rate_limit_is_waited_for_if_it_is_short(server: Server, embedder: Embedder) -> None:
    server.answers = [told(429, Retry_After="1"), rows([1, 0])]
    started = time.monotonic()
    embedder.embed_queries(["a"])
    assert 1 <= time.monotonic() - started < 2


def test_a_longer_rate_limit_is_told_and_not_tried(server: Server, embedder: Embedder) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    for header, seconds in (("30", 30), (later, 60)):
        server.answers = [told(429, "slow down", Retry_After=header)]
        with pytest.raises(EmbedderError, match="answered 429: slow down") as caught:
            embedder.embed_queries(["a"])
        assert caught.value.temporary
        assert caught.value.retry_after == pytest.approx(seconds, abs=2)
    server.answers = [told(429, Retry_After="soon")]
    with pytest.raises(EmbedderError) as caught:
        embedder.embed_queries(["a"])
    assert (caught.value.temporary, caught.value.retry_after) == (True, None)


def test_texts_that_were_left_out_are_asked_for_again(server: Server, embedder: Embedder) -> None:
    partial = Answer({"data": [{"index": 2, "embedding": [0, 5]}]})
    server.answers = [partial, rows([3, 4], [1, 0])]
    vectors = embedder.embed_documents(["a", "b", "c"])
    assert vectors == pytest.approx(np.array([[0.6, 0.8], [1, 0], [0, 1]]))
    assert server.inputs == [["a", "b", "c"], ["a", "b"]]


def test_an_answer_without_any_vector_ends_the_asking(server: Server, embedder: Embedder) -> None:
    server.answers = [Answer({"data": []})]
    with pytest.raises(EmbedderError, match="without vectors"):
        embedder.embed_documents(["a"])


def test_too_many_texts_are_sent_in_halves(server: Server, embedder: Embedder) -> None:
    def answer(asked: dict[str, Any]) -> Answer:
        if len(asked["input"]) > 2:
            return told(413)
        return rows(*([1.0, float(text)] for text in asked["input"]))

    server.by = answer
    vectors = embedder.embed_documents(list("12345"))
    assert vectors[:, 1] / vectors[:, 0] == pytest.approx([1, 2, 3, 4, 5])


def test_a_text_that_is_refused_is_told_apart_from_a_wrong_setting(
    server: Server, embedder: Embedder
) -> None:
    server.answers = [told(400, "too long\nfor me")]
    with pytest.raises(TextRefused, match="answered 400: too long for me"):
        embedder.embed_documents(["a"])
    server.answers = [told(404, "no such model")]
    with pytest.raises(EmbedderError, match="answered 404: no such model") as caught:
        embedder.embed_documents(["a"])
    assert not isinstance(caught.value, TextRefused)
    assert not caught.value.temporary


def test_no_message_has_the_key_in_it(server: Server, embedder: Embedder) -> None:
    server.answers = [told(401, f"Wrong key {KEY}!")]
    with pytest.raises(EmbedderError, match=r"answered 401: Wrong key …!\.$"):
        embedder.embed_documents(["a"])


@pytest.mark.parametrize("key", ["sk-\n", "clé", "sk\0"])
def test_a_key_that_is_none_is_an_error(server: Server, settings: Settings, key: str) -> None:
    settings.OPENAI_API_KEY = key
    with pytest.raises(EmbedderError, match="OPENAI_API_KEY"):
        embedders.current()


def test_the_key_is_never_sent_elsewhere(server: Server, embedder: Embedder) -> None:
    server.answers = [told(307, Location="http://127.0.0.1:1/")]
    with pytest.raises(EmbedderError, match="answered 307"):
        embedder.embed_documents(["a"])


def test_wrong_dimensions_are_told_with_what_to_set(server: Server, embedder: Embedder) -> None:
    server.answers = [rows([1, 2, 3])]
    with pytest.raises(EmbedderError, match="3 dimensions and not 2: set OPENAI_EMBEDDING_DIM"):
        embedder.embed_documents(["a"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>\0Welcome",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"[" * 50_000,
        {"data": 1},
        {"data": [None]},
        {"data": [{"index": 0}]},
        {"data": [{"index": 1, "embedding": [1, 2]}]},
        {"data": [{"index": -1, "embedding": [1, 2]}]},
        {"data": [{"index": True, "embedding": [1, 2]}]},
        {"data": [{"index": 0, "embedding": [1, 2]}] * 2},
        {"data": [{"index": 0, "embedding": ["1", "2"]}]},
        {"data": [{"index": 0, "embedding": [True, False]}]},
        {"data": [{"index": 0, "embedding": [None, 1]}]},
        {"data": [{"index": 0, "embedding": [[1], [2]]}]},
        {"data": [{"index": 0, "embedding": [[1], 2]}]},
        {"data": [{"index": 0, "embedding": [10**400, 2]}]},
        {"data": [{"index": 0, "embedding": "AACAPwAAAAA="}]},
    ],
)
def test_what_is_no_list_of_embeddings_is_an_error(
    server: Server, embedder: Embedder, body: Any
) -> None:
    server.answers = [Answer(body)]
    with pytest.raises(EmbedderError, match="no list of embeddings") as caught:
        embedder.embed_documents(["a"])
    assert "\n" not in str(caught.value) and "\0" not in str(caught.value)


@pytest.mark.parametrize("body", [b"NaN", b"1e999", b"-Infinity", b"1e39"])
def test_numbers_that_are_not_finite_are_an_error(
    server: Server, embedder: Embedder, body: bytes
) -> None:
    server.answers = [Answer(b'{"data": [{"embedding": [%s, 1]}]}' % body)]
    with pytest.raises(EmbedderError, match="zero or not finite"):
        embedder.embed_documents(["a"])


def test_a_place_may_be_left_out(server: Server, embedder: Embedder) -> None:
    server.answers = [Answer({"data": [{"embedding": [1, 0]}, {"embedding": [0, 1]}]})]
    assert embedder.embed_documents(["a", "b"]).tolist() == [[1, 0], [0, 1]]


def test_an_answer_that_is_too_large_is_not_read(server: Server, embedder: Embedder) -> None:
    server.answers = [Answer(b" " * 10_000_000)]
    with pytest.raises(EmbedderError, match=r"more than 100,128 bytes"):
        embedder.embed_documents(["a"])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(before=1), "can't be reached: .*timed out"),
        (Answer(b"x" * 100, drip=0.1), "answers too slowly"),
        (Answer(b"x" * 100, cut=50), "broke off its answer"),
    ],
)
def test_a_server_that_does_not_finish_is_a_temporary_error(
    server: Server, embedder: Embedder, answer: Answer, message: str
) -> None:
    server.answers = [answer]
    started = time.monotonic()
    with pytest.raises(EmbedderError, match=message) as caught:
        embedder.embed_documents(["a"])
    assert caught.value.temporary
    assert time.monotonic() - started < 0.9
    assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_a_temporary_error(
    server: Server, settings: Settings
) -> None:
    settings.OPENAI_BASE_URL = "http://127.0.0.1:1"
    with pytest.raises(EmbedderError, match="/embeddings can't be reached:") as caught:
        embedders.current().embed_documents(["a"])
    assert caught.value.temporary


def test_an_address_that_is_none_is_an_error(server: Server, settings: Settings) -> None:
    for address in ("", "localhost:11434", "ftp://host", "http://[", "http://"):
        settings.OPENAI_BASE_URL = address
        _made.cache_clear()
        with pytest.raises(EmbedderError, match="OPENAI_BASE_URL"):
            embedders.current()


def test_a_failed_request_leaves_the_next_one_alone(server: Server, embedder: Embedder) -> None:
    server.answers = [
        Answer(b" " * 10_000_000),
        told(500),
        Answer(b"{"),
        rows([1, 0]),
        Answer(b"x" * 100, cut=50),
        rows([0, 1]),
    ]
    for _ in range(2):
        with pytest.raises(EmbedderError):
            embedder.embed_documents(["a"])
    assert embedder.embed_documents(["a"]).tolist() == [[1, 0]]
    with pytest.raises(EmbedderError):
        embedder.embed_documents(["a"])
    assert embedder.embed_documents(["a"]).tolist() == [[0, 1]]
