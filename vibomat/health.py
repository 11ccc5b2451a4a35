"""Health for load balancers: alive says the process answers, ready that it can do its work."""

from collections.abc import Callable
from functools import cache

from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .checks import missing_extensions


@never_cache
@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 if every check is "ok", otherwise 503; a check after a failed one is not run."""
    checks: dict[str, str] = {}
    for name, check in CHECKS.items():
        try:
            problem = check()
        except Error:
            problem = "unreachable"
        checks[name] = problem or "ok"
        if problem:
            return JsonResponse({"status": "unavailable", "checks": checks}, status=503)
    return JsonResponse({"status": "ok", "checks": checks})


def _database() -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return None


def _extensions() -> str | None:
    with connection.cursor() as cursor:
        missing = missing_extensions(cursor)
    return f"missing or too old: {', '.join(missing)}" if missing else None


def _migrations() -> str | None:
    missing = _migrations_on_disk() - MigrationRecorder(connection).applied_migrations().keys()
    return f"{len(missing)} not applied" if missing else None


@cache
def _migrations_on_disk() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.nodes)


CHECKS: dict[str, Callable[[], str | None]] = {
    "database": _database,
    "extensions": _extensions,
    "migrations": _migrations,
}
