"""Importing playlists as archives; the command is `manage.py import_archives`."""

from archives.importing.analyzing import analyze_new
from archives.importing.load import (
    ImportReport,
    archive_of,
    import_file,
    import_playlists,
    name_of,
)

__all__ = [
    "ImportReport",
    "analyze_new",
    "archive_of",
    "import_file",
    "import_playlists",
    "name_of",
]
