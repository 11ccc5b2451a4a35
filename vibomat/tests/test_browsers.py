"""What browsers are told of other sites, and of what a page may load."""

from typing import Any

import pytest
from django.test import Client

from vibomat.content_policy import POLICY, directives

ORIGIN = "https://player.example"


@pytest.mark.parametrize("address", ["/", "/login/", "/api/docs/", "/admin/login/", "/health/"])
def test_every_answer_has_the_policy(db: None, client: Client, address: str) -> None:
    answer = client.get(address)
    assert directives(answer.headers["Content-Security-Policy"]) == directives(POLICY)


def test_the_api_page_has_no_script_or_style_in_it(client: Client) -> None:
    page = client.get("/api/docs/").content.decode()
    assert "<style" not in page
    assert page.count("<script") == page.count("<script src=") == 3


@pytest.mark.parametrize(
    ("allowed", "address", "answer"),
    [([], "/api/schema/", None), ([ORIGIN], "/api/schema/", ORIGIN), ([ORIGIN], "/health/", None)],
)
def test_other_sites_may_ask_the_api_if_they_are_named(
    client: Client, settings: Any, allowed: list[str], address: str, answer: str | None
) -> None:
    settings.CORS_ALLOWED_ORIGINS = allowed
    headers = client.get(address, headers={"Origin": ORIGIN}).headers
    assert headers.get("Access-Control-Allow-Origin") == answer
    assert "Access-Control-Allow-Credentials" not in headers


def test_other_sites_may_send_and_read_what_the_api_asks_for(client: Client, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "PATCH"}
    told = client.options("/api/archives/", headers=asked).headers
    assert {"authorization", "content-type", "if-match", "if-none-match"} <= set(
        told["Access-Control-Allow-Headers"].split(", ")
    )
    assert "PATCH" in told["Access-Control-Allow-Methods"]
    read = client.get("/api/schema/", headers={"Origin": ORIGIN}).headers
    assert read["Access-Control-Expose-Headers"] == (
        "content-disposition, etag, location, retry-after, x-request-id"
    )
