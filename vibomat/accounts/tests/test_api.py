"""Own tokens through the API: who may do what, by every way to log in."""

import base64
from typing import Any

import pytest
from django.test import Client

from vibomat.accounts.models import AccessToken, User
from vibomat.accounts.tokens import MOST_TOKENS

PASSWORD = "a fine password"
LIST = "/api/tokens/"
pytestmark = pytest.mark.django_db


def basic(email: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{email}:{password}".encode()).decode()}


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ann@example.org", PASSWORD)


@pytest.fixture
def own(user: User) -> AccessToken:
    return AccessToken.objects.issue(user, "player")[0]


@pytest.fixture
def others(db: None) -> AccessToken:
    return AccessToken.objects.issue(User.objects.create_user("bob@example.org"), "secret")[0]


@pytest.fixture(params=["anonymous", "session", "password", "token"])
def way(request: pytest.FixtureRequest, user: User, client: Client) -> tuple[str, Any]:
    """A way to log in, and the headers of such requests."""
    headers = {}
    if request.param == "session":
        client.force_login(user)
    elif request.param == "password":
        headers = basic("ANN@example.org", PASSWORD)
    elif request.param == "token":
        headers = {"Authorization": f"Bearer {AccessToken.objects.issue(user, 'way')[1]}"}
    return request.param, headers


# The status of each action by the way to log in: anonymous, session, password, token.
WAYS = ("anonymous", "session", "password", "token")
ACTIONS = {
    ("get", "list"): (401, 200, 200, 200),
    ("post", "list"): (401, 201, 201, 403),
    ("delete", "list"): (401, 204, 204, 204),
    ("delete", "own"): (401, 204, 204, 204),
    ("delete", "others"): (401, 404, 404, 404),
    ("delete", "none"): (401, 404, 404, 404),
    ("delete", "nonsense"): (401, 404, 404, 404),
}


@pytest.mark.parametrize(("method", "target"), ACTIONS)
def test_matrix(
    client: Client, own: AccessToken, others: AccessToken, way: Any, method: str, target: str
) -> None:
    name, headers = way
    address = {
        "list": LIST,
        "own": f"{LIST}{own.pk}/",
        "others": f"{LIST}{others.pk}/",
        "none": f"{LIST}8f9b9c62-3c0f-4b5e-9a51-0f6f8f0e8d2a/",
        "nonsense": f"{LIST}nonsense/",
    }[target]
    before = AccessToken.objects.filter(user=own.user).count()
    answer = getattr(client, method)(address, content_type="application/json", headers=headers)
    assert answer.status_code == ACTIONS[method, target][WAYS.index(name)]
    assert AccessToken.objects.filter(pk=others.pk).exists()
    left = AccessToken.objects.filter(user=own.user).count()
    if answer.status_code >= 400 or method == "get":
        assert left == before
        assert "secret" not in answer.content.decode()
    else:
        assert left == {"list": before + 1 if method == "post" else 0, "own": before - 1}[target]
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_new_token_is_shown_once_and_logs_in(client: Client, user: User) -> None:
    made = client.post(
        LIST,
        {"name": "player", "days": 30},
        "application/json",
        headers=basic(user.email, PASSWORD),
    ).json()
    assert list(made) == ["id", "name", "created", "expires", "last_used", "token"]
    headers = {"Authorization": f"Bearer {made['token']}"}
    (listed,) = client.get(LIST, headers=headers).json()
    assert listed["name"] == "player"
    assert listed["id"] == made["id"]
    assert "token" not in listed and "digest" not in listed
    assert client.delete(f"{LIST}{made['id']}/", headers=headers).status_code == 204
    assert client.get(LIST, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"days": 0}, "days"),
        ({"days": 36_501}, "days"),
        ({"days": "soon"}, "days"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0"}, "name"),
        ({"expires": None}, "expires"),
        ([], "non_field_errors"),
    ],
)
def test_what_is_wrong_is_a_400_with_its_field(
    client: Client, user: User, body: Any, field: str
) -> None:
    client.force_login(user)
    answer = client.post(LIST, body, "application/json")
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        basic("ann@example.org", "wrong"),
        basic("bob@example.org", PASSWORD),
        basic("ann\0@example.org", PASSWORD),
        basic("ann@example.org", "a\0"),
        {"Authorization": "Basic"},
        {"Authorization": "Basic YQ=="},
        {"Authorization": "Basic \xff"},
        {"Authorization": "Basic /////w=="},
    ],
)
def test_another_password_is_a_401(client: Client, user: User, headers: dict[str, str]) -> None:
    assert client.post(LIST, headers=headers).status_code == 401
    assert not AccessToken.objects.exists()


def test_a_password_logs_in_nowhere_else(client: Client, user: User) -> None:
    headers = basic(user.email, PASSWORD)
    assert client.get("/api/prompts/", headers=headers).status_code == 401


def test_a_session_needs_a_csrf_token(user: User, own: AccessToken) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.post(LIST).status_code == 403
    assert client.delete(LIST).status_code == 403
    assert list(AccessToken.objects.all()) == [own]


def test_a_user_has_so_many_tokens_at_most(client: Client, user: User) -> None:
    for _ in range(MOST_TOKENS):
        AccessToken.objects.create(user)
    client.force_login(user)
    answer = client.post(LIST, {}, "application/json")
    assert (answer.status_code, list(answer.json())) == (400, ["non_field_errors"])
