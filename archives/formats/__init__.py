"""Playlist files: reading them whatever their format, and writing them.

    for item in formats.read("playlists.jsonl.gz"):
        ...  # a Playlist, or Skipped with the reason why something was left out
    formats.write([playlist], formats.Format.XSPF, stream)

Nothing here knows of the database or of HTTP. The modules say what each format can't hold.
"""

from archives.formats.files import detect, read, write
from archives.formats.playlist import VISIBILITIES, FormatError, Playlist, Skipped
from archives.formats.registry import Format
from archives.formats.source import opened

__all__ = [
    "VISIBILITIES",
    "Format",
    "FormatError",
    "Playlist",
    "Skipped",
    "detect",
    "opened",
    "read",
    "write",
]
