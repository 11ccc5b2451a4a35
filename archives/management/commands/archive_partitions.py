"""Create what the next months need, or drop an old period."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from archives import partitions
from archives.partitions import PartitionError
from vibomat import timeouts


class Command(BaseCommand):
    help = (
        "The partitions of archives. `plan` prints what `apply` would do: create those of the "
        "months to come, and move what belongs to them out of the default partition. Run `apply` "
        "from cron; `migrate` does it too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        # Parsers of subcommands are argparse's own: Django's needs to be told more.
        actions = parser.add_subparsers(
            dest="action", required=True, parser_class=argparse.ArgumentParser
        )
        for action, text in [
            ("plan", "print what apply would do"),
            ("apply", "do it"),
        ]:
            add = actions.add_parser(action, help=text)
            add.add_argument(
                "--ahead",
                type=int,
                metavar="MONTHS",
                help="months after this one, by default the setting ARCHIVE_MONTHS_AHEAD",
            )
        actions.add_parser("status", help="list the partitions")
        drop = actions.add_parser("drop", help="drop a partition and its archives")
        drop.add_argument("name", help="a partition's name, such as playlist_2024_q1")
        drop.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with timeouts.lifted():
                getattr(self, options["action"])(**options)
        except PartitionError as error:
            raise CommandError(str(error)) from error

    def plan(self, ahead: int | None, **options: Any) -> None:
        self.stdout.write(str(partitions.plan(self.months(ahead))))

    def apply(self, ahead: int | None, **options: Any) -> None:
        work = partitions.plan(self.months(ahead))
        work.apply(self.stdout.write)
        if not work.steps:
            self.stdout.write(str(work))

    def status(self, **options: Any) -> None:
        lines = [("partition", "ids from", "to before", "rows, about", "MB")]
        for found in partitions.partitions():
            lines.append(
                (
                    found.name
                    if found.period or found.name in partitions.FIXED
                    else f"{found.name} (not ours)",
                    str(found.lower or "")[:18],
                    str(found.upper or "")[:18],
                    f"{found.rows:,}",
                    f"{found.size / 1_000_000:,.1f}",
                )
            )
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = [
                text.ljust(width) if index < 3 else text.rjust(width)
                for index, (text, width) in enumerate(zip(line, widths, strict=True))
            ]
            self.stdout.write("  ".join(cells).rstrip())
        self.stdout.write(f"\n{partitions.plan()}")

    def drop(self, name: str, yes: bool, **options: Any) -> None:
        work = partitions.drop(name)
        self.stdout.write(str(work))
        if not yes:
            try:
                answer = input(f"Type {name} to drop it: ")
            except EOFError:
                answer = ""
            if answer != name:
                raise CommandError("Nothing was dropped.")
        work.apply()
        self.stdout.write(f"Dropped {name}")

    def months(self, ahead: int | None) -> int | None:
        if ahead is not None and not 0 <= ahead <= 120:
            raise CommandError("--ahead must be a number of months from 0 to 120.")
        return ahead
