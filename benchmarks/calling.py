"""A client of the API: one connection that is kept, as long as the server keeps it."""

import http.client
import json
from dataclasses import dataclass
from typing import Any

NO_ANSWER = 0


@dataclass(frozen=True)
class Answer:
    """`status` is NO_ANSWER where the connection broke."""

    status: int
    body: bytes = b""
    etag: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    def __init__(self, address: tuple[str, int], token: str = "") -> None:
        self.connection = http.client.HTTPConnection(*address, timeout=60)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __call__(self, method: str, path: str, body: Any = None, if_match: str = "") -> Answer:
        headers = dict(self.headers)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if if_match:
            headers["If-Match"] = if_match
        try:
            self.connection.request(method, path, data, headers)
            response = self.connection.getresponse()
            return Answer(response.status, response.read(), response.headers.get("ETag", ""))
        except (OSError, http.client.HTTPException):
            self.close()
            return Answer(NO_ANSWER)

    def close(self) -> None:
        self.connection.close()
