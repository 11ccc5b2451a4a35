"""Archives as files of other programs: downloads and uploads."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, cast

from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import UnsupportedMediaType, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from archives import exporting, formats
from archives.api import schema
from archives.api.errors import BodyTooLarge
from archives.formats import Format, FormatError, Playlist, Skipped
from archives.importing import ImportReport, import_playlists, name_of
from archives.models import Archive, Visibility
from vibomat import refusals
from vibomat.accounts.models import User
from vibomat.compression import GZIP, ZSTANDARD, Damaged, decompressed
from vibomat.throttling.scopes import throttled

MAX_UNPACKED_BYTES = 64 * 1024 * 1024
MAX_PLAYLISTS = 1000
LISTED = 1000

# What a file may be sent as. Its format is told by its content.
MEDIA_TYPES = (
    "application/octet-stream",
    *dict.fromkeys(format.media_type for format in Format),
    "application/x-ndjson",
    "application/jsonl",
    "application/xml",
    "text/xml",
    "text/plain",
    "application/x-mpegurl",
    "audio/mpegurl",
    "audio/x-mpegurl",
    "application/gzip",
    "application/zstd",
)


class ExportParameters(serializers.Serializer[dict[str, Any]]):
    to = serializers.ChoiceField(
        choices=[str(format) for format in Format if format.is_written],
        default=str(Format.VIBOMAT),
        help_text="The file's format. `vibomat`, `jspf` and `xspf` hold everything.",
    )


class ImportParameters(serializers.Serializer[dict[str, Any]]):
    def get_fields(self) -> dict[str, Any]:
        return {
            # No name that Python has.
            "from": serializers.ChoiceField(
                choices=[str(format) for format in Format],
                required=False,
                help_text="The file's format, if it isn't to be found out.",
            ),
            "visibility": serializers.ChoiceField(
                choices=Visibility.choices,
                default=Visibility.PRIVATE,
                help_text="Of playlists that don't say it.",
            ),
        }


class StoredSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class SkippedSerializer(serializers.Serializer[Any]):
    playlist = serializers.IntegerField(help_text="Its place in the file, from 0.")
    track = serializers.IntegerField(
        allow_null=True, help_text="Its place in the playlist, from 0; null for the playlist."
    )
    field = serializers.CharField(help_text="The value that was left out; empty if it was all.")
    reason = serializers.CharField()


class ImportedSerializer(serializers.Serializer[Any]):
    created = StoredSerializer(many=True, help_text="The new archives.")
    unchanged = serializers.IntegerField(
        help_text="How many playlists earlier uploads or imports had stored."
    )
    skipped = SkippedSerializer(many=True, help_text=f"What was left out; the first {LISTED:,}.")
    skipped_count = serializers.IntegerField(help_text="How much was left out.")


@dataclass(frozen=True)
class Upload:
    """A file as it was sent; without a name where none was said."""

    file: BinaryIO
    name: str = ""


class FileParser(BaseParser):
    """A body that is a file."""

    media_type = "*/*"

    def parse(  # type: ignore[override]
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Upload:
        said = (media_type or "").partition(";")[0].strip().lower()
        if said not in MEDIA_TYPES:
            raise UnsupportedMediaType(media_type or "")
        return Upload(io.BytesIO(stream.read()))


class AnyAnswer(DefaultContentNegotiation):
    """Who asks for a file names its format by a parameter; what Accept says plays no part."""

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class FileActions(GenericViewSet[Archive]):
    """Download and upload, for the view set that finds the archives."""

    @extend_schema(
        operation_id="export_archive",
        summary="An archive as a file",
        description="What Accept says plays no part; errors are JSON.",
        tags=["archives"],
        parameters=[schema.ID, ExportParameters],
        responses={
            **{
                (200, media_type): (
                    OpenApiTypes.ANY if media_type.endswith("json") else OpenApiTypes.BINARY
                )
                for media_type in dict.fromkeys(
                    format.media_type for format in Format if format.is_written
                )
            },
            400: schema.BAD_FORMAT,
            401: refusals.NOT_LOGGED_IN,
            404: refusals.NOT_FOUND,
        },
    )
    @action(detail=True, content_negotiation_class=AnyAnswer)
    def export(self, request: Request, id: str) -> HttpResponse:
        archive = self.get_object()
        format = Format(read(ExportParameters, request.query_params)["to"])
        stream = io.BytesIO()
        try:
            formats.write([exporting.playlist_of(archive)], format, stream)
        except FormatError as error:
            raise ValidationError({"to": [str(error)]}) from error
        text = "; charset=utf-8" if format.media_type.startswith("text/") else ""
        name = exporting.file_name(archive, format)
        return HttpResponse(
            stream.getvalue(),
            content_type=format.media_type + text,
            headers={"Content-Disposition": content_disposition_header(True, name)},
        )

    @extend_schema(
        operation_id="import_archives",
        summary="Archives of your own from a file",
        description=(
            "The file is the body, or the field `file` of a form; it may be compressed with gzip "
            "or zstandard. All of it is stored, but for what is skipped, or nothing. Sent again it "
            "stores what is missing: a playlist is known by its content, name and id at its "
            f"provider. At most {MAX_PLAYLISTS:,} playlists, and {MAX_UNPACKED_BYTES >> 20} MB "
            "uncompressed."
        ),
        tags=["archives"],
        parameters=[ImportParameters],
        request={
            "multipart/form-data": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            },
            **dict.fromkeys(MEDIA_TYPES, OpenApiTypes.BINARY),
        },
        responses={
            200: ImportedSerializer,
            201: ImportedSerializer,
            400: schema.BAD_FILE,
            401: refusals.NOT_LOGGED_IN,
            403: refusals.NO_CSRF,
            411: refusals.NO_LENGTH,
            413: schema.TOO_LARGE,
            415: schema.NO_FILE,
        },
        examples=[schema.IMPORTED],
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="import",
        parser_classes=(MultiPartParser, FileParser),
        content_negotiation_class=AnyAnswer,
    )
    @throttled("import")
    def import_files(self, request: Request) -> Response:
        asked = read(ImportParameters, request.query_params)
        upload = uploaded(request)
        created: list[Archive] = []
        skipped: list[Skipped] = []
        report = ImportReport()

        def notify(what: Skipped) -> None:
            if len(skipped) < LISTED:
                skipped.append(what)

        try:
            playlists = at_most(formats.read(unpacked(upload.file), asked.get("from")))
            with transaction.atomic():
                import_playlists(
                    playlists,
                    cast(User, request.user),
                    name=name_of(upload.name),
                    visibility=asked["visibility"],
                    notify=notify,
                    stored=created.extend,
                    report=report,
                )
        except FormatError as error:
            raise ValidationError({"file": [str(error)]}) from error
        answer = {
            "created": created,
            "unchanged": report.unchanged,
            "skipped": skipped,
            "skipped_count": sum(report.reasons.values()),
        }
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(ImportedSerializer(answer).data, code)


def read(kind: type[serializers.Serializer[Any]], query: QueryDict) -> dict[str, Any]:
    """The parameters of an address. Raise ValidationError for those that are unknown, wrong, or
    given twice."""
    parameters = kind(data={name: query[name] for name in query})
    errors: dict[str, Any] = {}
    for name, values in query.lists():
        if name not in parameters.fields:
            errors[name] = ["There is no such parameter."]
        elif len(values) > 1:
            errors[name] = ["Give this parameter once."]
    if not parameters.is_valid() or errors:
        raise ValidationError(parameters.errors | errors)
    return dict(parameters.validated_data)


def uploaded(request: Request) -> Upload:
    """The file of a request. Raise ValidationError where there is not one."""
    if isinstance(request.data, Upload):
        return request.data
    fields = set(request.data) - {"csrfmiddlewaretoken"}
    if unknown := fields - {"file"}:
        raise ValidationError({str(name): ["There is no such field."] for name in unknown})
    files = request.FILES.getlist("file") if request.FILES else []
    if len(files) != 1:
        raise ValidationError({"file": ["Send one file, as the body or as this field of a form."]})
    return Upload(files[0], files[0].name or "")


def unpacked(file: BinaryIO) -> BinaryIO:
    """The file as it was before it was compressed. Raise FormatError, BodyTooLarge."""
    stream = decompressed(file)
    data = io.BytesIO()
    try:
        while block := stream.read(1 << 18):
            data.write(block)
            if data.tell() > MAX_UNPACKED_BYTES:
                raise BodyTooLarge(MAX_UNPACKED_BYTES, "uncompressed")
    except Damaged as error:
        raise FormatError(f"The file {error}.") from error
    if data.getvalue()[:4].startswith((GZIP, ZSTANDARD)):
        raise FormatError("The file is compressed twice.")
    data.seek(0)
    return data


def at_most(items: Iterable[Playlist | Skipped]) -> Iterator[Playlist | Skipped]:
    """The items, as long as they are no more playlists than one request may store."""
    playlists = 0
    for item in items:
        playlists += isinstance(item, Playlist)
        if playlists > MAX_PLAYLISTS:
            raise FormatError(
                f"The file has more than {MAX_PLAYLISTS:,} playlists: send it in parts."
            )
        yield item
