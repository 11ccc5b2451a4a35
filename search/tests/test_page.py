"""The search page, without JavaScript."""

import pytest
from django.test import Client

pytestmark = pytest.mark.usefixtures("catalogue")


def test_the_page_opens_without_a_query(client: Client) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert "script-src 'self'" in response["Content-Security-Policy"]


def test_results_are_marked_and_a_spelling_is_offered(client: Client) -> None:
    page = client.get("/", {"q": "daft pnk one more tme"}).content.decode()
    assert "<mark>One</mark> <mark>More</mark> <mark>Time</mark>" in page
    assert "daft punk one more time" in page


def test_what_was_typed_is_escaped(client: Client) -> None:
    page = client.get("/", {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in page


@pytest.mark.parametrize("wrong", [{"q": "x" * 600}, {"q": "x", "type": "y"}])
def test_a_bad_parameter_is_a_400(client: Client, wrong: dict[str, str]) -> None:
    assert client.get("/", wrong).status_code == 400
