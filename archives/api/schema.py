"""What the documentation says beside the serializers: answers and examples."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from vibomat.refusals import (
    NO_LENGTH,
    NOT_FOUND,
    NOT_JSON,
    NOT_LOGGED_IN,
    refusal,
    too_large,
)

ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description='The ETag of the archive as you read it, such as `"7"`; `*` writes over any.',
)
IF_MATCH_OPTIONAL = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="If given, the archive must have that revision.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag of what you have: answers 304 if it is still the same.",
)
ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=[200, 201],
    description="The archive's revision, and a hash of what is shown of its owner and source.",
)
REVISION = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=[200],
    description="The archive's revision, for If-Match.",
)
LOCATION = OpenApiParameter(
    "Location",
    OpenApiTypes.URI,
    OpenApiParameter.HEADER,
    response=[201],
    description="The new archive's address.",
)

BAD_BODY = refusal(
    "Messages by the name of the field, or its place in the content.",
    "A wrong duration",
    {
        "content.tracks[12].duration_ms": [
            'Enter a whole number of milliseconds, not "4:58".',
        ]
    },
)
NOT_YOURS = refusal(
    "It is somebody else's, or a session's request has no CSRF token.",
    "Not yours",
    {"detail": "Only its owner may change an archive."},
)
STAFF_ONLY = refusal(
    "A filter is for staff who may view archives.",
    "A jsonpath",
    {"detail": "Only staff who may view archives may filter by a jsonpath."},
)
UNCHANGED = OpenApiResponse(description="It is still what If-None-Match names.")
BAD_HEADER = refusal(
    "If-Match is no ETag.", "No ETag", {"If-Match": ['Enter an ETag such as "7", or *.']}
)
IN_BIN = refusal(
    "It is in the bin.", "In the bin", {"detail": "The archive is in the bin: restore it first."}
)
STALE = refusal(
    "It was changed since the revision in If-Match.",
    "Changed meanwhile",
    {"detail": "The archive was changed meanwhile: read it again, then change it."},
)
NO_IF_MATCH = refusal(
    "If-Match is missing.",
    "Without If-Match",
    {"detail": "Send If-Match with the ETag of the archive that you changed."},
)
NO_FILE = refusal(
    "The body's type is not that of a file of playlists.",
    "An image",
    {"detail": 'Unsupported media type "image/png" in request.'},
)
BAD_FILE = refusal(
    "Messages by the name of the parameter that is wrong, or `file`. Nothing is stored.",
    "A broken file",
    {"file": ["The file is in no format that is known."]},
)
BAD_FORMAT = refusal(
    "Messages by the name of the parameter that is wrong.",
    "No such format",
    {"to": ['"mp3" is not a valid choice.']},
)
TOO_LARGE = too_large("8 MB and 64 kB", 8_454_144)
BODY = {411: NO_LENGTH, 413: TOO_LARGE, 415: NOT_JSON}
WRITE = {401: NOT_LOGGED_IN, 403: NOT_YOURS, 404: NOT_FOUND, 409: IN_BIN, 412: STALE}

_WRITABLE: dict[str, Any] = {
    "name": "Late",
    "description": "For the way home",
    "visibility": "public",
    "status": "published",
    "provider": "spotify",
    "provider_id": "37i9dQZF1DX4E3UdUs7fUx",
    "last_synced": "2026-10-01T20:00:00Z",
}
_CONTENT: dict[str, Any] = {
    "content": {
        "tracks": [
            {
                "artist": "Air",
                "track": "Sexy Boy",
                "album": "Moon Safari",
                "duration_ms": 298000,
                "uri": "spotify:track:0lMHvmhJhYUgrBzXzqqXpb",
            }
        ],
        "metadata": {"mood": "calm", "tags": ["night"]},
    }
}
_SUMMARY: dict[str, Any] = {
    "id": "019a3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f",
    "owner": {"id": "8f9b9c62-3c0f-4b5e-9a51-0f6f8f0e8d2a", "handle": "ann"},
    **_WRITABLE,
    "derived_from": None,
    "created": "2026-10-01T19:58:03.124512Z",
    "updated": "2026-10-01T20:00:00.412001Z",
    "deleted": None,
    "revision": 7,
    "track_count": 1,
    "total_duration_ms": 298000,
}
WHOLE = OpenApiExample("An archive", _SUMMARY | _CONTENT, response_only=True)
NEW = OpenApiExample("A playlist", _WRITABLE | _CONTENT, request_only=True)
RENAME = OpenApiExample("Another name", {"name": "Later"}, request_only=True)
PAGE = OpenApiExample(
    "A page",
    {
        "results": [_SUMMARY],
        "next": "https://vibomat.example/api/archives/?cursor=WzAsIjIwMjYtMTAtMDEi&limit=1",
    },
    response_only=True,
)
IMPORTED = OpenApiExample(
    "An archive without one of its tracks",
    {
        "created": [{"id": "019a3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f", "name": "Late"}],
        "unchanged": 0,
        "skipped": [
            {
                "playlist": 0,
                "track": 17,
                "field": "",
                "reason": "has neither an artist nor a title",
            }
        ],
        "skipped_count": 1,
    },
    response_only=True,
)
PATHS = OpenApiExample(
    "A path",
    {
        "name": "artist",
        "help": "an artist anywhere in the tracks",
        "parameters": [
            {"name": "artist", "type": "string", "help": "an artist anywhere in the tracks"}
        ],
        "index": "archive_artist",
        "size_bytes": 41943040,
    },
    response_only=True,
)
