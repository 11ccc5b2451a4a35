"""Addresses of the API without their last slash."""

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.middleware.common import CommonMiddleware


class AppendSlash(CommonMiddleware):
    """Django's, which redirects to the address with the slash; below `/api/` only what reads.

    Clients follow a redirect of anything else with a GET, which is answered 200 with nothing done.
    """

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return not _writes(request) and super().should_redirect_with_slash(request)

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if (
            response.status_code == 404
            and _writes(request)
            and super().should_redirect_with_slash(request)
        ):
            told = f"There is nothing at this address: it is {request.path}/, with a slash."
            response = JsonResponse({"detail": told}, status=404)
        return super().process_response(request, response)


def _writes(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") and request.method not in ("GET", "HEAD")
