"""Text that no database of ours can hold, turned away before any view sees it."""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, HttpResponse, JsonResponse


class RejectUnstorableText:
    """Answers 400 to a path or query with a NUL or with bytes that aren't UTF-8.

    Django would put U+FFFD where the bytes are wrong, and search for that; a NUL would be an error
    of the database. A lone surrogate has no UTF-8 either, so it counts as wrong bytes.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path:
            return refusal(request, {"path": ["Null characters are not allowed."]})
        errors = query_errors(request.META.get("QUERY_STRING", ""))
        return refusal(request, errors) if errors else self.get_response(request)


def refusal(request: HttpRequest, errors: dict[str, list[str]]) -> HttpResponse:
    """As the API gives it, or to be read where a page was asked for."""
    if request.path.startswith("/api/"):
        return JsonResponse(errors, status=400)
    lines = [f"{field}: {message}\n" for field, messages in errors.items() for message in messages]
    return HttpResponse("".join(lines), "text/plain; charset=utf-8", status=400)


def query_errors(query: str) -> dict[str, list[str]]:
    """What is wrong with a query string's fields, by the field's name."""
    errors: dict[str, list[str]] = {}
    for pair in query.encode("latin-1", "replace").split(b"&"):
        field = unquote_to_bytes(pair.partition(b"=")[0]).decode(errors="replace")
        text = unquote_to_bytes(pair)
        if b"\0" in text:
            errors[field.replace("\0", "\ufffd")] = ["Null characters are not allowed."]
            continue
        try:
            text.decode()
        except UnicodeDecodeError:
            errors[field] = ["This is not valid UTF-8."]
    return errors
