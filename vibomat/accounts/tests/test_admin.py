"""The admin's pages for users."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from vibomat.accounts.models import User

LIST = "admin:accounts_user_changelist"


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("admin@example.org"))
    return client


def form_data(user: User, **changes: object) -> dict[str, object]:
    data = {
        "email": user.email,
        "is_active": "on",
        "is_public": "on",
        "favorite_artists": "[]",
        "unskippable_albums": "[]",
    }
    return data | changes


def test_the_log_in_page_takes_the_address_in_any_case(client: Client, db: None) -> None:
    User.objects.create_superuser("admin@example.org", "a fine password")
    answer = client.post(
        reverse("admin:login"),
        {"username": "ADMIN@example.org", "password": "a fine password"},
    )
    assert answer.status_code == 302


@pytest.mark.parametrize("field", ["email", "handle", "first_name", "last_name"])
def test_users_are_found_by_address_handle_and_name(admin: Client, field: str) -> None:
    values = {"email": "other@example.org", field: f"needle-{field}@example.org"}
    found = User.objects.create_user(**values)
    answer = admin.get(reverse(LIST), {"q": "NEEDLE"})
    assert list(answer.context["cl"].queryset) == [found]


def test_the_list_takes_as_many_queries_for_many_users_as_for_one(
    admin: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(30):
        User.objects.create(email=f"user{n}@example.org")
    with django_assert_max_num_queries(8):
        assert admin.get(reverse(LIST)).status_code == 200


def test_a_user_is_created_with_a_password(admin: Client) -> None:
    answer = admin.post(
        reverse("admin:accounts_user_add"),
        {
            "email": "Ann@Example.org",
            "usable_password": "true",
            "password1": "a fine password",
            "password2": "a fine password",
        },
    )
    assert answer.status_code == 302
    assert User.objects.get(email="Ann@example.org").check_password("a fine password")


@pytest.mark.parametrize("email", ["ADMIN@example.org", "a\0@example.org", "ann"])
def test_a_bad_or_taken_address_is_told_in_the_form(admin: Client, email: str) -> None:
    data = {"usable_password": "false", "email": email}
    answer = admin.post(reverse("admin:accounts_user_add"), data)
    assert answer.status_code == 200
    assert answer.context["adminform"].errors
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("handle", "a\0"),
        ("first_name", "a" * 300),
        ("favorite_artists", '{"a": 1}'),
        ("favorite_artists", '["\\u0000"]'),
        ("favorite_artists", '["\\ud800"]'),
        ("unskippable_albums", "[NaN]"),
        ("unskippable_albums", "["),
        ("unskippable_albums", "[" * 10_000),
        ("email", "ADMIN@example.org"),
    ],
)
def test_a_bad_value_is_told_in_the_form(admin: Client, field: str, value: str) -> None:
    user = User.objects.create_user("ann@example.org")
    url = reverse("admin:accounts_user_change", args=[user.pk])
    answer = admin.post(url, form_data(user, **{field: value}))
    assert answer.status_code == 200
    assert answer.context["adminform"].errors
    assert User.objects.get(pk=user.pk).email == "ann@example.org"


def test_a_user_is_changed_and_an_empty_handle_stays_null(admin: Client) -> None:
    user = User.objects.create_user("ann@example.org")
    url = reverse("admin:accounts_user_change", args=[user.pk])
    answer = admin.post(url, form_data(user, favorite_artists='["Air"]', last_name="Lee"))
    assert answer.status_code == 302
    user.refresh_from_db()
    assert (user.favorite_artists, user.last_name, user.handle) == (["Air"], "Lee", None)
    admin.post(url, form_data(user, favorite_artists=""))
    user.refresh_from_db()
    assert user.favorite_artists == []


@pytest.mark.parametrize("hashed", ["argon2$argon2id", "bcrypt$$2b$12", "$2b$12$x", "", "plain"])
def test_a_malformed_hash_can_be_looked_at_and_replaced(admin: Client, hashed: str) -> None:
    user = User.objects.create(email="ann@example.org", password=hashed)
    url = reverse("admin:accounts_user_change", args=[user.pk])
    assert admin.get(url).status_code == 200
    answer = admin.post(
        reverse("admin:auth_user_password_change", args=[user.pk]),
        {"usable_password": "true", "password1": "a fine password", "password2": "a fine password"},
    )
    assert answer.status_code == 302
    user.refresh_from_db()
    assert user.check_password("a fine password")
