"""Django's `migrate`, which tells of changes without a migration as `makemigrations` sees them, and
waits while another one is at work: two at once would do the same steps. Sees to it that a pooler's
connections have the limits on time."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import ProgrammingError, connections, transaction
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from psycopg.errors import InsufficientPrivilege

from vibomat import checks, timeouts
from vibomat.autodetector import SafeAutodetector
from vibomat.turns import turn


class Executor(MigrationExecutor):
    """Notes that a migration is undone in its own transaction, as Django does that it is applied.
    Ended in between, it would be undone twice."""

    def unapply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False
    ) -> ProjectState:
        if not migration.atomic:
            return super().unapply_migration(state, migration, fake)
        with transaction.atomic(using=self.connection.alias):
            return super().unapply_migration(state, migration, fake)


migrate.MigrationExecutor = Executor  # type: ignore[attr-defined]


class Command(migrate.Command):
    autodetector = SafeAutodetector

    def handle(self, *args: Any, **options: Any) -> None:
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        with turn("vibomat.migrate", options["database"], self._tell_of_waiting):
            self._migrate(*args, **options)

    def _migrate(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except ProgrammingError as error:
            if not _is_about_extension(error):
                raise
            self.stdout.write("")  # ends the migration's line
            raise CommandError(_for_administrator(error, options["database"])) from error
        if settings.DATABASE_LEADS_TO_POOLER:
            timeouts.give_to_role(options["database"])

    def _tell_of_waiting(self) -> None:
        self.stderr.write("Waiting for another migrate to end.")


def _is_about_extension(error: ProgrammingError) -> bool:
    return isinstance(error.__cause__, InsufficientPrivilege) and "create extension" in str(error)


def _for_administrator(error: ProgrammingError, using: str) -> str:
    """What to do about extensions that this role may not create."""
    with connections[using].cursor() as cursor:
        missing = checks.missing_extensions(cursor)
    statements = " ".join(f"CREATE EXTENSION {name};" for name in missing)
    told = str(error).splitlines()[0]
    return f"{told}. Let an administrator run in this database: {statements} Then migrate again."
