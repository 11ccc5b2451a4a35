"""Forms of the admin for users."""

import json
from typing import Any

from django import forms
from django.contrib.auth.forms import (
    AdminUserCreationForm,
    ReadOnlyPasswordHashField,
    ReadOnlyPasswordHashWidget,
)
from django.contrib.auth.forms import UserChangeForm as DjangoUserChangeForm
from django.core.exceptions import ValidationError

from .models import User
from .validators import validate_list


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
