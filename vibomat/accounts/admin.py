from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest

from .forms import AccessTokenForm, UserChangeForm, UserCreationForm
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
    """A token is shown once, when it is made, and revoked by deleting it.

    Superusers only make them here: whoever has a token is its user.
    """

    form = AccessTokenForm
    autocomplete_fields = ("user",)
    list_display = ("user", "name", "created", "expiry", "last_used")
    list_select_related = ("user",)
    search_fields = ("user__email", "name")
    ordering = ("-created", "pk")

    def get_fields(self, request: HttpRequest, obj: AccessToken | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("user", "name", "days")
        return ("user", "name", "created", "expiry", "last_used")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return isinstance(request.user, User) and request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: AccessToken | None = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: AccessToken, form: AccessTokenForm, change: bool
    ) -> None:
        self.message_user(
            request,
            f"The token is {form.issue(obj)} – copy it now: it can't be shown again.",
            messages.WARNING,
        )
