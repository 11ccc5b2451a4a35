"""Forms for logging in, and those of the admin for users and their tokens."""

import json
from typing import Any

from django import forms
from django.contrib.auth.forms import (
    AdminUserCreationForm,
    AuthenticationForm,
    ReadOnlyPasswordHashField,
    ReadOnlyPasswordHashWidget,
)
from django.contrib.auth.forms import UserChangeForm as DjangoUserChangeForm
from django.core.exceptions import ValidationError

from .models import AccessToken, User
from .tokens import MOST_DAYS, TOO_MANY
from .validators import validate_list


class LoginForm(AuthenticationForm):
    # Django's says that the address's case may matter.
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "There is no active account with this e-mail address and password.",
    }


class ListDecoder(json.JSONDecoder):
    def decode(self, text: str, *args: Any) -> Any:
        try:
            value = super().decode(text, *args)
            validate_list(value)
        except (ValidationError, RecursionError) as error:
            raise json.JSONDecodeError("not a list that jsonb can hold", text, 0) from error
        return value


class JSONListField(forms.JSONField):
    """Checks the list while it reads it, as Django cannot show some JSON again with an error."""

    default_error_messages = {
        "invalid": "Enter a JSON list, without null characters or lone surrogates."
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(decoder=ListDecoder, **kwargs)


class PasswordHashWidget(ReadOnlyPasswordHashWidget):
    """Django's, for malformed hashes too: an older database may hold some."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        try:
            return super().get_context(name, value, attrs)
        except (ValueError, IndexError):
            return super().get_context(name, "malformed", attrs)


class UserCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email",)


class UserChangeForm(DjangoUserChangeForm):  # type: ignore[type-arg]
    password = ReadOnlyPasswordHashField(
        widget=PasswordHashWidget, help_text="The password itself is stored nowhere."
    )
    favorite_artists = JSONListField(required=False)
    unskippable_albums = JSONListField(required=False)

    class Meta:
        model = User
        fields = "__all__"


class AccessTokenForm(forms.ModelForm):  # type: ignore[type-arg]
    days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_DAYS,
        help_text="Days until it expires; otherwise the setting TOKEN_DAYS.",
    )

    class Meta:
        model = AccessToken
        fields = ("user", "name")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        user = cleaned.get("user")
        if user and not user.is_active:
            self.add_error("user", "Activate the user first.")
        elif user and AccessToken.objects.has_most(user):
            self.add_error("user", TOO_MANY)
        return cleaned

    def issue(self, token: AccessToken) -> str:
        """Store that token, and return its secret."""
        given = self.cleaned_data
        stored, secret = AccessToken.objects.issue(given["user"], given["name"], given["days"])
        token.pk = stored.pk
        return secret
