"""Access tokens: how a program logs in for a user. django-rest-knox makes them."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from knox.crypto import hash_token
from knox.models import AuthTokenManager

if TYPE_CHECKING:
    from .models import AccessToken, User

MOST_DAYS = 36_500
MOST_TOKENS = 100
TOO_MANY = f"A user may have {MOST_TOKENS} tokens: revoke one first."
# `last_used` is written at most this often.
NOTED_EVERY = timedelta(hours=1)
# Of a token and its user for most requests; the rest is read when it is asked for.
NEEDED = (
    "expiry",
    "last_used",
    *(f"user__{name}" for name in ("email", "is_active", "is_staff", "is_superuser")),
)


class AccessTokenManager(AuthTokenManager):  # type: ignore[misc]
    def issue(
        self, user: "User", name: str = "", days: int | None = None
    ) -> tuple["AccessToken", str]:
        """A new token and its secret, which can't be read again later.

        It expires after so many days, or after the setting TOKEN_DAYS (0 for never). Tokens of the
        user that have expired are deleted. Raise ValidationError for a bad name or number of days,
        or when the user has too many tokens.
        """
        days = settings.TOKEN_DAYS if days is None else days
        if not 0 <= days <= MOST_DAYS or (days == 0 and settings.TOKEN_DAYS):
            raise ValidationError({"days": f"Enter a number of days from 1 to {MOST_DAYS}."})
        self.model(user=user, name=name).full_clean(exclude=["digest", "token_key"])
        self.filter(user=user, expiry__lte=timezone.now()).delete()
        if self.has_most(user):
            raise ValidationError(TOO_MANY)
        expiry = timedelta(days=days) if days else None
        token, secret = self.create(user, expiry=expiry, name=name)
        return token, secret

    def has_most(self, user: "User") -> bool:
        count: int = self.filter(user=user).exclude(expiry__lte=timezone.now()).count()
        return count >= MOST_TOKENS

    def valid(self, secret: str) -> "AccessToken | None":
        """The token with that secret and its user; none if it has expired or its user is inactive.

        By its digest in one query. django-rest-knox would ask for all tokens of the user besides,
        at every request, to delete those that have expired.
        """
        token: AccessToken | None
        found = self.select_related("user").filter(digest=hash_token(secret))
        token = found.only(*NEEDED).first()
        if token is None or not token.user.is_active:
            return None
        return None if token.expiry and token.expiry <= timezone.now() else token

    def note_use(self, token: "AccessToken") -> None:
        now = timezone.now()
        if token.last_used is None or token.last_used < now - NOTED_EVERY:
            self.filter(pk=token.pk).update(last_used=now)
