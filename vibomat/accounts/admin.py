from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest

from .forms import UserChangeForm, UserCreationForm
from .models import AccessToken, User


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Profile", {"fields": ("handle", "first_name", "last_name", "is_public")}),
        ("Music", {"fields": ("favorite_artists", "unskippable_albums")}),
        (
            "Permissions",
            {
                "fields": (
                    "is_active",
                    "is_verified",
                    "is_staff",
                    "is_superuser",
                    "groups",
                    "user_permissions",
                )
            },
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "usable_password", "password1", "password2"),
            },
        ),
    )
    list_display = (
        "email",
        "handle",
        "first_name",
        "last_name",
        "is_public",
        "is_verified",
        "is_active",
        "is_staff",
    )
    list_filter = ("is_active", "is_verified", "is_public", "is_staff", "is_superuser", "groups")
    search_fields = ("email", "handle", "first_name", "last_name")
    search_help_text = "E-mail address, handle or name"
    ordering = ("email",)


@admin.register(AccessToken)
class AccessTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Tokens can be revoked here, by deleting them; `manage.py create_token` makes them."""

    list_display = ("user", "name", "created", "expires", "last_used")
    list_select_related = ("user",)
    fields = ("user", "name", "created", "expires", "last_used")
    search_fields = ("user__email", "name")
    ordering = ("-created", "pk")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AccessToken | None = None) -> bool:
        return False
