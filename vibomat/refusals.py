"""What the API's documentation says of refusals that several apps give."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse


def refusal(description: str, name: str, body: dict[str, Any]) -> OpenApiResponse:
    """An answer with an example of that name."""
    return OpenApiResponse(OpenApiTypes.OBJECT, description, [OpenApiExample(name, body)])


BAD_PARAMETER = refusal(
    "Messages by the name of the parameter that is wrong.",
    "A bad page",
    {"limit": ["Ensure this value is less than or equal to 100."]},
)
NOT_LOGGED_IN = refusal(
    "You are not logged in, or what you log in with is not valid.",
    "Not logged in",
    {"detail": "Authentication credentials were not provided."},
)
NO_CSRF = refusal(
    "A session's request has no CSRF token.",
    "No CSRF token",
    {"detail": "CSRF Failed: CSRF token missing."},
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
NOT_JSON = refusal(
    "The body is no `application/json`.",
    "A form",
    {"detail": 'Unsupported media type "text/plain" in request.'},
)


def too_large(size: str, most_bytes: int) -> OpenApiResponse:
    """A body that has more than so many bytes; `size` says how many in words."""
    return refusal(
        f"The body is larger than {size}.",
        "Too large",
        {"detail": f"A body may have at most {most_bytes:,} bytes."},
    )
