"""What the admin calls itself, and how often one may try to log in."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from vibomat.throttling.scopes import throttled

admin.site.site_header = "Vibomat"
admin.site.site_title = "Vibomat"
admin.site.index_title = "Catalogue, archives and people"

_login = admin.site.login


@throttled("login")
def login(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    return _login(request, extra_context)


admin.site.login = login  # type: ignore[method-assign]
