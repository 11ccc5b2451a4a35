"""`/metrics/`: for whoever has the token, or asks from an allowed address."""

from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .exposition import CONTENT_TYPE_LATEST, exposition


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """404 while neither METRICS_TOKEN nor METRICS_ALLOW is set, 401 to a stranger."""
    if not settings.METRICS_TOKEN and not settings.METRICS_ALLOW:
        raise Http404
    if not (_has_token(request) or _is_allowed(request.META.get("REMOTE_ADDR", ""))):
        return HttpResponse(
            "Metrics need the token, or an allowed address.\n",
            status=401,
            content_type="text/plain",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return (
        bool(settings.METRICS_TOKEN)
        and scheme.lower() == "bearer"
        and constant_time_compare(token.strip(), settings.METRICS_TOKEN)
    )


def _is_allowed(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in settings.METRICS_ALLOW)
