"""Completion while someone types: names that begin so, misspellings allowed, with what is there."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from search import sql
from search.query import Query
from vibomat.postgresql.prepared import prepared_cursor

# So much of a text is looked at: a longer one begins no name.
MAX_LENGTH = 200


@dataclass(frozen=True)
class Suggestion:
    """A completion: `text` is an artist's name, or a track as "Title – Artist credit"."""

    kind: Literal["artist", "track"]
    text: str
    id: UUID


def suggest(text: str, limit: int = 10) -> list[Suggestion]:
    """Up to `limit` completions of a typed text, best first, no text twice. The last word is a
    beginning unless a space follows it. Blank text has none. Never raises for what is typed."""
    text = text.replace("\x00", " ").encode("utf-8", "ignore").decode("utf-8")[:MAX_LENGTH]
    if not text.strip() or limit < 1:
        return []
    accented = Query(text, words=text.split()).accented or None
    with prepared_cursor() as cursor:
        cursor.execute(sql.COMPLETE, [text, accented, limit])
        return [Suggestion(kind, name, id) for kind, id, name in cursor.fetchall()]
