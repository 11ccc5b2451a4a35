from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vibomat.migration_linting import lint_project


class Command(BaseCommand):
    help = "Refuse migrations that would lock a busy table for long, or lose what is in use."

    def handle(self, *args: Any, **options: Any) -> None:
        found = lint_project()
        for finding in found:
            self.stdout.write(str(finding))
        if found:
            raise CommandError(
                f"{len(found)} unsafe operations. Use vibomat/migration_operations.py, or say in "
                "safe_although of the migration why it is safe."
            )
        self.stdout.write("No unsafe operation in any migration.")
