"""A token logs its user in until it expires, is deleted, or the user is inactive."""

import hashlib
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import path
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from vibomat.accounts.models import AccessToken, User


@api_view(["GET", "POST"])
@permission_classes([IsAuthenticated])
def whoami(request: Request) -> Response:
    return Response({"email": str(request.user)})


urlpatterns = [path("whoami/", whoami)]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ann@example.org")


def status(client: Client, authorization: str) -> int:
    return client.get("/whoami/", headers={"Authorization": authorization}).status_code


def test_only_a_digest_is_stored(user: User) -> None:
    token, secret = AccessToken.objects.issue(user, "player")
    assert re.fullmatch("vibomat_[0-9a-f]{64}", secret)
    token.refresh_from_db()
    assert token.digest == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(AccessToken.objects.values().get())
    assert token.token_key == secret[:15]


def test_a_token_logs_its_user_in_with_one_query(
    client: Client, user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token, secret = AccessToken.objects.issue(user)
    response = client.post("/whoami/", headers={"Authorization": f"Bearer {secret}"})
    assert response.json() == {"email": "ann@example.org"}
    token.refresh_from_db()
    first_used = token.last_used
    assert first_used is not None
    AccessToken.objects.issue(user)
    with django_assert_num_queries(1):
        assert status(client, f"bearer {secret}") == 200
    token.refresh_from_db()
    assert token.last_used == first_used


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer x", "Bearer x y", "Bearer \xff\xfe", "Bearer a\0b", "Bearer " + "x" * 9000],
)
def test_any_other_token_is_a_401(client: Client, user: User, authorization: str) -> None:
    AccessToken.objects.issue(user)
    response = client.get("/whoami/", headers={"Authorization": authorization})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("authorization", ["Basic YTpi", "Token x", ""])
def test_other_schemes_are_no_tokens(client: Client, user: User, authorization: str) -> None:
    assert status(client, authorization) == 401
    client.force_login(user)
    assert status(client, authorization) == 200


def test_an_expired_deleted_or_inactive_users_token_is_a_401(client: Client, user: User) -> None:
    _, expired = AccessToken.objects.issue(user, days=1)
    assert status(client, f"Bearer {expired}") == 200
    AccessToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    token, secret = AccessToken.objects.issue(user)
    assert status(client, f"Bearer {expired}") == 401
    User.objects.update(is_active=False)
    assert status(client, f"Bearer {secret}") == 401
    User.objects.update(is_active=True)
    assert status(client, f"Bearer {secret}") == 200
    token.delete()
    assert status(client, f"Bearer {secret}") == 401


def test_expired_tokens_make_room_for_a_new_one(user: User, monkeypatch: Any) -> None:
    monkeypatch.setattr("vibomat.accounts.tokens.MOST_TOKENS", 2)
    AccessToken.objects.issue(user)
    expired, _ = AccessToken.objects.issue(user)
    with pytest.raises(ValidationError):
        AccessToken.objects.issue(user)
    AccessToken.objects.filter(pk=expired.pk).update(expiry=timezone.now())
    assert not AccessToken.objects.has_most(user)
    AccessToken.objects.issue(user)
    assert AccessToken.objects.count() == 2
    assert not AccessToken.objects.filter(pk=expired.pk).exists()


def test_a_session_needs_a_csrf_token_and_an_access_token_does_not(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.post("/whoami/").status_code == 403
    _, secret = AccessToken.objects.issue(user)
    assert client.post("/whoami/", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


@pytest.mark.parametrize("name", ["a\0", "\udcff", "x" * 101])
def test_a_bad_name_is_an_error_of_name(user: User, name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        AccessToken.objects.issue(user, name)
    assert list(caught.value.message_dict) == ["name"]


class TestCommand:
    def test_it_prints_the_secret_alone(self, client: Client, user: User) -> None:
        printed = StringIO()
        call_command(
            "create_token", "ANN@example.org", "--name", "player", "--days", "30", stdout=printed
        )
        token = AccessToken.objects.get()
        assert token.name == "player"
        assert token.expiry is not None
        assert timedelta(days=29) < token.expiry - timezone.now() <= timedelta(days=30)
        assert status(client, f"Bearer {printed.getvalue().strip()}") == 200

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["bob@example.org"], "There is no user 'bob@example.org'"),
            (["a\0"], "There is no user"),
            (["ann@example.org", "--days", "0"], "--days must be from 1 to 36500"),
            (["ann@example.org", "--days", "99999999999"], "--days must be from 1 to 36500"),
            (["ann@example.org", "--name", "\udcff"], "Null characters and lone surrogates"),
        ],
    )
    def test_what_is_wrong_is_one_line(
        self, user: User, arguments: list[str], message: str
    ) -> None:
        with pytest.raises(CommandError, match=message):
            call_command("create_token", *arguments)
        assert not AccessToken.objects.exists()

    def test_an_inactive_user_gets_none(self, user: User) -> None:
        User.objects.update(is_active=False)
        with pytest.raises(CommandError, match="is not active"):
            call_command("create_token", "ann@example.org")


