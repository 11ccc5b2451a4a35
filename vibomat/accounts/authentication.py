"""How the API recognises a user: by an access token, the session of this site, or a password."""

import re
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from .models import AccessToken, User

SECRET = re.compile(rb"[\w-]{1,100}", re.ASCII)


class TokenAuthentication(KnoxTokenAuthentication):  # type: ignore[misc]
    """`Authorization: Bearer SECRET`; other schemes are left to others."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        try:
            found: tuple[User, AccessToken] | None = super().authenticate(request)
        except AuthenticationFailed as error:
            # The same for all, so that it tells nobody what once was a token.
            raise AuthenticationFailed(
                "This token is unknown, has expired or was revoked."
            ) from error
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[User, AccessToken]:
        found = (
            AccessToken.objects.valid(token.decode("ascii")) if SECRET.fullmatch(token) else None
        )
        if found is None:
            raise AuthenticationFailed
        AccessToken.objects.note_use(found)
        return found.user, found


class PasswordAuthentication(authentication.BasicAuthentication):
    """`Authorization: Basic`, an e-mail address and password: where tokens are made."""

    www_authenticate_realm = "Vibomat"

    def authenticate_credentials(
        self, userid: str, password: str, request: Any = None
    ) -> tuple[Any, None]:
        if "\0" in userid or "\0" in password:
            raise AuthenticationFailed("Invalid username/password.")
        return super().authenticate_credentials(userid, password, request)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": (
                "A token made with `POST /api/tokens/`, in the admin, or with "
                "`manage.py create_token EMAIL`."
            ),
        }


class PasswordScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = PasswordAuthentication
    name = "password"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "basic",
            "description": "An e-mail address and password, to make a token with.",
        }
