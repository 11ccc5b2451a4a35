"""Which requests count for whom, and what one too many is answered."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from vibomat.accounts.models import AccessToken, User
from vibomat.throttling.models import Bucket
from vibomat.throttling.rates import SCOPES, read_rates
from vibomat.throttling.scopes import scope_of
from vibomat.throttling.throttles import network_of

pytestmark = pytest.mark.django_db

SUGGEST = "/api/search/suggest/?q=a"


@pytest.fixture
def rates(settings: Any) -> Any:
    def set_rates(text: str) -> None:
        settings.THROTTLE_RATES = read_rates(text)

    return set_rates


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ann@example.org")


def keys() -> set[str]:
    found = set(Bucket.objects.values_list("key", flat=True))
    Bucket.objects.all().delete()
    return found


# By request: the scope it counts for besides `all`.
REQUESTS = {
    ("get", "/"): "search",
    ("head", "/"): "search",
    ("get", "/api/search/?q=a"): "search",
    ("get", SUGGEST): "search",
    ("get", "/api/archives/"): "search",
    ("post", "/api/archives/"): "",
    ("get", "/api/archives/8f9b9c62-3c0f-4b5e-9a51-0f6f8f0e8d2a/"): "",
    ("post", "/api/archives/import/"): "import",
    ("post", "/api/archives/8f9b9c62-3c0f-4b5e-9a51-0f6f8f0e8d2a/resolve/"): "resolve",
    ("post", "/api/search/resolve/"): "resolve",
    ("get", "/api/prompts/"): "prompts",
    ("post", "/api/prompts/"): "prompts",
    ("post", "/api/prompts/similar/"): "prompts",
    ("get", "/api/tracks/8f9b9c62-3c0f-4b5e-9a51-0f6f8f0e8d2a/"): "",
    ("get", "/api/tokens/"): "login",
    ("post", "/api/tokens/"): "login",
    ("delete", "/api/tokens/8f9b9c62-3c0f-4b5e-9a51-0f6f8f0e8d2a/"): "login",
    ("get", "/admin/login/"): "login",
    ("post", "/admin/login/"): "login",
    ("get", "/login/"): "login",
    ("post", "/login/"): "login",
    ("post", "/logout/"): "",
    ("get", "/admin/"): "",
    ("get", "/api/schema/"): "",
    ("get", "/api/docs/"): "",
}


@pytest.mark.parametrize(("method", "address"), REQUESTS)
def test_every_request_counts_for_its_address_and_its_user(
    client: Client, user: User, rates: Any, method: str, address: str
) -> None:
    rates(",".join(f"{scope}=1000/min" for scope in SCOPES))
    scopes = {"all", REQUESTS[method, address]} - {""}
    getattr(client, method)(address)
    assert keys() == {f"{scope} address 127.0.0.1" for scope in scopes}
    client.force_login(user)
    getattr(client, method)(address)
    found = keys()
    assert {key for key in found if "user" not in key} == {
        f"{scope} address 127.0.0.1" for scope in scopes
    }
    if address.startswith("/api/"):
        assert {key for key in found if "user" in key} == {
            f"{scope} user {user.pk}" for scope in scopes
        }


@pytest.mark.parametrize("address", ["/health/", "/health/ready/", "/metrics/"])
def test_health_and_metrics_do_not_count(client: Client, rates: Any, address: str) -> None:
    rates("all=1/day")
    for _ in range(3):
        assert client.get(address).status_code == 200


def test_every_view_has_a_scope_that_has_a_rate() -> None:
    def views(patterns: Any) -> Iterator[Any]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from views(pattern.url_patterns)
            elif isinstance(pattern, URLPattern):
                yield pattern.callback

    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    scopes = {
        scope_of(view, method) for view in views(get_resolver().url_patterns) for method in methods
    }
    assert scopes == {"", *SCOPES} - {"all"}


def test_one_too_many_is_a_429_with_retry_after(client: Client, rates: Any) -> None:
    rates("search=2/min")
    assert [client.get(SUGGEST).status_code for _ in range(3)] == [200, 200, 429]
    answer = client.get(SUGGEST)
    assert answer.headers["Retry-After"] == "30"
    assert answer.json() == {"detail": "Request was throttled. Expected available in 30 seconds."}
    page = client.get("/?q=a")
    assert (page.status_code, page.headers["Retry-After"]) == (429, "30")
    assert page.headers["Content-Type"] == "text/plain"
    assert client.get("/api/schema/").status_code == 200
    assert client.get(SUGGEST, REMOTE_ADDR="10.0.0.1").status_code == 200


@pytest.mark.parametrize("way", ["session", "token"])
def test_a_user_has_a_limit_whatever_the_address(user: User, rates: Any, way: str) -> None:
    rates("search=2/min")
    client = Client()
    headers = {}
    if way == "session":
        client.force_login(user)
    else:
        headers = {"Authorization": f"Bearer {AccessToken.objects.issue(user)[1]}"}
    statuses = [
        client.get(SUGGEST, headers=headers, REMOTE_ADDR=f"10.0.0.{number}").status_code
        for number in range(3)
    ]
    assert statuses == [200, 200, 429]


def test_bad_tokens_and_passwords_count_before_they_are_looked_at(
    client: Client, user: User, rates: Any
) -> None:
    rates("all=2/min")
    headers = {"Authorization": "Bearer nonsense"}
    assert [client.get(SUGGEST, headers=headers).status_code for _ in range(2)] == [401, 401]
    with CaptureQueriesContext(connection) as queries:
        assert client.get(SUGGEST, headers=headers).status_code == 429
    assert len(queries) == 1


def test_logging_in_has_a_limit_that_both_pages_share(client: Client, rates: Any) -> None:
    rates("login=2/min")
    given = {"username": "ann@example.org", "password": "wrong"}
    pages = ("/admin/login/", "/login/", "/login/", "/admin/login/")
    assert [client.post(page, given).status_code for page in pages] == [200, 200, 429, 429]


def test_without_rates_nothing_is_asked_of_the_database(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/api/schema/").status_code == 200
    assert len(queries) == 0


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "10.0.0.1", "127.0.0.1"),
        (1, "10.0.0.1", "10.0.0.1"),
        (1, "6.6.6.6, 10.0.0.1", "10.0.0.1"),
        (2, "6.6.6.6, 10.0.0.1, 10.0.0.2", "10.0.0.1"),
        (1, None, "127.0.0.1"),
        (1, "x" * 1000, "x" * 100),
        (1, "", ""),
    ],
)
def test_proxies_tell_the_address(
    client: Client, rates: Any, settings: Any, proxies: int, forwarded: str | None, address: str
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    rates("all=1000/min")
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    client.get("/api/schema/", headers=headers)
    assert keys() == {f"all address {address}"}


def test_addresses_of_ipv6_count_by_the_64() -> None:
    assert network_of("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert network_of("::ffff:10.0.0.1") == "10.0.0.1"
    assert network_of(None) == ""
