"""Bodies of requests are refused by what they say of their length, before any of them is read."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse


class LimitBodies:
    """Answers 413 to a body larger than DATA_UPLOAD_MAX_MEMORY_SIZE, or than the `most_bytes` of
    the view's class, and 411 to one that doesn't say how large it is.

    What comes after the length that was said is not part of the body for Django: nobody reads it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        said = request.META.get("CONTENT_LENGTH") or ""
        if not said and not request.headers.get("Transfer-Encoding"):
            return None
        if not (said.isascii() and said.isdecimal()):
            message = "Send a Content-Length: bodies in chunks are not read."
            return refusal(view, message, 411)
        kind = getattr(view, "cls", None)
        most = getattr(kind, "most_bytes", settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        # The length may have more digits than Python likes to convert.
        if len(said) > 18 or int(said) > most:
            return refusal(view, f"A body may have at most {most:,} bytes.", 413)
        return None


def refusal(view: Any, message: str, status: int) -> HttpResponse:
    """A refusal in the shape in which that view would give it."""
    if hasattr(view, "cls"):
        return JsonResponse({"detail": message}, status=status)
    return HttpResponse(f"{message}\n", "text/plain", status=status)
