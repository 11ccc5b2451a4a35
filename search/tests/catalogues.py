"""Catalogues so large that a plan means something."""

from collections.abc import Iterator
from contextlib import contextmanager

from vibomat.tests.databases import execute

TABLES = "track, artist, search_trackartist, search_lexeme"


@contextmanager
def loaded(statements: str) -> Iterator[None]:
    """The catalogue that these fill, there for everybody, vacuumed and analysed."""
    execute("SET statement_timeout = 0")
    execute(statements)
    execute(f"VACUUM ANALYZE {TABLES}")
    yield
    execute("TRUNCATE track, artist, search_trackartist")
    execute(f"VACUUM {TABLES}")
    execute("RESET statement_timeout")
