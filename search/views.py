"""The search page. It works without JavaScript; with it, results come in place while one types."""

from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe
from psycopg.errors import QueryCanceled

from search import engine
from search.api.serializers import SearchParameters, search_response
from search.models import has_catalogue
from vibomat.throttling.scopes import throttled

PAGE = 20
KINDS = (("all", "All"), ("artist", "Artists"), ("track", "Tracks"))
EXAMPLES = ("daft pnk one more tme", "radio haed", "bjork", "acdc thunderstuck", "кино")


@throttled("search")
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """`/?q=&type=&offset=`: the form, and the results when something is asked for."""
    asked = {name: request.GET.get(name, "") for name in ("q", "type")}
    context: dict[str, Any] = {"q": asked["q"], "type": asked["type"] or "all", "kinds": KINDS}
    status = 200
    if asked["q"].strip():
        try:
            context |= _answer(request)
            status = 400 if "problems" in context else 200
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            context["problems"] = ["This takes too long: ask for less."]
            status = 503
    else:
        context["examples"] = EXAMPLES
    return render(request, "search/page.html", context, status=status)


def _answer(request: HttpRequest) -> dict[str, Any]:
    parameters = SearchParameters(data=request.GET)
    if not parameters.is_valid():
        return {
            "problems": [
                f"{field}: {message}"
                for field, messages in parameters.errors.items()
                for message in messages
            ]
        }
    asked = parameters.validated_data
    q, kind, offset = asked["q"], asked["type"], asked["offset"]
    # One more than is shown tells whether there is a next page.
    found = engine.search(q, kind=kind, limit=PAGE + 1, offset=offset)
    answer = search_response(q, found)
    rows = answer["results"]
    for row in rows:
        row["highlights"] = {
            name: mark_safe(text)  # noqa: S308 # escaped by the highlighter
            for name, text in row["highlights"].items()
        }
        row["length"] = _length(row.get("duration_ms"))

    def link(**changes: object) -> str:
        return "?" + urlencode({"q": q, "type": kind} | changes)

    return {
        "answer": answer | {"results": rows[:PAGE]},
        "is_empty": not rows and not offset and not has_catalogue(),
        "has_several_words": len(q.split()) > 1,
        "first": offset + 1,
        "last": offset + min(len(rows), PAGE),
        "instead": answer["did_you_mean"] and link(q=answer["did_you_mean"]),
        "previous": link(offset=max(0, offset - PAGE)) if offset else None,
        "next": link(offset=offset + PAGE) if len(rows) > PAGE else None,
    }


def _length(duration_ms: int | None) -> str:
    if not duration_ms:
        return ""
    minutes, seconds = divmod(round(duration_ms / 1000), 60)
    return f"{minutes}:{seconds:02}"
