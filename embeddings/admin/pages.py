"""What the pages here have in common: they show, and load nothing but their own files."""

from functools import update_wrapper
from typing import Any

from django.http import HttpRequest, HttpResponse

from vibomat.content_policy import POLICY
from vibomat.indexed_admin import IndexedAdmin, ReadOnlyAdmin


class LookingAdmin(ReadOnlyAdmin, IndexedAdmin):
    empty_value_display = ""

    class Media:
        css = {"all": ["embeddings/admin.css"]}

    def get_urls(self) -> list[Any]:
        urls = super().get_urls()
        for url in urls:
            url.callback = strict(url.callback)
        return urls


def strict(view: Any) -> Any:
    """The view, with a Content-Security-Policy."""

    def with_policy(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = view(request, *args, **kwargs)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return update_wrapper(with_policy, view)
