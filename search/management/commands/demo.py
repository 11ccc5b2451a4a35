"""From an empty machine to the right track."""

import os
import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from search import engine
from search.importing import load_sample
from search.management.commands.search import rendered, table
from search.models import Track

SEARCHES = ["daft pnk one more tme", "mondogrosso", "Beyonse", "bohemain rapsody", "група крови"]
ADDRESS = "127.0.0.1"
ACCOUNT = (
    "manage.py createsuperuser makes an account for the admin, then manage.py create_token EMAIL a "
    "token for the API."
)


class Command(BaseCommand):
    help = "Migrate, load the sample catalogue, show some misspelt searches, and serve."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="stop before serving")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        port = options["port"]
        if not options["no_serve"]:
            _require_free(port)
        call_command("migrate", verbosity=0)
        if Track.objects.exists():
            self.stdout.write("The catalogue has tracks already; the sample is not loaded again.")
        else:
            load_sample()
            self.stdout.write(f"Loaded {Track.objects.count():,} sample tracks.")
        for text in SEARCHES:
            results = engine.search(text, limit=3)
            self.stdout.write("\n" + rendered(table(results), self.stdout.isatty()))
            if results.did_you_mean:
                self.stdout.write(f"Did you mean: {results.did_you_mean}")
        if options["no_serve"]:
            self.stdout.write(f"\nmanage.py demo, or manage.py runserver, serves it.\n{ACCOUNT}")
            return
        site = f"http://{ADDRESS}:{port}"
        self.stdout.write(
            f"\nOpen  {site}/  to search,\n"
            f"      {site}/api/search/?q=daft+pnk  for the same as JSON,\n"
            f"      {site}/api/docs/  for the API,\n"
            f"      {site}/admin/  for the admin.\n"
            f"{ACCOUNT}\n"
            "Ctrl-C ends it.\n"
        )
        self.stdout.flush()
        # In the place of this command, whose settings are those of commands.
        serve = ["runserver", f"{ADDRESS}:{port}", "--noreload"]
        os.execv(sys.executable, [sys.executable, sys.argv[0], *serve])  # noqa: S606


def _require_free(port: int) -> None:
    """Say so at once, rather than after all the rest, when the port can't be served on."""
    if not 0 < port < 65536:
        raise CommandError("--port must be from 1 to 65535.")
    with socket.socket() as probe:
        # As the server does it: a port that was served on a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} can't be used ({error.strerror}): give another with --port."
            ) from error
