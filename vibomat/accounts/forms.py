"""Forms of the admin for users."""

from typing import Any

from django.contrib.auth.forms import (
    AdminUserCreationForm,
    ReadOnlyPasswordHashField,
    ReadOnlyPasswordHashWidget,
)
from django.contrib.auth.forms import UserChangeForm as DjangoUserChangeForm

from .models import User


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

    class Meta:
        model = User
        fields = "__all__"
