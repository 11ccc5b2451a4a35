"""Django's `migrate`, which tells of changes without a migration as `makemigrations` sees them, and
waits while another one is at work: two at once would do the same steps."""

from typing import Any

from django.core.management.commands import migrate

from vibomat.autodetector import SafeAutodetector
from vibomat.turns import turn


class Command(migrate.Command):
    autodetector = SafeAutodetector

    def handle(self, *args: Any, **options: Any) -> Any:
        if options["plan"] or options["check_unapplied"]:
            return super().handle(*args, **options)
        with turn("vibomat.migrate", options["database"], self._tell_of_waiting):
            return super().handle(*args, **options)

    def _tell_of_waiting(self) -> None:
        self.stderr.write("Waiting for another migrate to end.")
