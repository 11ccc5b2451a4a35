"""A user is one person per e-mail address, whatever its case, and bad input is told clearly."""

import json
import threading
from typing import Any

import bcrypt
import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from vibomat.accounts.models import User
from vibomat.accounts.validators import validate_list

TAKEN = "A user with this e-mail address already exists."


@pytest.mark.django_db
class TestCreating:
    def test_a_user_has_a_uuid_an_argon2_hash_and_empty_lists(self) -> None:
        user = User.objects.create_user("Ann@Example.ORG", "a fine password")
        user.refresh_from_db()
        assert user.email == "Ann@example.org"
        assert user.pk.version == 4
        assert user.password.startswith("argon2$argon2id$")
        assert (user.favorite_artists, user.unskippable_albums) == ([], [])
        assert (user.is_public, user.is_active) == (True, True)
        assert (user.is_verified, user.is_staff, user.is_superuser) == (False, False, False)
        assert user.date_joined is not None
        assert user.handle is None

    def test_without_a_password_nobody_can_log_in(self) -> None:
        assert not User.objects.create_user("ann@example.org").has_usable_password()

    @pytest.mark.parametrize(
        "email",
        [
            "",
            "ann",
            "ann\0@example.org",
            "ann@exam\0ple.org",
            "ann@\ud800.org",
            "a" * 320 + "@example.org",
        ],
    )
    def test_a_bad_address_is_a_validation_error_of_email(self, email: str) -> None:
        with pytest.raises(ValidationError) as caught:
            User.objects.create_user(email)
        assert list(caught.value.message_dict) == ["email"]

    @pytest.mark.parametrize("name", ["handle", "first_name", "last_name"])
    @pytest.mark.parametrize("value", ["\0", "a\ud800", "a" * 256])
    def test_a_bad_name_is_a_validation_error_of_its_field(self, name: str, value: str) -> None:
        with pytest.raises(ValidationError) as caught:
            User.objects.create_user("ann@example.org", **{name: value})
        assert list(caught.value.message_dict) == [name]

    @pytest.mark.parametrize(
        "value",
        [
            "text",
            {"a": 1},
            ["\0"],
            [{"\0": 1}],
            ["\ud800"],
            [float("nan")],
            [float("inf")],
            [object()],
        ],
    )
    def test_what_is_no_list_or_no_jsonb_is_a_validation_error(self, value: Any) -> None:
        with pytest.raises(ValidationError) as caught:
            User.objects.create_user("ann@example.org", favorite_artists=value)
        assert list(caught.value.message_dict) == ["favorite_artists"]

    def test_no_list_is_an_empty_one(self) -> None:
        user = User.objects.create_user("ann@example.org", favorite_artists=None)
        assert user.favorite_artists == []

    def test_handles_are_unique_and_may_be_missing(self) -> None:
        User.objects.create_user("a@example.org", handle="ann")
        User.objects.create_user("b@example.org")
        User.objects.create_user("c@example.org")
        with pytest.raises(ValidationError, match="this handle already exists"):
            User.objects.create_user("d@example.org", handle="ann")

    def test_names_are_made_of_what_is_there(self) -> None:
        user = User(email="ann@example.org")
        assert (user.get_full_name(), user.get_short_name()) == ("", "ann@example.org")
        user.handle, user.last_name = "annie", "Lee"
        assert (user.get_full_name(), user.get_short_name()) == ("Lee", "annie")


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.floats(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_every_value_is_either_refused_or_round_trips(value: Any) -> None:
    try:
        validate_list(value)
    except ValidationError:
        return
    assert "\\u0000" not in json.dumps(value).replace("\\\\", "")
    assert json.loads(json.dumps(value).encode("utf-8")) == value


@pytest.mark.django_db
class TestOnePersonPerAddress:
    def test_another_case_is_refused_with_a_clear_message(self) -> None:
        User.objects.create_user("ann@example.org")
        for email in ("ann@example.org", "ANN@example.org", "Ann@EXAMPLE.org"):
            with pytest.raises(ValidationError, match=TAKEN):
                User.objects.create_user(email)

    def test_the_database_refuses_another_case_from_plain_sql(self) -> None:
        User.objects.create_user("ann@example.org")
        User.objects.create_user("bob@example.org")
        with pytest.raises(IntegrityError, match="user_email_lower_unique"):
            User.objects.filter(email="bob@example.org").update(email="ANN@example.org")

    def test_log_in_takes_any_case(self) -> None:
        user = User.objects.create_user("Ann@example.org", "a fine password")
        assert authenticate(username="aNN@EXAMPLE.org", password="a fine password") == user
        assert authenticate(username="ann@example.org", password="A fine password") is None

    @pytest.mark.parametrize("email", ["", "\0", "ann\0@example.org", "\ud800", "x" * 100_000])
    def test_log_in_with_an_impossible_address_fails_quietly(self, email: str) -> None:
        assert authenticate(username=email, password="a fine password") is None
        assert not AuthenticationForm(data={"username": email, "password": "x"}).is_valid()

    def test_finding_a_user_by_address_uses_the_unique_index(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        with (
            CaptureQueriesContext(connection) as queries,
            pytest.raises(User.DoesNotExist),
        ):
            User.objects.get_by_natural_key("ANN@example.org")
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + queries[0]["sql"])
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Index Scan using user_email_lower_unique" in plan


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("emails", [("ann@example.org", "ANN@example.org")])
def test_of_two_who_sign_up_at_once_one_is_told(
    emails: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    both_checked = threading.Barrier(2, timeout=10)
    full_clean = User.full_clean

    def check_together(user: User, **kwargs: Any) -> None:
        full_clean(user, **kwargs)
        both_checked.wait()

    monkeypatch.setattr(User, "full_clean", check_together)
    errors: list[Exception] = []

    def sign_up(email: str) -> None:
        try:
            User.objects.create_user(email)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=sign_up, args=[email]) for email in emails]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert User.objects.count() == 1
    assert [type(error) for error in errors] == [ValidationError]
    assert TAKEN in str(errors[0])


