"""Search in a terminal."""

import json
import re
import textwrap
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from rich.console import Console
from rich.table import Table
from rich.text import Text

from search import engine
from search.api.serializers import SearchParameters, search_response
from search.models import Track, has_catalogue
from search.plans import plans_of

# Wide enough for most names where no terminal tells its width.
PLAIN_WIDTH = 120
_READS = re.compile(r"\b(Seq|Index|Index Only|Heap) Scan\b")


class Command(BaseCommand):
    help = "Find artists and tracks by badly typed names."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("query", help='such as "daft pnk", or "beatls year:1960-1969"')
        parser.add_argument("--type", default="all", help="all, track or artist")
        parser.add_argument("--limit", default=20, help="1 to 100, 20 unless said")
        parser.add_argument("--offset", default=0, help="how many to leave out")
        parser.add_argument("--json", action="store_true", help="print what the API answers")
        parser.add_argument(
            "--explain", action="store_true", help="print the stages and the plans of statements"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        parameters = SearchParameters(
            data={"q": options["query"]}
            | {name: options[name] for name in ("type", "limit", "offset")}
        )
        if not parameters.is_valid():
            raise CommandError(_one_line(parameters.errors))
        asked = parameters.validated_data
        if not _is_filled():
            raise CommandError(
                "The catalogue is empty: run manage.py demo --no-serve for a sample, or"
                " manage.py migrate and manage.py import_catalogue PATH."
            )

        def search() -> engine.Results:
            return engine.search(
                asked["q"], kind=asked["type"], limit=asked["limit"], offset=asked["offset"]
            )

        results = search()
        if options["json"]:
            self.stdout.write(
                json.dumps(search_response(asked["q"], results), ensure_ascii=False, indent=2)
            )
            return
        if results.hits:
            self.stdout.write(rendered(table(results, asked["offset"]), self.stdout.isatty()))
        else:
            self.stdout.write("Nothing found.")
        if results.did_you_mean:
            self.stdout.write(f"Did you mean: {results.did_you_mean}")
        self.stdout.write(f"{results.took_ms:.1f} ms in {len(results.steps)} statements")
        if options["explain"]:
            self._explain(results, search)

    def _explain(self, results: engine.Results, search: Callable[[], object]) -> None:
        for step in results.steps:
            name = " ".join(step.statement.split()).partition("FROM ")[2] or step.statement
            self.stdout.write(
                f"\n{step.stage}: {name.partition('(')[0]}, {step.rows} rows, {step.took_ms:.2f} ms"
            )
            if isinstance(step.parameters, dict):
                given = {k: v for k, v in step.parameters.items() if v is not None and v != []}
                for parameter, value in given.items():
                    self.stdout.write(f"  {parameter} = {value}")
            else:
                self.stdout.write(f"  {step.parameters}")
        try:
            plans = plans_of(search, analyze=True)
        except DatabaseError:
            self.stdout.write("\nNo plans: this database role may not load auto_explain.")
            return
        self.stdout.write("\nSearched again: the plans of what read a table or an index.")
        for plan in filter(_READS.search, plans):
            self.stdout.write("\n" + textwrap.indent(plan.rstrip(), "  "))


def _is_filled() -> bool:
    tables = connection.introspection.table_names()
    return Track._meta.db_table in tables and has_catalogue()


def _one_line(errors: dict[str, list[str]]) -> str:
    """What is wrong with the arguments, by the names they have here."""
    return " ".join(
        f"{'query' if name == 'q' else '--' + name}: {message}"
        for name, messages in errors.items()
        for message in messages
    )


def rendered(shown: Table, is_terminal: bool) -> str:
    """The table as text: in colours and the terminal's width, or plain."""
    console = (
        Console(force_terminal=True)
        if is_terminal
        else Console(width=PLAIN_WIDTH, color_system=None, force_terminal=False)
    )
    with console.capture() as printed:
        console.print(shown)
    return printed.get().rstrip("\n")


def table(results: engine.Results, offset: int = 0) -> Table:
    """The hits as a table."""
    # Text, not str: names may have rich's markup in them, such as [Live].
    shown = Table(title=Text(f"“{results.query.text}”", style="italic"), title_justify="left")
    for column in ("#", "kind", "artist", "title", "album", "year", "match", "score"):
        shown.add_column(column, justify="right" if column in ("#", "year", "score") else "left")
    for place, hit in enumerate(results.hits, start=offset + 1):
        is_artist = hit.kind == "artist"
        cells = (
            str(place),
            hit.kind,
            hit.name if is_artist else hit.artist_credit or "",
            "" if is_artist else hit.name,
            hit.album or "",
            str(hit.year or ""),
            hit.match,
            f"{hit.score:.2f}",
        )
        shown.add_row(*(Text(cell) for cell in cells), style="bold" if is_artist else None)
    return shown
