"""From an empty machine to the right track."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from rich.console import Console

from search import engine
from search.importing import load_sample
from search.management.commands.search import table
from search.models import Track

SEARCHES = ["daft pnk one more tme", "mondogrosso", "Beyonse", "bohemain rapsody", "група крови"]
ADDRESS = "127.0.0.1"


class Command(BaseCommand):
    help = "Migrate, load the sample catalogue, show some misspelt searches, and serve."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="stop before serving")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        if Track.objects.exists():
            self.stdout.write("The catalogue has tracks already; the sample is not loaded again.")
        else:
            load_sample()
            self.stdout.write(f"Loaded {Track.objects.count():,} sample tracks.")
        console = Console(width=None if self.stdout.isatty() else 120)
        for text in SEARCHES:
            results = engine.search(text, limit=3)
            with console.capture() as printed:
                console.print(table(results))
            self.stdout.write(printed.get())
            if results.did_you_mean:
                self.stdout.write(f"Did you mean: {results.did_you_mean}\n")
        site = f"http://{ADDRESS}:{options['port']}"
        if options["no_serve"]:
            self.stdout.write("Run manage.py demo, or manage.py runserver, to serve it.")
            return
        self.stdout.write(
            f"Open {site}/api/search/?q=daft+pnk and {site}/api/docs/\n"
            f"The admin is at {site}/admin/; manage.py createsuperuser makes an account."
        )
        call_command("runserver", f"{ADDRESS}:{options['port']}", use_reloader=False)
