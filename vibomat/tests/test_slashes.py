"""An address without its last slash: redirected for who reads, refused to who writes."""

from typing import Any

import pytest
from django.test import Client


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_a_write_to_the_api_is_told_the_address(
    client: Client, settings: Any, method: str, debug: bool
) -> None:
    settings.DEBUG = debug
    answer = getattr(client, method)("/api/archives?x=1")
    assert answer.status_code == 404
    assert answer.json() == {
        "detail": "There is nothing at this address: it is /api/archives/, with a slash."
    }


@pytest.mark.parametrize("method", ["get", "head"])
def test_who_reads_is_redirected(client: Client, method: str) -> None:
    answer = getattr(client, method)("/api/archives?x=1")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/api/archives/?x=1")


def test_an_address_that_is_none_either_way_is_told_so(client: Client) -> None:
    answer = client.post("/api/nothing")
    assert answer.json() == {"detail": "There is nothing at this address: see /api/docs/."}


def test_another_page_is_redirected_whatever_is_sent(client: Client) -> None:
    assert client.post("/health").status_code == 301


def test_another_site_may_read_the_refusal(client: Client, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://player.example"]
    answer = client.post("/api/archives", headers={"Origin": "https://player.example"})
    assert answer.status_code == 404
    assert answer.headers["Access-Control-Allow-Origin"] == "https://player.example"
