"""What no view can be asked for, and what the API answers when something goes wrong."""

from collections.abc import Callable

import psycopg.errors
import pytest
from django.db import DataError, OperationalError
from django.test import Client, override_settings
from django.urls import path
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from vibomat.text import query_errors


class Body(serializers.Serializer[dict[str, str]]):
    name = serializers.CharField()


@api_view(["GET", "POST"])
@permission_classes([AllowAny])
def echo(request: Request) -> Response:
    if request.method == "GET":
        return Response(request.query_params.dict())
    body = Body(data=request.data)
    body.is_valid(raise_exception=True)
    return Response(body.validated_data)


def fail(error: Exception) -> Callable[..., Response]:
    @api_view(["GET"])
    def view(request: Request) -> Response:
        raise error

    return view


timed_out = OperationalError("canceling statement due to statement timeout")
timed_out.__cause__ = psycopg.errors.QueryCanceled()

urlpatterns = [
    path("echo/", echo),
    path("surrogate/", fail(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no"))),
    path("data/", fail(DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"))),
    path("slow/", fail(timed_out)),
]
pytestmark = pytest.mark.urls(__name__)


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("q=a%00b", {"q": ["Null characters are not allowed."]}),
        ("a=1&q=%ff", {"q": ["This is not valid UTF-8."]}),
        ("q=%ed%a0%80", {"q": ["This is not valid UTF-8."]}),
        ("q=\xff", {"q": ["This is not valid UTF-8."]}),
        ("q%00=1", {"q\ufffd": ["Null characters are not allowed."]}),
        ("q=caf%C3%A9+%F0%9F%8E%B5&&x", {}),
        ("", {}),
    ],
)
def test_queries_that_no_database_could_hold(query: str, errors: dict[str, list[str]]) -> None:
    assert query_errors(query) == errors


def test_such_a_query_is_a_400_that_names_the_field(client: Client) -> None:
    response = client.get("/api/echo/", QUERY_STRING="q=%00")
    assert response.status_code == 400
    assert response.json() == {"q": ["Null characters are not allowed."]}


def test_such_a_path_is_a_400(client: Client) -> None:
    assert client.get("/ec%00ho/").status_code == 400


def test_a_page_is_told_in_words(client: Client) -> None:
    response = client.get("/", QUERY_STRING="q=%00&type=%ff")
    assert response.status_code == 400
    assert response.headers["Content-Type"].startswith("text/plain")
    told = "q: Null characters are not allowed.\ntype: This is not valid UTF-8.\n"
    assert response.content.decode() == told


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"name": ', "non_field_errors"),
        ("[" * 100_000, "non_field_errors"),
        ('{"name": NaN}', "non_field_errors"),
        (b'{"name": "\xff"}', "non_field_errors"),
        ("[]", "non_field_errors"),
        ('{"name": "\\u0000"}', "name"),
        ('{"name": "\\ud800"}', "name"),
        ("{}", "name"),
    ],
)
def test_bad_json_is_a_400_with_a_list_of_messages(
    client: Client, body: str | bytes, field: str
) -> None:
    response = client.post("/echo/", body, content_type="application/json")
    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert all(isinstance(message, str) for message in response.json()[field])


def test_a_number_of_too_many_digits_is_told_without_python(client: Client) -> None:
    response = client.post("/echo/", "9" * 5000, content_type="application/json")
    assert response.status_code == 400
    message = "JSON parse error - A number has too many digits."
    assert response.json() == {"non_field_errors": [message]}


@pytest.mark.parametrize("url", ["/surrogate/", "/data/"])
def test_what_the_database_cannot_hold_is_a_400(client: Client, url: str) -> None:
    response = client.get(url)
    assert response.status_code == 400
    assert list(response.json()) == ["non_field_errors"]


def test_a_statement_that_takes_too_long_is_a_503(client: Client) -> None:
    response = client.get("/slow/")
    assert response.status_code == 503


@override_settings(ROOT_URLCONF="vibomat.urls")
def test_the_api_page_works_offline(client: Client) -> None:
    page = client.get("/api/docs/").content.decode()
    assert "drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in page
    assert "https://" not in page


@override_settings(ROOT_URLCONF="vibomat.urls")
@pytest.mark.parametrize(
    ("address", "kind"), [("/api/nothing/", "application/json"), ("/nothing/", "text/html")]
)
def test_an_address_that_is_none_is_told_in_json_below_api(
    client: Client, address: str, kind: str
) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith(kind)
