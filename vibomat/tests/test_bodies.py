"""Bodies are refused by their length before a byte of them is read."""

import io
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from archives.api.parsers import MAX_BODY_BYTES
from embeddings.api.parsers import PromptParser

USUAL = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
ARCHIVE = "/api/archives/8f9b9c62-3c0f-4b5e-9a51-0f6f8f0e8d2a/"
# How large a body may be.
LIMITS = {
    ("post", "/api/search/resolve/"): USUAL,
    ("post", "/api/tokens/"): USUAL,
    ("get", "/api/search/?q=a"): USUAL,
    ("post", "/api/archives/"): MAX_BODY_BYTES,
    ("put", ARCHIVE): MAX_BODY_BYTES,
    ("patch", ARCHIVE): MAX_BODY_BYTES,
    ("post", f"{ARCHIVE}derive/"): MAX_BODY_BYTES,
    ("post", "/api/archives/import/"): MAX_BODY_BYTES,
    ("post", "/api/prompts/"): PromptParser.most_bytes,
    ("post", "/api/prompts/similar/"): PromptParser.most_bytes,
    ("post", "/admin/login/"): USUAL,
    ("post", "/login/"): USUAL,
    ("post", "/"): USUAL,
    ("post", "/health/"): USUAL,
}


class Untouched(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        raise AssertionError("The body was read.")


def ask(method: str, address: str, **environ: Any) -> Any:
    body = {"wsgi.input": Untouched(), "CONTENT_TYPE": "application/json", **environ}
    return Client().generic(method.upper(), address, **body)


@pytest.mark.parametrize(("method", "address"), LIMITS)
@pytest.mark.parametrize("length", ["one more", "9" * 30, "9" * 5000])
def test_a_larger_body_is_a_413_unread(method: str, address: str, length: str) -> None:
    most = LIMITS[method, address]
    said = str(most + 1) if length == "one more" else length
    answer = ask(method, address, CONTENT_LENGTH=said)
    assert answer.status_code == 413
    message = f"A body may have at most {most:,} bytes."
    if address.startswith("/api/"):
        assert answer.json() == {"detail": message}
    else:
        assert answer.content.decode() == f"{message}\n"


@pytest.mark.parametrize(("method", "address"), LIMITS)
@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_TRANSFER_ENCODING": "chunked"},
        {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"},
        {"CONTENT_LENGTH": "-1"},
        {"CONTENT_LENGTH": "\u0663"},
        {"CONTENT_LENGTH": "many"},
    ],
)
def test_a_body_of_unknown_length_is_a_411_unread(
    method: str, address: str, environ: dict[str, str]
) -> None:
    assert ask(method, address, **environ).status_code == 411


@pytest.mark.django_db
def test_a_body_of_just_that_size_is_read() -> None:
    body = '{"tracks": []' + " " * (USUAL - 14) + "}"
    answer = Client().post("/api/search/resolve/", body, content_type="application/json")
    assert (answer.status_code, answer.json()) == (200, {"results": []})
