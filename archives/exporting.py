"""Archives as the playlists that are written to files."""

from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils.text import slugify

from archives.formats import Format, Playlist
from archives.models import Archive

AT_ONCE = 200


def playlist_of(archive: Archive) -> Playlist:
    """The archive's content, under the name and description that the archive has by now."""
    content = {**archive.content, "name": archive.name}
    if archive.description or "description" in content:
        content["description"] = archive.description
    return Playlist(
        content, archive.visibility, archive.provider, archive.provider_id, archive.created
    )


def playlists(archives: QuerySet[Archive]) -> Iterator[Playlist]:
    """The archives of a queryset in its order, a few at a time in memory."""
    return map(playlist_of, archives.iterator(chunk_size=AT_ONCE))


def file_name(archive: Archive, format: Format) -> str:
    """A name for the archive's file, the same whenever it is exported."""
    slug = slugify(archive.name, allow_unicode=True)[:50].strip("-_") or "archive"
    return f"{slug}-{archive.pk.hex[-8:]}{format.suffix}"
