"""Completion while someone types: names that begin, misspellings allowed, with what is there."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.apps import apps
from django.db import connection

from search import sql, stages, vocabulary
from search.engine import Hit
from search.query import Query
from search.tsquery import all_of, any_of, lexeme
from search.vocabulary import MAX_WORD_LENGTH, Reading

# So short a beginning fits thousands of names: the most popular artists are read instead.
SHORT = 2
MOST_POPULAR = 20_000


@dataclass(frozen=True)
class Suggestion:
    """A completion: `text` is an artist's name, or a track as "Title – Artist credit"."""

    kind: Literal["artist", "track"]
    text: str
    id: UUID


def suggest(text: str, limit: int = 10) -> list[Suggestion]:
    """Up to `limit` completions of a typed text, best first, no text twice. The last word is a
    beginning unless a space follows it. Blank text has none."""
    query = Query(text.replace("\x00", " ").encode("utf-8", "ignore").decode("utf-8"))
    query.words = query.text.split()
    if not query.words or limit < 1:
        return []
    with connection.cursor() as cursor:
        reading = vocabulary.read(cursor, query)
        if reading is None:
            return []
        if len(reading.name) <= SHORT:
            return _popular(reading.name, limit)
        cursor.execute(sql.CANDIDATES, _candidates(reading, is_whole=text[-1:].isspace()))
        hits = [Hit(*row[:-2]) for row in cursor.fetchall()]
    suggestions: dict[str, Suggestion] = {}
    for hit in hits:
        name = f"{hit.name} – {hit.artist_credit}" if hit.artist_credit else hit.name
        suggestions.setdefault(name.casefold(), Suggestion(hit.kind, name, hit.id))
    return list(suggestions.values())[:limit]


def _popular(name: str, limit: int) -> list[Suggestion]:
    """The most popular artists whose name begins so."""
    artist = apps.get_model("search", "Artist")
    popular = artist.objects.order_by("-popularity", "id")[:MOST_POPULAR].values("id")
    rows = (
        artist.objects.filter(id__in=popular, name_key__startswith=name)
        .order_by("-popularity", "id")
        .values_list("name", "id")[:limit]
    )
    return [Suggestion("artist", name, id) for name, id in rows]


def _candidates(reading: Reading, *, is_whole: bool) -> dict[str, Any]:
    ways = stages.every_word(reading)
    name = reading.name[:MAX_WORD_LENGTH]
    beginning = None if is_whole else _beginning(reading)
    ways.artists = any_of([ways.artists, lexeme("@" + name, prefix=not is_whole), beginning])
    ways.titles = any_of([ways.titles, lexeme("=" + name, prefix=not is_whole)])
    ways.more = any_of([ways.more, beginning])
    return {
        "typed": reading.name,
        "corrected": reading.corrected,
        "exact": stages.exact(reading),
        "prefix": any_of([stages.prefix(reading), lexeme("@" + name, prefix=True)]),
        **vars(ways),
        "required": None,
        "genres": None,
        "year_from": None,
        "year_to": None,
        "accented": None,
        "otherwise": "fuzzy",
        "most": 30,
    }


def _beginning(reading: Reading) -> str | None:
    """Every word, or one near it, with the last as a beginning."""
    *before, last = reading.required
    if not before:
        return None
    words = [
        any_of(lexeme(near.word, "AB") for near in reading.near[place][: stages.ALTERNATIVES])
        for place in before
    ]
    rarest = min(sum(near.ndoc for near in reading.near[place]) for place in before)
    if rarest > stages.TOO_COMMON:
        return None
    return all_of([*words, lexeme(reading.words[last], "AB", prefix=True)])
