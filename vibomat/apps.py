from django.apps import AppConfig
from django.core.signals import request_finished
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate


class VibomatConfig(AppConfig):
    name = "vibomat"

    def ready(self) -> None:
        from . import checks, timeouts  # noqa: F401
        from .observability import middleware, slow_queries

        connection_created.connect(slow_queries.watch)
        request_finished.connect(middleware.forget_request)

        # Migrations may build an index for longer than any request may wait.
        pre_migrate.connect(timeouts.lift_for_migrations)
        post_migrate.connect(timeouts.restore_after_migrations)
