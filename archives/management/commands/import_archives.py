from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from archives.formats import Format, FormatError, Skipped
from archives.importing import ImportReport, analyze_new, import_file
from archives.models import Visibility
from archives.owners import UnknownOwner, find_owner


class Command(BaseCommand):
    help = (
        "Import playlists as archives from a file, plain or compressed with gzip or zstandard, or "
        "from every file in a folder. Run again, it stores only what is missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="The file or folder.")
        parser.add_argument(
            "--owner", required=True, metavar="WHO", help="E-mail address, handle or id of a user."
        )
        parser.add_argument(
            "--format",
            choices=[str(format) for format in Format],
            help="The files' format, if it isn't found out.",
        )
        parser.add_argument(
            "--visibility",
            choices=Visibility.values,
            default=Visibility.PRIVATE,
            help="Of playlists that don't say it; private by default.",
        )
        parser.add_argument(
            "--skipped", type=Path, metavar="FILE", help="Write all that is skipped to this file."
        )
        parser.add_argument("--no-progress", action="store_true", help="Show no progress bar.")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["path"]
        report = ImportReport()
        unread = []
        try:
            owner = find_owner(options["owner"])
            paths = sorted(found for found in path.rglob("*") if found.is_file())
        except (UnknownOwner, ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        if not path.is_dir():
            paths = [path]
        elif not paths:
            raise CommandError(f"{path} has no files.")
        with ExitStack() as stack:
            log = stack.enter_context(_opened(options["skipped"])) if options["skipped"] else None
            for file in paths:

                def notify(skipped: Skipped, file: Path = file) -> None:
                    line = f"{file}: {skipped}"
                    if log is not None:
                        log.write(f"{line}\n")
                    if sum(report.reasons.values()) <= len(report.skipped):
                        self.stderr.write(line)

                try:
                    import_file(
                        file,
                        owner,
                        format=options["format"],
                        visibility=options["visibility"],
                        progress=not options["no_progress"],
                        notify=notify,
                        report=report,
                    )
                except FormatError as error:
                    unread.append(str(error))
                    if path.is_dir():
                        self.stderr.write(str(error))
                except KeyboardInterrupt:
                    raise CommandError(
                        "Interrupted. Run the same command again to go on.", returncode=130
                    ) from None
        if report.created:
            analyze_new()
        if sum(report.reasons.values()) > len(report.skipped):
            self.stderr.write("Skipped by reason:")
            for reason, count in report.reasons.most_common(50):
                self.stderr.write(f"{count:>9,}  {reason}")
        if unread and not path.is_dir() and not report.created + report.unchanged:
            raise CommandError(unread[0])
        self.stdout.write(str(report))
        if unread:
            raise CommandError(
                f"{len(unread):,} of {len(paths):,} files could not be read whole."
                if path.is_dir()
                else unread[0]
            )


def _opened(path: Path) -> Any:
    try:
        return path.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise CommandError(f"Can't write {path}: {error.strerror}.") from error
