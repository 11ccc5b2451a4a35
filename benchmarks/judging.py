"""Whether a result answers a query: hits, ranks and the measures made of them."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from django.core.management.base import CommandError

from search.models import Track


class Ranked(Protocol):
    """What judging looks at in a ranked row."""

    @property
    def kind(self) -> str: ...
    @property
    def external_id(self) -> str | None: ...
    @property
    def name(self) -> str: ...
    @property
    def artist_credit(self) -> str | None: ...


@dataclass(frozen=True)
class Judged:
    """A query with its right answers: external ids of tracks, or the name of an artist, of whom
    the artist itself and every track is a hit."""

    text: str
    kind: str
    tracks: frozenset[str] = frozenset()
    artist: str = ""

    def is_hit(self, row: Ranked) -> bool:
        if self.artist:
            name = row.name if row.kind == "artist" else row.artist_credit
            return artist_key(name or "") == artist_key(self.artist)
        return row.kind == "track" and row.external_id in self.tracks

    def rank(self, rows: Sequence[Ranked], most: int = 10) -> int | None:
        """The place of the first hit, from 1, among the first `most` rows."""
        return next(
            (place for place, row in enumerate(rows[:most], start=1) if self.is_hit(row)), None
        )


@dataclass
class Measures:
    """hit@1, hit@10 and MRR@10 over the ranks collected."""

    ranks: list[int | None] = field(default_factory=list)

    def hit_at(self, k: int) -> float:
        return sum(rank is not None and rank <= k for rank in self.ranks) / max(1, len(self.ranks))

    @property
    def mrr(self) -> float:
        return sum(1 / rank for rank in self.ranks if rank) / max(1, len(self.ranks))


def read_queries(path: Path) -> list[Judged]:
    """Queries from JSON Lines of {"q", "kind", "relevant": [ids]} or {…, "relevant_artist"}."""
    queries = []
    number = 0
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                number += 1
                row = json.loads(line)
                queries.append(
                    Judged(
                        row["q"],
                        row.get("kind", "query"),
                        frozenset(row.get("relevant", ())),
                        row.get("relevant_artist", ""),
                    )
                )
    except OSError as error:
        raise CommandError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path}, line {number}: not a judged query ({error}).") from error
    if not queries:
        raise CommandError(f"{path} has no queries.")
    return queries


def judged_queries(path: Path) -> list[Judged]:
    """Queries to ask the catalogue at hand. Raises CommandError when there is none."""
    queries = read_queries(path)
    if not Track.objects.exists():
        raise CommandError("The catalogue is empty: run manage.py import_catalogue PATH first.")
    return queries


def artist_key(name: str) -> str:
    """An artist's name without leading The, &/and, case, accents and spaces."""
    decomposed = unicodedata.normalize("NFKD", re.sub("[&+]", " and ", name))
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).lower()
    words = re.findall(r"\w+", re.sub("['’‘`´ʻʼ]", "", plain))
    words = [word for word in words if word != "and"] or words
    if len(words) > 1 and words[0] == "the":
        del words[0]
    return "".join(words) or name


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` of them don't exceed."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[max(0, min(len(ordered) - 1, -int(-len(ordered) * share // 1) - 1))]
