"""Django's `migrate`, which tells of changes without a migration as `makemigrations` sees them."""

from django.core.management.commands import migrate

from vibomat.autodetector import SafeAutodetector


class Command(migrate.Command):
    autodetector = SafeAutodetector
