"""Django's `makemigrations`, which adds indexes without keeping writers out."""

from typing import Any

from django.core.management.commands import makemigrations

from vibomat.autodetector import AtomicityWriter, SafeAutodetector


class Command(makemigrations.Command):
    autodetector = SafeAutodetector

    def write_migration_files(self, *args: Any, **kwargs: Any) -> None:
        # Django's command has a setting for the autodetector only.
        written_by = makemigrations.MigrationWriter  # type: ignore[attr-defined]
        makemigrations.MigrationWriter = AtomicityWriter  # type: ignore[attr-defined]
        try:
            super().write_migration_files(*args, **kwargs)
        finally:
            makemigrations.MigrationWriter = written_by  # type: ignore[attr-defined]
