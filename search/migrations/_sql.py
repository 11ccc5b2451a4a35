"""The SQL that this app's migrations run from files, for editors to understand."""

from pathlib import Path


def read(name: str) -> str:
    return (Path(__file__).parent / "sql" / name).read_text(encoding="utf-8")
