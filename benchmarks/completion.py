"""Completion while someone types: how soon the right name is there, and how fast."""

import random
from collections import defaultdict
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from benchmarks.judging import Judged, artist_key
from search.models import Track
from search.suggest import Suggestion, suggest

QUERIES = 1000
CHARACTERS = (3, 5, 8)
# Of the query as it was mistyped.
SHARES = (0.6, 0.8)


@dataclass
class Case:
    """A judged query with its right name as the catalogue spells it: an artist's, or a title with
    the texts of the tracks it stands for."""

    query: Judged
    name: str
    texts: frozenset[str] = frozenset()

    def beginnings(self) -> dict[str, str]:
        """What was typed, by column."""
        typed = {f"{size} characters": self.name[:size] for size in CHARACTERS}
        text = self.query.text
        typed |= {f"{share:.0%} mistyped": text[: round(len(text) * share)] for share in SHARES}
        return typed

    def is_hit(self, suggestion: Suggestion) -> bool:
        if self.query.artist:
            return suggestion.kind == "artist" and (
                artist_key(suggestion.text) == artist_key(self.name)
            )
        return suggestion.kind == "track" and suggestion.text.casefold() in self.texts


@dataclass
class Quality:
    """By kind of query and column: whether the right name was among the first ten."""

    hits: dict[tuple[str, str], list[bool]] = field(default_factory=lambda: defaultdict(list))

    def note(self, case: Case) -> None:
        for column, typed in case.beginnings().items():
            hit = any(case.is_hit(suggestion) for suggestion in suggest(typed, 10))
            for kind in ("all", case.query.kind):
                self.hits[kind, column].append(hit)

    def table(self) -> Table:
        table = Table(title="Completion: share of right names among the first ten, having typed")
        columns = list(dict.fromkeys(column for _, column in self.hits))
        table.add_column("kind")
        for column in columns:
            table.add_column(column, justify="right")
        for kind in sorted({kind for kind, _ in self.hits}):
            shares = (self.hits[kind, column] for column in columns)
            table.add_row(kind, *(f"{sum(hits) / len(hits):.3f}" for hits in shares))
        return table


def print_quality(queries: list[Judged], console: Console) -> None:
    quality = Quality()
    for case in cases(random.Random(3).sample(queries, min(QUERIES, len(queries)))):
        quality.note(case)
    console.print(quality.table())


def cases(queries: list[Judged]) -> list[Case]:
    """Queries whose right names are in the catalogue."""
    rows = Track.objects.filter(external_id__in={id for query in queries for id in query.tracks})
    tracks = {str(row.external_id): row for row in rows}
    found = [Case(query, query.artist) for query in queries if query.artist]
    for query in queries:
        right = [tracks[id] for id in sorted(query.tracks) if id in tracks]
        if right:
            texts = frozenset(
                f"{row.title} – {row.artist_credit}".casefold() if row.artist_credit
                else row.title.casefold()
                for row in right
            )  # fmt: skip
            found.append(Case(query, right[0].title, texts))
    return found
