"""Search in a terminal."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from search import engine
from search.api.serializers import search_response
from search.models import Artist, Track
from search.query import MAX_LENGTH


class Command(BaseCommand):
    help = "Find artists and tracks by badly typed names."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("query")
        parser.add_argument("--type", choices=["all", "track", "artist"], default="all")
        parser.add_argument("--limit", type=int, default=20)
        parser.add_argument("--offset", type=int, default=0)
        parser.add_argument("--json", action="store_true", help="print what the API answers")
        parser.add_argument("--explain", action="store_true", help="print the stages")

    def handle(self, *args: Any, **options: Any) -> None:
        text = options["query"]
        if len(text) > MAX_LENGTH:
            raise CommandError(f"The query is longer than {MAX_LENGTH} characters.")
        if options["limit"] < 1 or options["offset"] < 0:
            raise CommandError("--limit must be at least 1 and --offset at least 0.")
        if not Track.objects.exists() and not Artist.objects.exists():
            raise CommandError(
                "The catalogue is empty: run manage.py demo --no-serve for a sample, or"
                " manage.py import_catalogue PATH."
            )
        results = engine.search(
            text, kind=options["type"], limit=options["limit"], offset=options["offset"]
        )
        if options["json"]:
            self.stdout.write(json.dumps(search_response(text, results), ensure_ascii=False))
            return
        console = Console(width=None if self.stdout.isatty() else 120)
        with console.capture() as printed:
            console.print(table(results, options["offset"]))
        self.stdout.write(printed.get())
        if results.did_you_mean:
            self.stdout.write(f"Did you mean: {results.did_you_mean}")
        self.stdout.write(f"{results.took_ms:.1f} ms in {len(results.steps)} statements")
        if options["explain"]:
            for step in results.steps:
                self.stdout.write(f"\n{step.stage}: {step.rows} rows, {step.took_ms:.2f} ms")
                if isinstance(step.parameters, dict):
                    for name, value in step.parameters.items():
                        if value:
                            self.stdout.write(f"  {name} = {value}")


def table(results: engine.Results, offset: int = 0) -> Table:
    """The hits as a table."""
    shown = Table(title=f"“{results.query.text}”", title_justify="left")
    for column in ("#", "match", "artist", "title", "album", "year", "score"):
        shown.add_column(column, justify="right" if column in ("#", "year", "score") else "left")
    for place, hit in enumerate(results.hits, start=offset + 1):
        is_artist = hit.kind == "artist"
        shown.add_row(
            str(place),
            hit.match,
            hit.name if is_artist else hit.artist_credit,
            "" if is_artist else hit.name,
            hit.album or "",
            str(hit.year or ""),
            f"{hit.score:.2f}",
        )
    return shown