def test_a_token_from_before_knox_stays_good(client: Client, user: User) -> None:
    secret = "vibomat_" + "yY-_" * 10 + "abc"
    AccessToken.objects.create(user)
    AccessToken.objects.update(digest=hashlib.sha256(secret.encode()).hexdigest(), token_key="")
    assert status(client, f"Bearer {secret[:-1]}") == 401
    assert status(client, f"Bearer {secret}") == 200


@pytest.mark.parametrize(("setting", "expires"), [(7, True), (0, False)])
def test_tokens_expire_after_the_settings_days(
    user: User, settings: Any, setting: int, expires: bool
) -> None:
    settings.TOKEN_DAYS = setting
    token, _ = AccessToken.objects.issue(user)
    assert (token.expiry is not None) == expires
    if token.expiry:
        assert timedelta(days=6) < token.expiry - timezone.now() <= timedelta(days=7)


@pytest.mark.urls("vibomat.urls")
def test_the_admin_lists_and_deletes_tokens_without_their_digests(
    admin_client: Client, user: User
) -> None:
    token, _ = AccessToken.objects.issue(user, "player")
    address = "/admin/accounts/accesstoken/"
    page = admin_client.get(address).content.decode()
    assert "player" in page
    assert token.digest not in page
    assert token.digest not in admin_client.get(f"{address}{token.pk}/change/").content.decode()
    admin_client.post(f"{address}{token.pk}/delete/", {"post": "yes"})
    assert not AccessToken.objects.exists()


@pytest.mark.urls("vibomat.urls")
class TestAdmin:
    ADD = "/admin/accounts/accesstoken/add/"

    def test_a_superuser_makes_one_and_sees_it_once(
        self, client: Client, admin_client: Client, user: User
    ) -> None:
        given = {"user": user.pk, "name": "player", "days": "30"}
        page = admin_client.post(self.ADD, given, follow=True).content.decode()
        (secret,) = re.findall("vibomat_[0-9a-f]{64}", page)
        token = AccessToken.objects.get()
        assert (token.user, token.name) == (user, "player")
        assert token.digest == hashlib.sha256(secret.encode()).hexdigest()
        assert secret not in admin_client.get("/admin/accounts/accesstoken/").content.decode()

    def test_others_make_none_there(self, client: Client, user: User) -> None:
        User.objects.update(is_staff=True)
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
        client.force_login(user)
        assert client.get("/admin/accounts/accesstoken/").status_code == 200
        assert client.get(self.ADD).status_code == 403
        assert client.post(self.ADD, {"user": user.pk}).status_code == 403

    @pytest.mark.parametrize(
        ("field", "given"),
        [
            ("days", {"days": "0"}),
            ("days", {"days": "36501"}),
            ("name", {"name": "x" * 101}),
            ("user", {"user": ""}),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(
        self, admin_client: Client, user: User, field: str, given: dict[str, str]
    ) -> None:
        answer = admin_client.post(self.ADD, {"user": user.pk, "name": ""} | given)
        assert list(answer.context["adminform"].form.errors) == [field]
        assert not AccessToken.objects.exists()

    def test_an_inactive_user_gets_none(self, admin_client: Client, user: User) -> None:
        User.objects.filter(pk=user.pk).update(is_active=False)
        answer = admin_client.post(self.ADD, {"user": user.pk, "name": ""})
        assert list(answer.context["adminform"].form.errors) == ["user"]
