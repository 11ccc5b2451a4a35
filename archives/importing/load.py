"""Playlists become archives, in batches of one transaction each.

With its archives a batch notes which playlists they were, so a second run, or one after a kill,
stores only what is missing. A playlist is known by its content, name and id at its provider; of
several alike in one file each is one.
"""

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils import timezone
from tqdm import tqdm

from archives import formats
from archives.fields import uuid7
from archives.formats import Format, FormatError, Playlist, Skipped
from archives.importing import sql
from archives.models import Archive, Visibility
from vibomat import timeouts
from vibomat.accounts.models import User

BATCH_ARCHIVES = 500
# Far below what a statement may take; larger batches are hardly faster.
BATCH_TRACKS = 5_000
SKIPPED_KEPT = 20
UNTITLED = "Untitled"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Notify = Callable[[Skipped], None]


@dataclass
class ImportReport:
    """What imports did. `unchanged` playlists were stored by an earlier one."""

    created: int = 0
    unchanged: int = 0
    tracks: int = 0
    playlists_skipped: int = 0
    tracks_skipped: int = 0
    values_skipped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)

    def skip(self, skipped: Skipped) -> None:
        if skipped.is_playlist:
            self.playlists_skipped += 1
        elif skipped.is_track:
            self.tracks_skipped += 1
        else:
            self.values_skipped += 1
        self.reasons[skipped.reason] += 1
        if len(self.skipped) < SKIPPED_KEPT:
            self.skipped.append(skipped)

    def __str__(self) -> str:
        return (
            f"Archives: {self.created:,} new with {self.tracks:,} tracks,"
            f" {self.unchanged:,} unchanged. Skipped: {self.playlists_skipped:,} playlists,"
            f" {self.tracks_skipped:,} tracks, {self.values_skipped:,} values."
        )


