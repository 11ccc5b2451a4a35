"""Importing catalogues of any size from files; the command is `manage.py import_catalogue`."""

from search.importing.columns import ColumnsError
from search.importing.load import (
    ImportRefused,
    ImportReport,
    Reject,
    drop_sample,
    import_catalogue,
    load_sample,
)
from search.importing.readers import FORMATS, SourceError

__all__ = [
    "FORMATS",
    "ColumnsError",
    "ImportRefused",
    "ImportReport",
    "Reject",
    "SourceError",
    "drop_sample",
    "import_catalogue",
    "load_sample",
]
