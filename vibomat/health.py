"""Health for load balancers: alive says the process answers, ready that it can do its work."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from . import readiness


@never_cache
@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 unless a check found an error, then 503; a warning stands in its check's text."""
    results = readiness.results()
    is_ready = not any(result.has_error for result in results)
    return JsonResponse(
        {
            "status": "ok" if is_ready else "unavailable",
            "checks": {result.name: str(result) for result in results},
        },
        status=200 if is_ready else 503,
    )
