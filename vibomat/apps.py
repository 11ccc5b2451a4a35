from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class VibomatConfig(AppConfig):
    name = "vibomat"

    def ready(self) -> None:
        from . import checks, timeouts  # noqa: F401

        # Migrations may build an index for longer than any request may wait.
        pre_migrate.connect(timeouts.lift_for_migrations)
        post_migrate.connect(timeouts.restore_after_migrations)
