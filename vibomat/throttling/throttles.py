"""REST framework's throttles, kept in PostgreSQL."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from .buckets import take
from .rates import Rate
from .scopes import scope_of

if TYPE_CHECKING:
    # At run time it wants the classes below first.
    from rest_framework.views import APIView


class RateThrottle(BaseThrottle):
    """Counts a request for somebody, of whom there are so many requests in a time."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def wait(self) -> float:
        return self.seconds

    def count(self, who: str, scope: str) -> bool:
        rates: Mapping[str, Rate] = settings.THROTTLE_RATES
        buckets = {
            f"{name} {who}": rates[name] for name in ("all", scope) if name and name in rates
        }
        self.seconds = take(buckets) if buckets else 0.0
        return not self.seconds


class UserThrottle(RateThrottle):
    """Counts the requests of users who are logged in."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if not settings.THROTTLE_RATES or not request.user.is_authenticated:
            return True
        match = request.resolver_match
        scope = scope_of(match.func, request.method or "") if match else ""
        return self.count(f"user {request.user.pk}", scope)


class AddressThrottle(RateThrottle):
    """Counts all requests, before anything is known of them but where they come from and go to."""

    def allow_address(self, request: HttpRequest, view: Any) -> bool:
        # It only reads headers.
        address = self.get_ident(request)  # type: ignore[arg-type]
        return self.count(f"address {network_of(address)}", scope_of(view, request.method or ""))


def network_of(address: str | None) -> str:
    """An address of IPv4, or the network that one customer of IPv6 has at least, a /64."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return (address or "")[:100]
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found), 64), strict=False))
