"""`/api/tokens/`: people make, list and revoke their own access tokens."""

from typing import Any, cast

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from django.http import Http404
from django.utils.cache import patch_vary_headers
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vibomat.refusals import NO_CSRF, NOT_JSON, NOT_LOGGED_IN, refusal

from .authentication import PasswordAuthentication, TokenAuthentication
from .models import AccessToken, User
from .tokens import MOST_DAYS

NOT_BY_TOKEN = "A token makes no tokens: use a session or a password."  # noqa: S105
EXAMPLE = {
    "id": "8f9b9c62-3c0f-4b5e-9a51-0f6f8f0e8d2a",
    "name": "player",
    "created": "2026-11-28T20:00:00Z",
    "expires": "2027-02-26T20:00:00Z",
    "last_used": None,
}


class TokenSerializer(serializers.ModelSerializer[AccessToken]):
    expires = serializers.DateTimeField(source="expiry", allow_null=True, help_text="Null: never.")
    last_used = serializers.DateTimeField(allow_null=True, help_text="To the hour.")

    class Meta:
        model = AccessToken
        fields: tuple[str, ...] = ("id", "name", "created", "expires", "last_used")
        read_only_fields = fields


class NewTokenRequest(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField(
        required=False, allow_blank=True, max_length=100, help_text="What it is for."
    )
    days = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_DAYS,
        help_text="Days until it expires; otherwise as many as the site chooses.",
    )

    def validate(self, attributes: dict[str, Any]) -> dict[str, Any]:
        if unknown := set(self.initial_data) - set(self.fields):
            raise ValidationError({name: ["There is no such field."] for name in sorted(unknown)})
        return attributes


class NewTokenSerializer(TokenSerializer):
    token = serializers.CharField(help_text="The token itself, which is never shown again.")

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "token")
        read_only_fields = fields


BAD_BODY = refusal(
    "Messages by the name of the field.",
    "Too long",
    {"days": [f"Ensure this value is less than or equal to {MOST_DAYS}."]},
)
NEED_PERSON = refusal(
    "Asked for with a token, or by a session without a CSRF token.",
    "With a token",
    {"detail": NOT_BY_TOKEN},
)
NOT_FOUND = refusal("You have none with this id.", "No such id", {"detail": "Not found."})


class OwnTokensView(APIView):
    authentication_classes = (TokenAuthentication, SessionAuthentication, PasswordAuthentication)
    permission_classes = (IsAuthenticated,)
    # Any of its requests may bring a password to try.
    throttle_scope = "login"

    def own(self) -> QuerySet[AccessToken]:
        own: QuerySet[AccessToken] = AccessToken.objects.filter(user=self.user)
        return own

    @property
    def user(self) -> User:
        return cast(User, self.request.user)

    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(*args, **kwargs)
        response.headers["Cache-Control"] = "private, no-store"
        patch_vary_headers(response, ["Authorization", "Cookie"])
        return response


class TokensView(OwnTokensView):
    @extend_schema(
        operation_id="list_tokens",
        summary="Your tokens, newest first",
        tags=["tokens"],
        responses={200: TokenSerializer(many=True), 401: NOT_LOGGED_IN},
        examples=[OpenApiExample("A token", EXAMPLE, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request) -> Response:
        tokens = self.own().order_by("-created", "pk")
        return Response(TokenSerializer(tokens, many=True).data)

    @extend_schema(
        operation_id="create_token",
        summary="A new token of your own",
        description="Log in with a session or, as HTTP Basic, with e-mail address and password.",
        tags=["tokens"],
        request=NewTokenRequest,
        responses={
            201: NewTokenSerializer,
            400: BAD_BODY,
            401: NOT_LOGGED_IN,
            403: NEED_PERSON,
            415: NOT_JSON,
        },
        examples=[
            OpenApiExample("For 90 days", {"name": "player", "days": 90}, request_only=True),
            OpenApiExample(
                "A new token",
                EXAMPLE | {"token": "vibomat_…"},
                response_only=True,
                status_codes=["201"],
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        if isinstance(request.auth, AccessToken):
            # One that was stolen would never end.
            raise PermissionDenied(NOT_BY_TOKEN)
        asked = NewTokenRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            token, secret = AccessToken.objects.issue(self.user, **asked.validated_data)
        except DjangoValidationError as error:
            raise ValidationError(serializers.as_serializer_error(error)) from error
        return Response(TokenSerializer(token).data | {"token": secret}, status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="revoke_tokens",
        summary="Revoke all your tokens",
        tags=["tokens"],
        responses={204: None, 401: NOT_LOGGED_IN, 403: NO_CSRF},
    )
    def delete(self, request: Request) -> Response:
        self.own().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class TokenView(OwnTokensView):
    @extend_schema(
        operation_id="revoke_token",
        summary="Revoke one of your tokens",
        tags=["tokens"],
        parameters=[OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
        responses={204: None, 401: NOT_LOGGED_IN, 403: NO_CSRF, 404: NOT_FOUND},
    )
    def delete(self, request: Request, id: str) -> Response:
        try:
            deleted, _ = self.own().filter(pk=id).delete()
        except DjangoValidationError as error:
            raise Http404 from error
        if not deleted:
            raise Http404
        return Response(status=status.HTTP_204_NO_CONTENT)
