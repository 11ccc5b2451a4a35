"""The page to log in and out at."""

import re

import pytest
from django.test import Client

from vibomat.accounts.models import User

pytestmark = pytest.mark.django_db

ANN = {"username": "Ann@example.org", "password": "a long password"}
MINE = {"name": "Mine"}


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ann@example.org", "a long password")


@pytest.fixture
def browser(user: User) -> Client:
    return Client(enforce_csrf_checks=True)


def csrf_token(browser: Client) -> str:
    """That of the form on the page."""
    page = browser.get("/login/").content.decode()
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    return str(token)


def test_a_user_logs_in_by_the_form_and_asks_the_api_by_the_session(browser: Client) -> None:
    assert browser.get("/api/archives/?owner=me").status_code == 401
    answer = browser.post("/login/", ANN | {"csrfmiddlewaretoken": csrf_token(browser)})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert browser.get("/api/archives/?owner=me").json()["results"] == []
    headers = {"X-CSRFToken": csrf_token(browser)}
    assert browser.post("/api/archives/", MINE, "application/json").status_code == 403
    answer = browser.post("/api/archives/", MINE, "application/json", headers=headers)
    assert answer.status_code == 201
    (mine,) = browser.get("/api/archives/?owner=me").json()["results"]
    assert mine["name"] == "Mine"
    assert browser.get("/admin/").status_code == 302


def test_whoever_is_logged_in_is_told_and_may_log_out(browser: Client) -> None:
    browser.post("/login/", ANN | {"csrfmiddlewaretoken": csrf_token(browser)})
    page = browser.get("/login/").content.decode()
    assert 'You are logged in as <b dir="auto">ann@example.org</b>.' in page
    assert 'name="password"' not in page
    token = csrf_token(browser)
    assert browser.get("/logout/").status_code == 405
    assert browser.post("/logout/").status_code == 403
    assert browser.get("/api/archives/?owner=me").status_code == 200
    answer = browser.post("/logout/", {"csrfmiddlewaretoken": token})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert browser.get("/api/archives/?owner=me").status_code == 401


@pytest.mark.parametrize(
    "given", [{"password": "another password"}, {"username": "x@example.org"}, {"is_active": False}]
)
def test_who_may_not_log_in_is_told_the_same(
    client: Client, user: User, given: dict[str, str]
) -> None:
    User.objects.update(is_active=given.pop("is_active", True))
    answer = client.post("/login/", ANN | given)
    assert answer.status_code == 200
    told = "There is no active account with this e-mail address and password."
    assert answer.content.decode().count(f'<p class="problem" role="alert">{told}</p>') == 1
    assert "_auth_user_id" not in client.session


def test_without_the_form_s_token_nobody_logs_in(browser: Client) -> None:
    assert browser.post("/login/", ANN).status_code == 403


@pytest.mark.parametrize(
    ("then", "location"),
    [
        ("/?q=love", "/?q=love"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_one_is_led_on_within_the_site_only(
    client: Client, user: User, then: str, location: str
) -> None:
    page = client.get("/login/", {"next": then}).content.decode()
    (next,) = re.findall(r'name="next" value="(.*)"', page)
    answer = client.post("/login/", ANN | {"next": next})
    assert (answer.status_code, answer.headers["Location"]) == (302, location)


def test_no_script_or_style_stands_in_the_page(client: Client) -> None:
    page = client.post("/login/", {"username": '"><script>alert(1)</script>'}).content.decode()
    assert not re.search(r"<style|<script| style=| on\w+=", page)
