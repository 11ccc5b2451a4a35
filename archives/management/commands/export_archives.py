import os
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from tqdm import tqdm

from archives import exporting, formats
from archives.formats import Format, FormatError
from archives.models import Archive
from archives.owners import UnknownOwner, find_owner
from vibomat import timeouts


class Command(BaseCommand):
    help = (
        "Export archives by their owner or ids: to standard output, to a file, or to a folder with "
        "a file for each. Those in the bin are left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="Ids of archives.")
        parser.add_argument(
            "--owner", metavar="WHO", help="E-mail address, handle or id of a user."
        )
        parser.add_argument(
            "--format",
            choices=[str(format) for format in Format if format.is_written],
            default=str(Format.VIBOMAT),
            help="vibomat by default, which loses nothing.",
        )
        parser.add_argument(
            "--output", type=Path, metavar="PATH", help="A file, or a folder that is there."
        )
        parser.add_argument("--no-progress", action="store_true", help="Show no progress bar.")

    def handle(self, *args: Any, **options: Any) -> None:
        format = Format(options["format"])
        output: Path | None = options["output"]
        archives = self._chosen(options)
        try:
            with timeouts.lifted():
                count = archives.count()
                if not count:
                    raise CommandError("There are no such archives.")
                if output is not None and output.is_dir():
                    self._write_each(archives, format, output, count, options["no_progress"])
                    written = str(output)
                elif count > 1 and not format.holds_many:
                    raise CommandError(
                        f"A file of {format.label} holds one playlist, and there are {count:,}: "
                        "say a folder that exists with --output."
                    )
                elif output is None:
                    formats.write(exporting.playlists(archives), format, self._standard_output())
                    return
                else:
                    with _replaced(output) as stream:
                        formats.write(exporting.playlists(archives), format, stream)
                    written = str(output)
        except FormatError as error:
            raise CommandError(str(error)) from error
        except BrokenPipeError:
            # Whoever reads has seen enough: manage.py ends quietly.
            raise
        except OSError as error:
            where = output or "to standard output"
            raise CommandError(f"Can't write {where}: {error.strerror}.") from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted.", returncode=130) from None
        self.stdout.write(f"{count:,} archives written to {written}.")

    def _chosen(self, options: dict[str, Any]) -> QuerySet[Archive]:
        if not options["ids"] and options["owner"] is None:
            raise CommandError("Say whose archives with --owner, or which by their ids.")
        archives = Archive.objects.filter(deleted=None).order_by("created", "id")
        if options["owner"] is not None:
            try:
                archives = archives.filter(owner=find_owner(options["owner"]))
            except UnknownOwner as error:
                raise CommandError(str(error)) from error
        if options["ids"]:
            try:
                ids = {uuid.UUID(text) for text in options["ids"]}
            except ValueError as error:
                raise CommandError(f"An id is a UUID: {error}.") from error
            archives = archives.filter(pk__in=ids)
            if missing := ids - set(archives.values_list("pk", flat=True)):
                raise CommandError(f"There is no such archive: {', '.join(map(str, missing))}.")
        return archives

    def _write_each(
        self, archives: QuerySet[Archive], format: Format, folder: Path, count: int, quiet: bool
    ) -> None:
        rows = archives.iterator(chunk_size=exporting.AT_ONCE)
        bar = tqdm(
            rows, total=count, unit=" archives", disable=True if quiet else None, leave=False
        )
        for archive in bar:
            with _replaced(folder / exporting.file_name(archive, format)) as stream:
                formats.write([exporting.playlist_of(archive)], format, stream)

    def _standard_output(self) -> BinaryIO:
        return cast(BinaryIO, getattr(self.stdout._out, "buffer", None) or _Text(self.stdout))


class _Text:
    """A stream of UTF-8 over one of text, such as a test's."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, data: bytes) -> None:
        self.stream.write(data.decode(), ending="")


@contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of the one at `path` only when it is whole."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:40]}", delete=False) as file:
        try:
            yield cast(BinaryIO, file)
            file.flush()
            Path(file.name).chmod(0o666 & ~_umask())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink()
            raise


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