def import_file(
    path: Path,
    owner: User,
    *,
    format: Format | str | None = None,
    visibility: str = Visibility.PRIVATE,
    progress: bool = False,
    notify: Notify = lambda skipped: None,
    report: ImportReport | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> ImportReport:
    """Import the playlists of a file; `import_playlists` tells the rest.

    A playlist without a name gets the file's. `progress` shows a bar on a terminal. Raises
    `FormatError` where the file can't be read, or not further; what stands before is stored.
    """
    with formats.opened(path) as file, timeouts.lifted(using):
        bar = tqdm(
            total=path.stat().st_size,
            desc=path.name,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            disable=None if progress else True,
            leave=False,
        )
        with bar:
            return import_playlists(
                formats.read(file, format),
                owner,
                name=name_of(path.name),
                visibility=visibility,
                notify=notify,
                stored=lambda archives: bar.update(file.tell() - bar.n),
                report=report,
                using=using,
            )


def name_of(file: str) -> str:
    """The file's name without what tells its format and compression."""
    path = Path(file)
    plain = path.with_suffix("") if path.suffix in (".gz", ".zst") else path
    # Bytes that aren't UTF-8 are lone surrogates in a path.
    return plain.stem.encode(errors="replace").decode()


def import_playlists(
    items: Iterable[Playlist | Skipped],
    owner: User,
    *,
    name: str = "",
    visibility: str = Visibility.PRIVATE,
    notify: Notify = lambda skipped: None,
    stored: Callable[[list[Archive]], object] = lambda archives: None,
    report: ImportReport | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> ImportReport:
    """Store what `formats.read` gives as archives of the owner, and add to the report.

    `name` and `visibility` are for playlists that don't say theirs. `notify` is told of everything
    that is skipped, `stored` of each batch's new archives, once they are.
    """
    report = report if report is not None else ImportReport()
    alike: Counter[uuid.UUID] = Counter()
    for batch, error in _batches(items):
        ready = []
        for item in batch:
            notes = [item] if isinstance(item, Skipped) else []
            if isinstance(item, Playlist):
                found = _hash(item, name)
                key = uuid.uuid5(found, str(alike[found])) if alike[found] else found
                alike[found] += 1
                try:
                    archive, notes = archive_of(item, owner, name=name, visibility=visibility)
                    ready.append((key, archive))
                except ValidationError as invalid:
                    notes = [Skipped(item.index, _one_line(invalid))]
            for note in notes:
                report.skip(note)
                notify(note)
        stored(_store(ready, owner, report, using))
        if error is not None:
            raise error
    return report


def archive_of(
    playlist: Playlist, owner: User, *, name: str = "", visibility: str = Visibility.PRIVATE
) -> tuple[Archive, list[Skipped]]:
    """The playlist as an archive that isn't saved yet, and what it has no place for.

    Its content stays as it is; a name or description too long for an archive is cut, and a time of
    creation before 1970 or to come is now. Raises ValidationError, its messages by field.
    """
    content = playlist.content
    notes: list[Skipped] = []

    def fitting(field: str, value: str, cut: bool) -> str:
        longest = Archive._meta.get_field(field).validators[0].limit_value  # type: ignore[union-attr]
        if len(value) <= longest:
            return value
        reason = f"is longer than {longest:,} characters"
        notes.append(
            Skipped(playlist.index, f"{reason}; it is cut" if cut else reason, field=field)
        )
        return f"{value[: longest - 1]}…" if cut else ""

    created = playlist.created
    if created and not EPOCH <= created <= timezone.now():
        # No id carries it.
        when = "before 1970" if created < EPOCH else "in the future"
        reason = f"is {when}; the time of the import takes its place"
        notes.append(Skipped(playlist.index, reason, field="created"))
        created = None
    said = content.get("name")
    archive = Archive(
        id=uuid7(created),
        owner=owner,
        name=fitting("name", said if said and not said.isspace() else name or UNTITLED, True),
        description=fitting("description", content.get("description") or "", True),
        visibility=playlist.visibility or visibility,
        provider=fitting("provider", playlist.provider, False),
        provider_id=fitting("provider_id", playlist.provider_id, False),
        content=dict(content),
    )
    archive.clean_fields(exclude={"owner", "derived_from"})
    archive.clean()
    return archive, notes


def _batches(
    items: Iterable[Playlist | Skipped],
) -> Iterator[tuple[list[Playlist | Skipped], FormatError | None]]:
    """The items in batches, the last one with the error that ended them."""
    batch: list[Playlist | Skipped] = []
    tracks = 0
    error = None
    try:
        for item in items:
            batch.append(item)
            if isinstance(item, Playlist):
                tracks += len(item.content["tracks"])
            if len(batch) >= BATCH_ARCHIVES or tracks >= BATCH_TRACKS:
                yield batch, None
                batch, tracks = [], 0
    except FormatError as found:
        error = found
    yield batch, error


def _hash(playlist: Playlist, name: str) -> uuid.UUID:
    """The same for playlists with the same content, name and id at a provider."""
    content = {**playlist.content, "name": playlist.content.get("name") or name}
    said = json.dumps([content, playlist.provider, playlist.provider_id], sort_keys=True)
    return uuid.UUID(bytes=hashlib.sha256(said.encode()).digest()[:16])


def _one_line(error: ValidationError) -> str:
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(
        f"{field}: {message}"
        for field, messages in error.message_dict.items()
        for message in messages
    )


def _store(
    ready: list[tuple[uuid.UUID, Archive]], owner: User, report: ImportReport, using: str
) -> list[Archive]:
    """Store those that no earlier import has stored, and return them."""
    if not ready:
        return []
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute(sql.LOCK, [owner.pk])
            cursor.execute(
                sql.NOTE,
                {
                    "owner": owner.pk,
                    "keys": [key for key, _ in ready],
                    "archives": [archive.pk for _, archive in ready],
                },
            )
            new = {key for (key,) in cursor.fetchall()}
        archives = [archive for key, archive in ready if key in new]
        Archive.objects.using(using).bulk_create(archives)
    report.created += len(archives)
    report.unchanged += len(ready) - len(archives)
    report.tracks += sum(len(archive.content["tracks"]) for archive in archives)
    return archives
