from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ArchivesConfig(AppConfig):
    name = "archives"

    def ready(self) -> None:
        from archives.readiness import partitions_ahead
        from vibomat import readiness

        readiness.register("partitions", partitions_ahead)
        post_migrate.connect(create_months, sender=self)


def create_months(using: str, verbosity: int, **kwargs: Any) -> None:
    """What `archive_partitions apply` does, after every migration that leaves partitions."""
    from django.db import router

    from archives import partitions
    from archives.models import Archive

    if router.allow_migrate_model(using, Archive) and partitions.is_ready(using):
        report = print if verbosity >= 1 else None
        partitions.plan(using=using).apply(*([report] if report else []))
