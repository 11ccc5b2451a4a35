"""Every address that there is, by who asks: nobody, a user, another user, staff, a superuser."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from drf_spectacular.generators import SchemaGenerator

from archives.models import Archive, Visibility
from embeddings.models import Interaction, Kind
from search.models import Artist, Track
from vibomat.accounts.models import AccessToken, User

pytestmark = pytest.mark.django_db

VIEWERS = ("anonymous", "owner", "other", "staff", "superuser")
ANYBODY = (200, 200, 200, 200, 200)
# Of a private archive, and of a prompt: hidden from all but its owner and superusers.
OWN = (404, 200, 404, 404, 200)
# The statuses by operation, for the viewers in their order. {id} is the owner's.
API = {
    ("get", "/api/search/"): ANYBODY,
    ("get", "/api/search/suggest/"): ANYBODY,
    ("post", "/api/search/resolve/"): ANYBODY,
    ("get", "/api/artists/{id}/"): ANYBODY,
    ("get", "/api/tracks/{id}/"): ANYBODY,
    ("get", "/api/archives/"): ANYBODY,
    ("post", "/api/archives/"): (401, 201, 201, 201, 201),
    ("get", "/api/archives/{id}/"): OWN,
    ("put", "/api/archives/{id}/"): (401, 200, 404, 404, 403),
    ("patch", "/api/archives/{id}/"): (401, 200, 404, 404, 403),
    ("delete", "/api/archives/{id}/"): (401, 204, 404, 404, 403),
    ("post", "/api/archives/{id}/derive/"): (401, 201, 404, 404, 201),
    ("get", "/api/archives/{id}/export/"): OWN,
    ("post", "/api/archives/{id}/resolve/"): (401, 200, 404, 404, 200),
    ("post", "/api/archives/{id}/restore/"): (401, 200, 404, 404, 403),
    ("post", "/api/archives/import/"): (401, 400, 400, 400, 400),
    ("get", "/api/archives/paths/"): ANYBODY,
    ("get", "/api/prompts/"): (401, 200, 200, 200, 200),
    ("post", "/api/prompts/"): (401, 201, 201, 201, 201),
    ("get", "/api/prompts/{id}/"): (401, 200, 404, 404, 200),
    ("delete", "/api/prompts/{id}/"): (401, 204, 404, 404, 204),
    ("get", "/api/prompts/{id}/similar/"): (401, 503, 404, 404, 503),
    ("post", "/api/prompts/similar/"): (401, 503, 503, 503, 503),
    ("get", "/api/tokens/"): (401, 200, 200, 200, 200),
    ("post", "/api/tokens/"): (401, 201, 201, 201, 201),
    ("delete", "/api/tokens/"): (401, 204, 204, 204, 204),
    ("delete", "/api/tokens/{id}/"): (401, 204, 404, 404, 404),
}
# Others that the documentation does not list, and what they answer to GET.
OTHERS = {
    "search-page": ANYBODY,
    "login": ANYBODY,
    "logout": (405, 405, 405, 405, 405),
    "schema": ANYBODY,
    "docs": ANYBODY,
    "favicon": (302, 302, 302, 302, 302),
    "alive": ANYBODY,
    "ready": ANYBODY,
    "metrics": (401, 401, 401, 401, 401),
}
BODIES: dict[str, Any] = {
    "/api/search/resolve/": {"tracks": []},
    "/api/archives/": {"name": "New"},
    "/api/archives/{id}/": {"name": "New", "content": {}},
    "/api/prompts/": {"text": "music for rain", "kind": "prompt"},
    "/api/prompts/similar/": {"text": "music", "mode": "vector"},
}
OPERATIONS = list(API)


@pytest.fixture
def clients(db: None) -> dict[str, Client]:
    clients = {viewer: Client() for viewer in VIEWERS}
    for viewer in VIEWERS[1:]:
        user = User.objects.create(
            email=f"{viewer}@example.org",
            is_staff=viewer in ("staff", "superuser"),
            is_superuser=viewer == "superuser",
        )
        clients[viewer].force_login(user)
    return clients


def id_for(path: str) -> str:
    owner = User.objects.get(email="owner@example.org")
    kind = path.split("/")[2]
    row: Any
    if kind == "archives":
        row = Archive.objects.create(owner=owner, name="Own", visibility=Visibility.PRIVATE)
    elif kind == "prompts":
        row = Interaction.objects.create(user=owner, text="own", kind=Kind.PROMPT)
    elif kind == "tokens":
        row = AccessToken.objects.issue(owner)[0]
    elif kind == "artists":
        row = Artist.objects.create(name="Air")
    else:
        row = Track.objects.create(artist_credit="Air", title="Sexy Boy")
    return str(row.pk)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_api(clients: dict[str, Client], method: str, path: str) -> None:
    answers = []
    for viewer in VIEWERS:
        address = path.replace("{id}", id_for(path)) if "{id}" in path else path
        if path in ("/api/search/", "/api/search/suggest/"):
            address += "?q=air"
        if path.endswith("{id}/similar/"):
            address += "?mode=vector"
        body = {} if method == "get" else {"data": BODIES.get(path, {})}
        if method in ("post", "put", "patch"):
            body["content_type"] = "application/json"
        answer = getattr(clients[viewer], method)(address, **body, headers={"If-Match": "*"})
        answers.append(answer.status_code)
    assert tuple(answers) == API[method, path]


@pytest.mark.parametrize("name", OTHERS)
def test_pages(clients: dict[str, Client], settings: Any, name: str) -> None:
    settings.METRICS_TOKEN, settings.METRICS_ALLOW = "secret", []
    answers = tuple(clients[viewer].get(reverse(name)).status_code for viewer in VIEWERS)
    assert answers == OTHERS[name]


def test_the_admin_is_for_staff(clients: dict[str, Client]) -> None:
    for pattern in admin_pages():
        address = "/admin/" + pattern
        for viewer in VIEWERS[:3]:
            answer = clients[viewer].get(address)
            assert answer.status_code in (301, 302), address
            if answer.status_code == 302:
                assert "/admin/login/" in answer.headers["Location"]


def test_staff_without_rights_see_no_model(clients: dict[str, Client]) -> None:
    for pattern in admin_pages():
        if pattern.count("/") == 2 and not pattern.startswith("password_change"):
            assert clients["staff"].get("/admin/" + pattern).status_code in (403, 404), pattern


def admin_pages() -> Iterator[str]:
    """Addresses of the admin that take no parameter, but for logging in and out."""
    admin: Any
    (admin,) = (p for p in get_resolver().url_patterns if str(p.pattern) == "admin/")
    for below in walk(admin.url_patterns, ""):
        if "<" not in below and "(" not in below and below not in ("login/", "logout/", "jsi18n/"):
            yield below


def walk(patterns: Any, before: str) -> Iterator[str]:
    for pattern in patterns:
        whole = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, whole)
        elif isinstance(pattern, URLPattern):
            yield whole


def test_no_address_is_missing_here() -> None:
    document: Any = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    documented = {
        (method, path) for path, methods in document["paths"].items() for method in methods
    }
    assert documented - {("get", "/api/schema/")} == set(API)
    named = {
        pattern.name for pattern in get_resolver().url_patterns if isinstance(pattern, URLPattern)
    }
    assert named | {"search-page", "login", "logout"} == set(OTHERS)
