"""Files of playlists: what format they are in, reading and writing them."""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from archives.formats import exportify, json_documents, jspf, m3u, million, vibomat, xspf
from archives.formats.playlist import FormatError, Playlist, Reading, Skipped
from archives.formats.registry import OBJECTS, Format, format_of
from archives.formats.source import HEAD, UTF8_BOM, Source, opened
from archives.formats.values import TooDeep, finished, storable
from vibomat.compression import Bytes

_SINGLE: dict[Format, Callable[[Source, Reading], Playlist]] = {
    Format.XSPF: xspf.playlist,
    Format.M3U8: m3u.playlist,
    Format.CSV: exportify.playlist,
}
_WRITE_ONE: dict[Format, Callable[[Playlist, BinaryIO], None]] = {
    Format.JSPF: jspf.write,
    Format.XSPF: xspf.write,
    Format.M3U8: m3u.write,
    Format.CSV: exportify.write,
}
_WRITE_MANY: dict[Format, Callable[[Iterable[Playlist], BinaryIO], int]] = {
    Format.MPD: million.write,
    Format.VIBOMAT: vibomat.write,
}


def detect(data: bytes) -> Format:
    """The format of a file by its content, of which the first 256 KB are enough.

    JSON Lines may have a playlist of another format in every line; it is then that of the first.
    Raises `FormatError`.
    """
    return _detect(Source(io.BytesIO(data), "The file"))


def read(
    source: Path | str | Bytes, format: Format | str | None = None
) -> Iterator[Playlist | Skipped]:
    """The playlists of a file, plain or compressed with gzip or zstandard, one by one.

    What has to be left out of a playlist comes before it. A playlist itself is left out only when
    it is broken, or has no track, name or description. Of a file of many playlists one at a time
    is in memory. Without `format` it is found out, in JSON for each playlist anew. A stream is
    read from where it stands, needs nothing but `read`, and isn't closed.

    Raises `FormatError` where the file can't be read, or not further.
    """
    asked = Format(format) if format is not None else None
    if isinstance(source, (str, Path)):
        with opened(Path(source)) as file:
            yield from _read(Source(file, str(source)), asked)
    else:
        yield from _read(Source(source, str(getattr(source, "name", "") or "The file")), asked)


def write(playlists: Iterable[Playlist], format: Format | str, stream: BinaryIO) -> int:
    """Write playlists to a stream, as they come; gives their number.

    Raises `FormatError` for a format that isn't written, and for more or fewer than one playlist
    in a format whose files have one; nothing is written then.
    """
    format = Format(format)
    if format in _WRITE_MANY:
        return _WRITE_MANY[format](map(_storable, playlists), stream)
    if format not in _WRITE_ONE:
        raise FormatError(f"{format.label} is a format that is only read.")
    following = iter(playlists)
    one, another = next(following, None), next(following, None)
    if one is None or another is not None:
        raise FormatError(f"A file of {format.label} holds one playlist.")
    _WRITE_ONE[format](_storable(one), stream)
    return 1


def _storable(playlist: Playlist) -> Playlist:
    """The playlist without what no format could hold, and with the types that all rely on."""
    try:
        content = storable(dict(playlist.content))[0]
    except TooDeep as error:
        raise FormatError("A playlist to be written is nested too deeply.") from error
    tracks = content.get("tracks")
    content["tracks"] = [
        track for track in (tracks if isinstance(tracks, list) else []) if isinstance(track, dict)
    ]
    if not isinstance(content.get("metadata"), dict | None):
        del content["metadata"]
    return replace(playlist, content=content)


def _detect(source: Source) -> Format:
    head = source.head()
    start = head.removeprefix(UTF8_BOM).lstrip()
    if not start:
        raise source.error("is empty")
    # XML says its encoding itself.
    if start[:8].strip(b"\0\xff\xfe").startswith(b"<"):
        return Format.XSPF
    source.expect_utf8()
    if start.startswith((b"{", b"[")):
        return _detect_json(source)
    first_line = start.splitlines()[0].decode(errors="replace")
    if first_line.startswith(("#EXTM3U", "#EXTINF:", "#PLAYLIST:")):
        return Format.M3U8
    if exportify.is_header(first_line):
        return Format.CSV
    raise source.error("is in no format that is known")


def _detect_json(source: Source) -> Format:
    head = source.head().removeprefix(UTF8_BOM).lstrip()
    # Where a file's first lines are broken, the next one tells.
    lines = (json_documents.parse(line.decode(errors="replace")) for line in head.split(b"\n"))
    for value in chain([json_documents.complete(head)], (line.value for line in lines)):
        if json_documents.is_container(value):
            value = value["playlists"]
        if isinstance(value, list):
            value = value[0] if value else None
        if found := format_of(value):
            return found
    by_lines = json_documents.layout(source) == "lines"
    beginning = head.split(b"\n")[0] if by_lines else head
    problem = json_documents.parse(beginning.decode(errors="replace")).problem
    # A beginning of a longer file is never a whole value.
    if problem and (by_lines or len(head) < HEAD):
        raise source.error(problem)
    raise source.error("is JSON of no format that is known")


def _read(source: Source, asked: Format | None) -> Iterator[Playlist | Skipped]:
    format = asked or _detect(source)
    if format in _SINGLE:
        reading = Reading(0)
        yield from _finished(_SINGLE[format](source, reading), reading)
        return
    for index, entry in enumerate(json_documents.entries(source)):
        reading = Reading(index)
        for key in entry.repeated:
            reading.skip(f"the key {key[:40]!r} stands twice; the last value counts", field="JSON")
        found = entry.value
        shape = asked or format_of(found)
        if entry.problem:
            yield Skipped(index, entry.problem)
        elif not isinstance(found, dict):
            yield Skipped(index, "is no JSON object")
        elif shape is None or (shape is Format.JSPF and format_of(found) is not Format.JSPF):
            yield Skipped(index, "is in no format that is known" if shape is None else "is no JSPF")
        else:
            yield from _finished(OBJECTS[shape](found, reading), reading)


def _finished(playlist: Playlist, reading: Reading) -> Iterator[Playlist | Skipped]:
    try:
        whole = finished(playlist, reading)
    except TooDeep:
        yield Skipped(reading.index, "is nested too deeply")
        return
    yield from reading.skipped
    yield whole or Skipped(reading.index, "is empty: no track, no name, no description")
