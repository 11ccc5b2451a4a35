"""Archives as JSON. Who may read which is decided by the queryset."""

from collections.abc import Iterable, Sequence
from typing import Any, cast
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError
from django.http import Http404
from django.utils.cache import patch_vary_headers
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotAuthenticated, PermissionDenied, ValidationError
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from archives import editing, listing
from archives.api import paging, parameters, schema
from archives.api.errors import InBin, PreconditionFailed
from archives.api.files import FileActions
from archives.api.parsers import MAX_BODY_BYTES, ContentParser
from archives.api.preconditions import etag, is_unchanged, may_write_over_any
from archives.api.resolving import ResolveActions
from archives.api.serializers import (
    ArchiveSerializer,
    DeriveSerializer,
    PathSerializer,
    ReplaceSerializer,
    SummarySerializer,
    is_same,
)
from archives.index_sizes import index_sizes
from archives.listing import Part
from archives.models import Archive, Visibility
from archives.paths import PATHS
from archives.querysets import ArchiveQuerySet, may_see_all
from archives.text_search import Found, Place, search
from vibomat import refusals
from vibomat.accounts.models import User
from vibomat.throttling.scopes import throttled

# What an archive is found by, and never shown with.
UNSHOWN = ("search_vector", "catalogue_tracks", "resolution")


@extend_schema_serializer(many=False)
class ArchivePage(serializers.Serializer[Any]):
    results = SummarySerializer(many=True)
    next = serializers.URLField(
        allow_null=True, help_text="The address of the next page; null at the end."
    )


