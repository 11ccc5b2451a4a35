from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from vibomat.adopting.load import FATES, AdoptingRefused, Report, adopt
from vibomat.adopting.source import SourceError
from vibomat.checks import one_line

TOLD = 100


class Command(BaseCommand):
    help = (
        "Copy an older Vibomat's database into this one. The older one is only read. Run again, it "
        "copies what is new or has changed there since."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from",
            required=True,
            dest="url",
            metavar="URL",
            help="The older database: postgresql://user@host/name. Its role needs SELECT only.",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Tell what would come, and write nothing."
        )
        parser.add_argument("--no-progress", action="store_true", help="Show no progress bar.")

    def handle(self, *args: Any, url: str, dry_run: bool, **options: Any) -> None:
        told = 0

        def notify(message: str) -> None:
            nonlocal told
            told += 1
            if told <= TOLD:
                self.stderr.write(message)

        try:
            reports = adopt(
                url, dry_run=dry_run, progress=not options["no_progress"], notify=notify
            )
        except (SourceError, AdoptingRefused) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"This database refused: {one_line(error)}") from error
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted. Run the same command again to go on.", returncode=130
            ) from None
        if told > TOLD:
            self.stderr.write(f"… and {told - TOLD:,} more like these.")
        for report in reports:
            self.stdout.write(_line(report))
        if dry_run:
            self.stdout.write("Nothing was written.")


def _line(report: Report) -> str:
    named = {"unchanged": "unchanged"} | FATES
    named |= {"unfit": "not fitting", "gone": "gone from the older database"}
    parts = [
        f"{report.counts[fate]:,} {name}" for fate, name in named.items() if report.counts[fate]
    ]
    line = f"{report.kind}: {report.rows:,} in the older database"
    line += f" ({', '.join(parts)})" if parts else ""
    if report.verified is not None:
        line += f"; {report.verified:,} verified, checksum {report.checksum}"
    return f"{line}."
