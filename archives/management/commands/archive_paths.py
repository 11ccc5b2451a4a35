"""The indexed paths of archives on the database at hand."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from archives import explaining
from archives.explaining import Explained, IndexUse
from archives.models import Archive
from archives.partitions import PartitionError, partitions
from archives.paths import PATHS
from vibomat import timeouts


class Command(BaseCommand):
    help = (
        "List the paths by which archives are found, with their indexes' sizes and how often those "
        "were used. --explain asks each for its example, or the values given all at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "asked", nargs="*", metavar="PARAMETER=VALUE", help="such as artist=beyonce"
        )
        parser.add_argument(
            "--explain", action="store_true", help="show plans and times of the newest 50"
        )
        parser.add_argument(
            "--markdown", action="store_true", help="print the table of docs/archives.md"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(file=self.stdout, width=120)  # type: ignore[arg-type]
        try:
            rows = sum(partition.rows for partition in partitions())
        except PartitionError as error:
            raise CommandError(str(error)) from error
        uses = explaining.index_uses()
        if options["markdown"]:
            sizes = {name: use.size / max(rows, 1) for name, use in uses.items() if use.size}
            self.stdout.write(explaining.table(sizes))
            return
        self.print_paths(uses, console)
        missing = [name for name, use in uses.items() if use.size is None]
        if missing:
            raise CommandError(f"Missing: {', '.join(missing)}. Run manage.py migrate.")
        never = [name for name, use in uses.items() if not use.scans]
        console.print(f"Never used since statistics were reset: {', '.join(never) or 'none'}.")
        if options["explain"] or options["asked"]:
            with timeouts.lifted():
                self.explain(options["asked"], console)

    def print_paths(self, uses: dict[str, IndexUse], console: Console) -> None:
        table = Table(title=f"Paths of {Archive._meta.verbose_name_plural}")
        for column in ("parameters", "archives with", "index", "MB", "scans"):
            table.add_column(column, justify="right" if column in ("MB", "scans") else "left")
        for path in PATHS:
            use = uses.get(path.index_name, IndexUse(None, None))
            table.add_row(
                ", ".join(parameter.name for parameter in path.parameters),
                path.help,
                path.index_name or "none",
                "" if use.size is None else f"{use.size / 1e6:,.1f}",
                "" if use.scans is None else f"{use.scans:,}",
            )
        console.print(table)

    def explain(self, asked: list[str], console: Console) -> None:
        without = []
        for values in [_values(asked)] if asked else [v for _, v in explaining.examples()]:
            try:
                explained = explaining.explain(values)
            except ValidationError as error:
                raise CommandError("; ".join(_messages(error))) from error
            _print(explained, console)
            if not explained.has_index:
                without.append(" ".join(values))
        console.print(f"\nWithout an index of their own: {', '.join(without) or 'none'}.")


def _values(asked: list[str]) -> dict[str, str]:
    values = {}
    for item in asked:
        name, found, value = item.partition("=")
        if not found:
            raise CommandError(f"{item}: write PARAMETER=VALUE, such as artist=beyonce.")
        values[name] = value
    return values


def _messages(error: ValidationError) -> list[str]:
    return [f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()]


def _print(explained: Explained, console: Console) -> None:
    asked = " ".join(f"{name}={value}" for name, value in explained.asked.items())
    console.print(
        f"\n{asked}: {explained.found} found of {explained.looked_at:,} rows looked at, "
        f"in {explained.milliseconds:.1f} ms",
        style="bold",
        highlight=False,
        markup=False,
    )
    for scan, partitions_read in explained.scans.most_common():
        console.print(f"  {partitions_read} × {scan}", highlight=False, markup=False)
