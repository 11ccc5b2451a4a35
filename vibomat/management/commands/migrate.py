"""Django's `migrate`, which tells of changes without a migration as `makemigrations` sees them, and
sees to it that a pooler's connections have the limits on time."""

from typing import Any

from django.conf import settings
from django.core.management.commands import migrate

from vibomat import timeouts
from vibomat.autodetector import SafeAutodetector


class Command(migrate.Command):
    autodetector = SafeAutodetector

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if settings.DATABASE_LEADS_TO_POOLER and not (options["plan"] or options["check_unapplied"]):
            timeouts.give_to_role(options["database"])