@pytest.mark.django_db
class TestPasswords:
    @pytest.mark.parametrize("hashed", [
        "", "plain", "argon2$", "argon2$argon2id", "argon2$argon2id$v=19$m=1", "bcrypt$",
        "bcrypt$$2b$12$short", "bcrypt$$2b$xx$" + "a" * 53, "bcrypt$$2b$\u00fc", "$2b$12$x",
        "pbkdf2_sha256$x$y", "md5$a$b",
    ])  # fmt: skip
    def test_a_malformed_hash_has_no_password(self, hashed: str) -> None:
        assert not User(password=hashed).check_password("secret")

    def test_an_older_bcrypt_hash_of_a_long_password_is_accepted(self) -> None:
        password = "\u00fc" * 50
        hashed = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
        user = User.objects.create(email="ann@example.org", password=f"bcrypt${hashed}")
        assert authenticate(username="ann@example.org", password=password) == user
        user.refresh_from_db()
        assert user.password.startswith("argon2$")


@pytest.mark.django_db
class TestCreateSuperuser:
    def test_it_makes_somebody_who_may_enter_the_admin(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a fine password")
        call_command("createsuperuser", email="ann@example.org", interactive=False, verbosity=0)
        user = User.objects.get()
        assert (user.is_staff, user.is_superuser, user.is_verified) == (True, True, True)
        assert user.check_password("a fine password")

    @pytest.mark.parametrize(
        ("email", "message"),
        [
            ("ANN@example.org", "already"),
            ("ann", "Enter a valid email address"),
            ("a\0@example.org", "(?i)valid email|null"),
            ("a@\ud800.org", "surrogates"),
        ],
    )
    def test_it_says_what_is_wrong_in_one_line(self, email: str, message: str) -> None:
        User.objects.create_user("ann@example.org")
        with pytest.raises(CommandError, match=message):
            call_command("createsuperuser", email=email, interactive=False, verbosity=0)

    def test_a_superuser_is_always_staff(self) -> None:
        with pytest.raises(ValueError, match="needs is_staff"):
            User.objects.create_superuser("ann@example.org", is_staff=False)
