"""What people type and are answered, as JSON. Whose is whose to read is decided by the queryset."""

import time
from collections.abc import Callable, Iterable
from typing import Any, cast
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError
from django.http import Http404
from django.utils.cache import patch_vary_headers
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from embeddings import recording
from embeddings.api import paging, parameters, schema
from embeddings.api.errors import UNANSWERED, NoVector
from embeddings.api.filters import NO_ARCHIVE, reachable
from embeddings.api.parsers import PromptParser
from embeddings.api.serializers import (
    PromptSerializer,
    SimilarRequest,
    SimilarResponse,
    SimilarSerializer,
)
from embeddings.embedders import EmbedderError, TextRefused
from embeddings.known_archives import known_to
from embeddings.models import EmbeddingModel, Interaction
from embeddings.querysets import InteractionQuerySet
from embeddings.standing import embedded
from embeddings.text_search import with_words
from vibomat import refusals
from vibomat.accounts.models import User


@extend_schema_serializer(many=False)
class PromptPage(serializers.Serializer[Any]):
    results = PromptSerializer(many=True)
    next = serializers.URLField(
        allow_null=True, help_text="The address of the next page; null at the end."
    )


class PromptViewSet(GenericViewSet[Interaction]):
    """Answers 404 for an interaction that the user may not read."""

    permission_classes = (IsAuthenticated,)
    parser_classes = (PromptParser,)
    serializer_class = PromptSerializer
    throttle_scope = "prompts"
    most_bytes = PromptParser.most_bytes
    queryset = Interaction.objects.all()
    lookup_url_kwarg = "id"
    # One with a dot is answered like any other that there is not.
    lookup_value_regex = "[^/]+"

    @extend_schema(
        operation_id="list_prompts",
        summary="Your own prompts and what came of them, newest first",
        description="Staff with the permission `view_interaction` see everybody's.",
        tags=["prompts"],
        parameters=[parameters.ListParameters],
        responses={
            200: PromptPage,
            400: refusals.BAD_PARAMETER,
            401: refusals.NOT_LOGGED_IN,
            403: schema.STAFF_ONLY,
        },
        examples=[schema.PAGE],
    )
    def list(self, request: Request) -> Response:
        asked = parameters.read(parameters.ListParameters, request.query_params)
        found = reachable(self.user, asked)
        by_index = "metadata" not in asked
        rows, last = paging.page(found, asked["limit"], asked.get("cursor"), by_index=by_index)
        results = PromptSerializer(rows, many=True, context=self.shown_with(rows)).data
        return Response({"results": results, "next": paging.next_address(request, last)})

    @extend_schema(
        operation_id="create_prompt",
        summary="A prompt of your own, or what came of one",
        description=(
            "It is stored first, and found by its meaning as soon as it has a vector: at once, or "
            "if the model does not answer, after `manage.py embed`."
        ),
        tags=["prompts"],
        parameters=[schema.LOCATION],
        responses={
            201: PromptSerializer,
            400: schema.BAD_BODY,
            401: refusals.NOT_LOGGED_IN,
            403: refusals.NO_CSRF,
            **schema.BODY,
        },
        examples=[schema.NEW, schema.WHOLE],
    )
    def create(self, request: Request) -> Response:
        given = PromptSerializer(data=request.data, context={"user": self.user})
        given.is_valid(raise_exception=True)
        interaction = Interaction(user=self.user, **given.validated_data)
        try:
            recording.record(interaction)
        except DjangoValidationError as error:
            raise ValidationError(error.message_dict) from error
        except IntegrityError as error:
            # The archive was dropped meanwhile.
            raise ValidationError({"archive": [NO_ARCHIVE]}) from error
        return self.answer(self.one(interaction.pk), status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="prompt",
        summary="One prompt, or what came of one",
        tags=["prompts"],
        parameters=[schema.ID],
        responses={200: PromptSerializer, 401: refusals.NOT_LOGGED_IN, 404: refusals.NOT_FOUND},
        examples=[schema.WHOLE],
    )
    def retrieve(self, request: Request, id: str) -> Response:
        return self.answer(self.get_object())

    @extend_schema(
        operation_id="delete_prompt",
        summary="Delete it with its vectors, for ever",
        tags=["prompts"],
        parameters=[schema.ID],
        responses={
            204: None,
            401: refusals.NOT_LOGGED_IN,
            403: schema.NOT_YOURS,
            404: refusals.NOT_FOUND,
        },
    )
    def destroy(self, request: Request, id: str) -> Response:
        interaction = self.get_object()
        may_delete = self.user.has_perm("embeddings.delete_interaction")
        if interaction.user_id != self.user.pk and not may_delete:
            raise PermissionDenied("You may not delete somebody else's.")
        interaction.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="similar_to_prompt",
        summary="What is like a prompt, without itself",
        tags=["prompts"],
        filters=False,
        parameters=[schema.ID, parameters.SimilarParameters],
        responses={
            200: SimilarResponse,
            400: refusals.BAD_PARAMETER,
            401: refusals.NOT_LOGGED_IN,
            403: schema.STAFF_ONLY,
            404: refusals.NOT_FOUND,
            503: schema.NO_VECTOR,
        },
        examples=[schema.SIMILAR],
    )
    @action(detail=True, url_path="similar")
    def similar_to(self, request: Request, id: str) -> Response:
        interaction = self.get_object()
        asked = parameters.read(parameters.SimilarParameters, request.query_params)
        found = reachable(self.user, asked)

        def search(**options: Any) -> InteractionQuerySet:
            return found.similar_to(interaction, asked["k"], **options)

        others = found.exclude(pk=interaction.pk)
        return self.search(asked, search, others, interaction.text)

    @extend_schema(
        operation_id="similar_prompts",
        summary="What is like a text or a vector",
        description=(
            "Among your own; staff with the permission `view_interaction` search everybody's. The "
            "text is not stored. There are `k` results whenever so many have vectors, however few "
            "the filters leave."
        ),
        tags=["prompts"],
        request=SimilarRequest,
        responses={
            200: SimilarResponse,
            400: schema.BAD_SEARCH,
            401: refusals.NOT_LOGGED_IN,
            403: schema.STAFF_ONLY,
            **schema.BODY,
            503: schema.NO_VECTOR,
        },
        examples=[schema.BY_TEXT, schema.SIMILAR],
    )
    @action(detail=False, methods=["post"])
    def similar(self, request: Request) -> Response:
        body = SimilarRequest(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        found = reachable(self.user, asked)
        text_or_vector = asked["text"] if "text" in asked else asked["vector"]

        def search(**options: Any) -> InteractionQuerySet:
            return found.similar(text_or_vector, asked["k"], **options)

        return self.search(asked, search, found, asked.get("text"))

    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        """What is answered depends on who asks."""
        response = super().finalize_response(*args, **kwargs)
        response.headers["Cache-Control"] = "private, no-store"
        patch_vary_headers(response, ["Authorization", "Cookie"])
        return response

    @property
    def user(self) -> User:
        return cast(User, self.request.user)

    def get_object(self) -> Interaction:
        """The interaction, if the user may read it."""
        try:
            return self.one(UUID(self.kwargs["id"]))
        except ValueError as error:
            raise Http404 from error

    def one(self, pk: UUID) -> Interaction:
        readable: InteractionQuerySet = Interaction.objects.visible_to(self.user)
        found = readable.filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def shown_with(self, rows: Iterable[Interaction]) -> dict[str, Any]:
        return {"archives": known_to(self.user, rows), "embedded": embedded(rows)}

    def answer(self, interaction: Interaction, code: int = status.HTTP_200_OK) -> Response:
        shown = PromptSerializer(interaction, context=self.shown_with([interaction]))
        is_new = code == status.HTTP_201_CREATED
        location = self.reverse_action("detail", kwargs={"id": interaction.pk})
        return Response(shown.data, code, headers={"Location": location} if is_new else None)

    def search(
        self,
        asked: dict[str, Any],
        search: Callable[..., InteractionQuerySet],
        candidates: InteractionQuerySet,
        text: str | None,
    ) -> Response:
        """What `search` finds by the active model; if that does not answer and the search is a
        hybrid one, those of the candidates that have the words of the text."""
        started = time.perf_counter()
        mode = asked["mode"]
        model = EmbeddingModel.objects.active()
        try:
            if model is None:
                raise NoVector
            rows = list(search(mode=mode, model=model))
        except DjangoValidationError as error:
            raise ValidationError(error.message_dict) from error
        except TextRefused as error:
            raise ValidationError({"text": [str(error)]}) from error
        except (NoVector, EmbedderError) as error:
            if mode != "hybrid" or text is None:
                raise refusal(error) from error
            rows, model, mode = list(with_words(candidates, text, asked["k"])), None, "words"
        took = (time.perf_counter() - started) * 1000
        known = {"archives": known_to(self.user, rows)}
        results = SimilarSerializer(rows, many=True, context=known).data
        return Response(
            {
                "results": results,
                "model": model and model.name,
                "mode": mode,
                "took_ms": round(took, 1),
            }
        )


def refusal(error: NoVector | EmbedderError) -> NoVector:
    """The embedder's own message may name hosts, which are nobody's business."""
    if isinstance(error, NoVector):
        return error
    return NoVector(UNANSWERED, error.retry_after)
