from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from search import importing


def column_choices(text: str) -> dict[str, str]:
    """The columns of `title=song,artist_credit=singer`, by field."""
    chosen = {}
    for pair in text.split(","):
        field, equals, column = (part.strip() for part in pair.partition("="))
        if not (field and equals and column):
            raise CommandError(
                f"--columns: {pair!r} is not FIELD=COLUMN, as in title=song,artist_credit=singer."
            )
        chosen[field] = column
    return chosen


class Command(BaseCommand):
    help = (
        "Import tracks or artists from a TSV, CSV or JSON Lines file, plain or compressed with "
        "gzip or zstandard. Run again after an interruption, it goes on where it stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", nargs="?", type=Path, help="The file.")
        parser.add_argument(
            "--format", choices=importing.FORMATS, help="The file's format, if it isn't found out."
        )
        parser.add_argument(
            "--columns",
            default="",
            metavar="FIELD=COLUMN,…",
            help="Columns that aren't recognised: title=song,artist_credit=singer.",
        )
        parser.add_argument(
            "--rejects", type=Path, metavar="FILE", help="Write every rejected row to this file."
        )
        parser.add_argument(
            "--restart", action="store_true", help="Begin anew after an interruption."
        )
        parser.add_argument(
            "--sample", action="store_true", help="Mark the rows as part of the sample catalogue."
        )
        parser.add_argument(
            "--replace-sample",
            action="store_true",
            help="Delete what the import leaves of the sample catalogue; needs no PATH.",
        )
        parser.add_argument("--no-progress", action="store_true", help="Show no progress bar.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["path"] is None and not options["replace_sample"]:
            raise CommandError("Say which file to import.")
        if options["sample"] and options["replace_sample"]:
            raise CommandError("--sample adds to the sample that --replace-sample deletes.")
        try:
            if options["path"] is not None:
                self._import(options)
            if options["replace_sample"]:
                tracks, artists = importing.drop_sample()
                self.stdout.write(f"Sample: {tracks:,} tracks and {artists:,} artists deleted.")
        except (importing.SourceError, importing.ColumnsError, importing.ImportRefused) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted. Run the same command again to go on.", returncode=130
            ) from None

    def _import(self, options: dict[str, Any]) -> None:
        report = importing.import_catalogue(
            options["path"],
            format=options["format"],
            columns=column_choices(options["columns"]) if options["columns"] else None,
            sample=options["sample"],
            rejects=options["rejects"],
            restart=options["restart"],
            progress=not options["no_progress"],
            notify=self.stderr.write,
        )
        for reject in report.rejects:
            self.stderr.write(f"{options['path']}: {reject}")
        if report.rejected > len(report.rejects):
            self.stderr.write("Rejected rows by reason:")
            for reason, count in report.reasons.most_common():
                self.stderr.write(f"{count:>9,}  {reason}")
        self.stdout.write(str(report))
