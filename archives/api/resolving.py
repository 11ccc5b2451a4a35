"""Archives matched to the catalogue, as JSON."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from archives import editing, resolving
from archives.api import schema
from archives.api.errors import InBin, PreconditionFailed
from archives.api.preconditions import may_write_over_any, revision_tag
from archives.models import Archive
from search.api.resolve import RESPONSE_EXAMPLE, ResolveResponse, resolve_response
from vibomat.strict import Strict
from vibomat.throttling.scopes import throttled


class ResolveActions(GenericViewSet[Archive]):
    """Matching to the catalogue, for the view set that finds the archives."""

    @extend_schema(
        operation_id="resolve_archive",
        summary="An archive's tracks matched to the catalogue",
        description=(
            "For its owner, and staff who may read it. One result for each track, in their order, "
            "as `/api/search/resolve/` gives. The tracks matched are kept until the archive's "
            "tracks change: `catalogue_track=` finds archives by them. The archive's revision "
            "stays the same; if somebody changes it meanwhile, nothing is kept. A body may have no "
            "fields."
        ),
        tags=["archives"],
        parameters=[schema.ID, schema.IF_MATCH_OPTIONAL, schema.REVISION],
        request=None,
        responses={
            200: ResolveResponse,
            400: schema.BAD_HEADER,
            **schema.WRITE,
        },
        examples=[OpenApiExample("A match, and none", RESPONSE_EXAMPLE, response_only=True)],
    )
    @action(detail=True, methods=["post"])
    @throttled("resolve")
    def resolve(self, request: Request, id: str) -> Response:
        archive = self.get_object()
        if archive.owner_id != request.user.pk and not request.user.is_staff:
            raise PermissionDenied("Only its owner and staff may match an archive.")
        may_write_over_any(request, archive, required=False)
        refuse_fields(request)
        if archive.deleted is not None:
            raise InBin
        try:
            resolutions = resolving.resolve_tracks(archive)
        except editing.StaleRevision as error:
            raise PreconditionFailed from error
        return Response(resolve_response(resolutions), headers={"ETag": revision_tag(archive)})


def refuse_fields(request: Request) -> None:
    """Raise ValidationError for a body of JSON with anything in it."""
    if (request.content_type or "").startswith("application/json"):
        Strict(data=request.data).is_valid(raise_exception=True)
