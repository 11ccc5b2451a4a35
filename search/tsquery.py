"""tsquery texts, put together from lexemes."""

from collections.abc import Iterable


def lexeme(word: str, labels: str = "", *, prefix: bool = False) -> str:
    """One lexeme, quoted, of the given weights (such as "AB"); `prefix`: as a beginning."""
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    marks = ("*" if prefix else "") + labels
    return f"'{quoted}':{marks}" if marks else f"'{quoted}'"


def any_of(queries: Iterable[str | None]) -> str | None:
    """The alternatives of those given; None when there are none."""
    present = list(dict.fromkeys(query for query in queries if query))
    return f"({'|'.join(present)})" if present else None


def all_of(queries: Iterable[str | None]) -> str | None:
    """All together; None, which matches nothing, when one of them is missing."""
    parts = list(queries)
    if not parts or not all(parts):
        return None
    return f"({'&'.join(part for part in parts if part)})"