class ArchiveViewSet(FileActions, ResolveActions):
    """Answers 404 for an archive that the user may not know of, 403 for one that they may read
    but not change."""

    permission_classes = (IsAuthenticatedOrReadOnly,)
    parser_classes = (ContentParser,)
    most_bytes = MAX_BODY_BYTES
    serializer_class = ArchiveSerializer
    queryset = Archive.objects.all()
    lookup_url_kwarg = "id"
    # One with a dot is answered like any other that there is not.
    lookup_value_regex = "[^/]+"

    @extend_schema(
        operation_id="list_archives",
        summary="Your own archives and public ones, newest or best first",
        tags=["archives"],
        parameters=[parameters.ListParameters, *parameters.documented_paths()],
        responses={
            200: ArchivePage,
            400: refusals.BAD_PARAMETER,
            401: refusals.NOT_LOGGED_IN,
            403: schema.STAFF_ONLY,
        },
        examples=[schema.PAGE],
    )
    @throttled("search")
    def list(self, request: Request) -> Response:
        asked = parameters.read(request.query_params)
        place = paging.place_of(asked.cursor) if asked.cursor is not None else None
        found = self.found(asked, place)
        page = [row.archive for row in found[: asked.limit]]
        summaries = SummarySerializer(page, many=True, context={"sources": self.sources(page)})
        more = len(found) > asked.limit
        return Response(
            {
                "results": summaries.data,
                "next": paging.next_address(request, found[asked.limit - 1]) if more else None,
            }
        )

    @extend_schema(
        operation_id="create_archive",
        summary="A new archive of your own",
        tags=["archives"],
        parameters=[schema.ETAG, schema.LOCATION],
        responses={
            201: ArchiveSerializer,
            400: schema.BAD_BODY,
            401: refusals.NOT_LOGGED_IN,
            403: refusals.NO_CSRF,
            **schema.BODY,
        },
        examples=[schema.NEW, schema.WHOLE],
    )
    def create(self, request: Request) -> Response:
        values = self.validated(ArchiveSerializer)
        created = Archive.objects.create(**values, owner=self.logged_in())
        return self.answer(self.archives().get(pk=created.pk), status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="archive",
        summary="One archive",
        tags=["archives"],
        parameters=[schema.ID, schema.IF_NONE_MATCH, schema.ETAG],
        responses={
            200: ArchiveSerializer,
            304: schema.UNCHANGED,
            401: refusals.NOT_LOGGED_IN,
            404: refusals.NOT_FOUND,
        },
        examples=[schema.WHOLE],
    )
    def retrieve(self, request: Request, id: str) -> Response:
        answer = self.answer(self.get_object())
        tag = answer.headers["ETag"]
        if is_unchanged(request, tag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return answer

    @extend_schema(
        operation_id="replace_archive",
        summary="Replace all of an archive",
        description="What is left out gets its default; the content may not be left out.",
        tags=["archives"],
        parameters=[schema.ID, schema.IF_MATCH, schema.ETAG],
        request=ReplaceSerializer,
        responses={
            200: ArchiveSerializer,
            400: schema.BAD_BODY,
            428: schema.NO_IF_MATCH,
            **schema.WRITE,
            **schema.BODY,
        },
        examples=[schema.NEW, schema.WHOLE],
    )
    def update(self, request: Request, id: str) -> Response:
        return self.edit(ReplaceSerializer)

    @extend_schema(
        operation_id="change_archive",
        summary="Change some fields of an archive",
        description="A given content replaces the whole content.",
        tags=["archives"],
        parameters=[schema.ID, schema.IF_MATCH, schema.ETAG],
        responses={
            200: ArchiveSerializer,
            400: schema.BAD_BODY,
            428: schema.NO_IF_MATCH,
            **schema.WRITE,
            **schema.BODY,
        },
        examples=[schema.RENAME, schema.WHOLE],
    )
    def partial_update(self, request: Request, id: str) -> Response:
        return self.edit(ArchiveSerializer, partial=True)

    @extend_schema(
        operation_id="delete_archive",
        summary="Put an archive into the bin",
        tags=["archives"],
        parameters=[schema.ID, schema.IF_MATCH],
        responses={204: None, 400: schema.BAD_HEADER, 428: schema.NO_IF_MATCH, **schema.WRITE},
    )
    def destroy(self, request: Request, id: str) -> Response:
        archive, over_any = self.get_editable()
        try:
            editing.soft_delete(archive, whatever_revision=over_any)
        except editing.StaleRevision as error:
            raise PreconditionFailed from error
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="restore_archive",
        summary="Take an archive out of the bin",
        description="One that is not in the bin stays as it is.",
        tags=["archives"],
        parameters=[schema.ID, schema.IF_MATCH_OPTIONAL, schema.ETAG],
        request=None,
        responses={
            200: ArchiveSerializer,
            400: schema.BAD_HEADER,
            401: refusals.NOT_LOGGED_IN,
            403: schema.NOT_YOURS,
            404: refusals.NOT_FOUND,
            412: schema.STALE,
        },
        examples=[schema.WHOLE],
    )
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, id: str) -> Response:
        archive = self.get_own()
        over_any = may_write_over_any(request, archive, required=False)
        if archive.deleted is not None:
            try:
                archive = editing.restore(archive, whatever_revision=over_any)
            except editing.StaleRevision as error:
                raise PreconditionFailed from error
        return self.answer(archive)

    @extend_schema(
        operation_id="derive_archive",
        summary="A copy of your own of an archive that you may read",
        description="The copy is a private draft, and remembers what it was derived from.",
        tags=["archives"],
        parameters=[schema.ID, schema.ETAG, schema.LOCATION],
        request=DeriveSerializer,
        responses={
            201: ArchiveSerializer,
            400: schema.BAD_BODY,
            401: refusals.NOT_LOGGED_IN,
            403: refusals.NO_CSRF,
            404: refusals.NOT_FOUND,
            409: schema.IN_BIN,
            **schema.BODY,
        },
        examples=[schema.RENAME, schema.WHOLE],
    )
    @action(detail=True, methods=["post"])
    def derive(self, request: Request, id: str) -> Response:
        source = self.get_object()
        if source.deleted is not None:
            raise InBin
        values = self.validated(DeriveSerializer)
        try:
            derived = source.derive_copy(self.logged_in(), **values)
        except IntegrityError as error:
            # The source was dropped meanwhile.
            raise Http404 from error
        return self.answer(self.archives().get(pk=derived.pk), status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="archive_paths",
        summary="The paths by which archives are found, with their indexes",
        tags=["archives"],
        filters=False,
        responses={200: PathSerializer(many=True), 401: refusals.NOT_LOGGED_IN},
        examples=[schema.PATHS],
    )
    @action(detail=False)
    def paths(self, request: Request) -> Response:
        sizes = index_sizes(path.index_name for path in PATHS)
        return Response(PathSerializer(PATHS, many=True, context={"sizes": sizes}).data)

    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        """What is answered depends on who asks, and may have changed when it is asked again."""
        response = super().finalize_response(*args, **kwargs)
        response.headers["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, ["Authorization", "Cookie"])
        return response

    def archives(self) -> ArchiveQuerySet:
        return Archive.objects.select_related("owner").defer(*UNSHOWN)

    def logged_in(self) -> User:
        """The user of an action that nobody else may take."""
        return cast(User, self.request.user)

    def get_object(self) -> Archive:
        """The archive, if the user may read it."""
        try:
            pk = UUID(self.kwargs["id"])
        except ValueError as error:
            raise Http404 from error
        found = self.readable(self.archives()).filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def readable(self, archives: ArchiveQuerySet) -> ArchiveQuerySet:
        """Those that the user may read knowing their ids, their own from the bin too."""
        user = self.request.user
        return archives.readable_by(user) | archives.bin_of(user)

    def get_own(self) -> Archive:
        """The archive, if the user may change it."""
        archive = self.get_object()
        if archive.owner_id != self.request.user.pk:
            raise PermissionDenied("Only its owner may change an archive.")
        return archive

    def get_editable(self) -> tuple[Archive, bool]:
        """The archive, out of the bin, and whether If-Match allows to write over any revision."""
        archive = self.get_own()
        over_any = may_write_over_any(self.request, archive)
        if archive.deleted is not None:
            raise InBin
        return archive, over_any

    def validated(self, kind: type[serializers.BaseSerializer[Any]], **options: Any) -> Any:
        serializer = kind(data=self.request.data, **options)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def edit(self, kind: type[ArchiveSerializer], **options: Any) -> Response:
        archive, over_any = self.get_editable()
        values = self.validated(kind, instance=archive, **options)
        changes = {
            name: value
            for name, value in values.items()
            if not is_same(value, getattr(archive, name))
        }
        # Over any revision the others are written too: somebody may have changed them meanwhile.
        if not over_any or not changes:
            values = changes
        try:
            return self.answer(editing.change(archive, whatever_revision=over_any, **values))
        except editing.StaleRevision as error:
            raise PreconditionFailed from error

    def answer(self, archive: Archive, code: int = status.HTTP_200_OK) -> Response:
        shown = ArchiveSerializer(archive, context={"sources": self.sources([archive])}).data
        headers = {"ETag": etag(shown)}
        if code == status.HTTP_201_CREATED:
            headers["Location"] = self.reverse_action("detail", kwargs={"id": archive.pk})
        return Response(shown, code, headers=headers)

    def sources(self, archives: Iterable[Archive]) -> set[UUID]:
        """The archives that these were derived from, as far as the user may know of them: an
        unlisted one is known to who owns the copy, not to all who read the copy."""
        user = self.request.user
        derived = [archive for archive in archives if archive.derived_from_id is not None]
        if not derived:
            return set()
        # Who is anonymous has no id, as what nobody owns has no owner.
        reader = {user.pk} - {None}
        own = {archive.derived_from_id for archive in derived if archive.owner_id in reader}
        sources = self.readable(Archive.objects.all()).filter(
            pk__in={archive.derived_from_id for archive in derived}
        )
        return {
            pk
            for pk, owner, visibility in sources.values_list("pk", "owner", "visibility")
            if pk in own or owner in reader or visibility != Visibility.UNLISTED
        }

    def found(self, asked: parameters.Asked, after: Place | None) -> Sequence[Found]:
        """A page of a list, and the first archive of the next page if there is one."""
        limit = asked.limit + 1
        if asked.q is not None:
            return search(asked.q, self.parts(asked), limit, after)
        rows = listing.newest(self.parts(asked), limit, after[1:] if after else None)
        return [Found(0, row) for row in rows]

    def parts(self, asked: parameters.Asked) -> Sequence[Part]:
        """What a list is made of, before it is ordered."""
        user = self.request.user
        if asked.deleted and asked.owner == "public":
            raise ValidationError({"deleted": ["You can see your own bin only."]})
        if (asked.owner == "me" or asked.deleted) and not user.is_authenticated:
            raise NotAuthenticated
        if "path" in asked.paths and not may_see_all(user):
            raise PermissionDenied("Only staff who may view archives may filter by a jsonpath.")
        archives = self.archives().defer("content", *UNSHOWN)
        try:
            archives = archives.by_paths(asked.paths)
        except DjangoValidationError as error:
            raise ValidationError(error.message_dict) from error
        if asked.deleted:
            return [Part(archives.bin_of(user), is_own=True)]
        return listing.listed_for(user, archives, asked.owner)
