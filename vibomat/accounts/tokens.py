"""Access tokens: how a program logs in for a user. Only a digest of each is stored."""

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from .models import AccessToken, User

PREFIX = "vibomat_"
# `last_used` is written at most this often.
NOTED_EVERY = timedelta(hours=1)


def digest(secret: str) -> str:
    """SHA-256 in hexadecimal digits. A secret of 256 random bits needs no slower hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    def issue(
        self, user: "User", name: str = "", lifetime: timedelta | None = None
    ) -> tuple["AccessToken", str]:
        """A new token and its secret, which can't be read again later."""
        secret = PREFIX + secrets.token_urlsafe(32)
        expires = timezone.now() + lifetime if lifetime is not None else None
        token = self.model(user=user, name=name, digest=digest(secret), expires=expires)
        token.full_clean()
        token.save(force_insert=True)
        return token, secret

    def usable(self) -> Self:
        """Those that have not expired and whose users are active."""
        return self.filter(
            models.Q(expires=None) | models.Q(expires__gt=timezone.now()), user__is_active=True
        )

    def of_secret(self, secret: str) -> "AccessToken | None":
        """The usable token with that secret, and its user."""
        token = self.usable().select_related("user").filter(digest=digest(secret)).first()
        now = timezone.now()
        if token and (token.last_used is None or token.last_used < now - NOTED_EVERY):
            self.filter(pk=token.pk).update(last_used=now)
        return token
