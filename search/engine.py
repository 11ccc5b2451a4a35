"""One search, from typed text to ranked rows: a few statements, as few as the query allows."""

import time
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from django.apps import apps
from django.db.backends.utils import CursorWrapper

from search import slips, sql, stages, vocabulary
from search.metrics import observe_stage
from search.query import Query, parse
from search.spelling import did_you_mean
from search.stages import Ways
from search.trigram import alike
from search.vocabulary import Reading
from vibomat.postgresql.prepared import prepared_cursor

Kind = Literal["all", "track", "artist"]

# The ranked list ends here; candidates beyond it would hardly be what was meant.
MAX_RESULTS = 300
# A later stage is asked when no row so far is as like the query as this.
GOOD = 0.84
FAIR = 0.78
MAX_TRIGRAM_LENGTH = 60
# So many rows are compared with the typed text edit by edit, and tell its spelling, whatever the
# page.
WEIGHED = 15
FAIR_GUESS = 0.5
# The sum that search_candidates divides by to make a score.
SCALE = 1.4


@dataclass(frozen=True)
class Hit:
    """A ranked row. `name` is an artist's name or a track's title; `score` lies in [0, 1];
    `match` is one of exact, prefix, fuzzy, joined, relaxed, trigram; `likeness` compares the
    typed text with the row's name, popularity aside."""

    kind: Literal["track", "artist"]
    id: UUID
    external_id: str | None
    name: str
    artist_credit: str | None
    album: str | None
    year: int | None
    duration_ms: int | None
    popularity: float
    match: str
    likeness: float
    score: float


@dataclass
class Step:
    """One statement of a search: its stage, what it was given, and the milliseconds it took."""

    stage: str
    statement: str
    parameters: Any
    took_ms: float = 0.0
    rows: int = 0


@dataclass
class Results:
    """`hits` in rank order; `did_you_mean` is None when the query was fine; `took_ms` is the
    time of all statements as seen from here; `steps` are those statements."""

    query: Query
    hits: list[Hit] = field(default_factory=list)
    did_you_mean: str | None = None
    steps: list[Step] = field(default_factory=list)
    reading: Reading | None = None

    @property
    def took_ms(self) -> float:
        return sum(step.took_ms for step in self.steps)


def search(text: str, *, kind: Kind = "all", limit: int = 20, offset: int = 0) -> Results:
    """The catalogue's rows for a typed text, best first: `limit` of them from `offset` on.

    The ranked list has at most `MAX_RESULTS` rows and doesn't depend on limit and offset, so
    that its pages together are the list. Blank text has no results. Never raises for what is
    typed.
    """
    results = Results(parse(text))
    if results.query.is_blank or offset >= MAX_RESULTS or limit < 1:
        return results
    with prepared_cursor() as cursor:
        run = _Run(_Recorder(cursor, results.steps), results.query, kind)
        hits = run.ranked(max(WEIGHED, min(offset + limit, MAX_RESULTS)))
    for step in results.steps:
        observe_stage(step.stage, step.took_ms)
    if run.reading.words:
        results.reading = run.reading
        results.did_you_mean = did_you_mean(run.reading, hits[:WEIGHED])
    results.hits = hits[offset : offset + limit]
    return results


def _weighed(hit: Hit, typed: str, keys: list[str]) -> Hit:
    """The hit with a score that tells common slips from other edits."""
    if not FAIR_GUESS <= hit.likeness < 1 or not (name := slips.nearest(typed, hit.kind, keys)):
        return hit
    gain = slips.discount(typed, name) / len(typed) / SCALE
    return replace(hit, score=hit.score + gain) if gain else hit


class _Recorder:
    """A cursor that notes its statements and how long each took, rows fetched."""

    def __init__(self, cursor: CursorWrapper, steps: list[Step]) -> None:
        self.cursor = cursor
        self.steps = steps
        self.stage = "words"
        self.rows: list[tuple[Any, ...]] = []

    def execute(self, statement: str, parameters: Any) -> None:
        start = time.perf_counter()
        self.cursor.execute(statement, parameters)
        self.rows = self.cursor.fetchall()
        took = (time.perf_counter() - start) * 1000
        self.steps.append(Step(self.stage, statement, parameters, took, len(self.rows)))

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows


class _Run:
    def __init__(self, recorder: _Recorder, query: Query, kind: Kind) -> None:
        self.recorder = recorder
        self.query = query
        self.kind = kind
        self.reading = vocabulary.read(recorder, query)
        self.hits: dict[UUID, Hit] = {}
        self.best = 0.0

    def ranked(self, most: int) -> list[Hit]:
        """The best rows. Where no row has the quoted phrases, their words count like any others."""
        if not self.reading.words:
            return self._most_popular(most)
        hits = self._ranked(self.reading, most)
        if hits or not self.query.phrases:
            return hits
        self.query = replace(self.query, phrases=[])
        self.reading = replace(self.reading, phrases=[])
        self.best = 0.0
        return [
            hit if hit.match == "trigram" else replace(hit, match="relaxed")
            for hit in self._ranked(self.reading, most)
        ]

    def _ranked(self, reading: Reading, most: int) -> list[Hit]:
        self._collect("every word", stages.every_word(reading), "fuzzy", most)
        if self.best < GOOD and len(reading.words) > 1:
            self._collect("all but one", stages.all_but_one(reading), "relaxed", most)
        if self.best < FAIR:
            self.recorder.stage = "further words"
            near = vocabulary.look_further(self.recorder, *stages.further_units(reading))
            self._collect("further", stages.further(reading, near), "relaxed", most)
        if not self.hits:
            self._add(self._similar_names(most))
        return sorted(self.hits.values(), key=lambda hit: (-hit.score, -hit.popularity, hit.id))[
            :most
        ]

    def _most_popular(self, most: int) -> list[Hit]:
        """What passes the filters of a query that has nothing else."""
        if self.query.genres or self.query.years != (None, None):
            self._collect("filters", Ways(common=stages.EVERY_ROW), "exact", most)
        return list(self.hits.values())[:most]

    def _collect(self, stage: str, ways: Ways, otherwise: str, most: int) -> None:
        reading, query = self.reading, self.query
        if self.kind == "track":
            ways.artists = None
        if self.kind == "artist" or query.title or query.album or query.years != (None, None):
            if self.kind == "artist":
                ways = Ways(artists=ways.artists)
            else:
                ways.artists = None
        if not ways:
            return
        self.recorder.stage = stage
        self.recorder.execute(
            sql.CANDIDATES,
            {
                "typed": reading.name,
                "corrected": reading.corrected,
                "exact": stages.exact(reading),
                "prefix": stages.prefix(reading),
                "part": stages.part(reading),
                "near": stages.near(reading),
                **vars(ways),
                "required": stages.required(reading),
                "genres": [*query.genres, *(g.lower() for g in query.genres)] or None,
                "year_from": query.years[0],
                "year_to": query.years[1],
                "accented": query.accented or None,
                "otherwise": otherwise,
                "most": most,
            },
        )
        rows = self.recorder.fetchall()
        if rows:
            self.best = max(self.best, rows[0][-1])
        hits = [Hit(*row[:-2]) for row in rows]
        for place, row in enumerate(rows[:WEIGHED]):
            hits[place] = _weighed(hits[place], reading.name, row[-2])
        self._add(hits)

    def _similar_names(self, most: int) -> list[Hit]:
        """What trigrams find, for plain words only: a filter that leaves nothing means it."""
        query = self.query
        if query != Query(query.text, words=query.words):
            return []
        text = " ".join(query.words)[:MAX_TRIGRAM_LENGTH]
        start = time.perf_counter()
        hits = []
        if self.kind != "track":
            artists = apps.get_model("search", "Artist").objects.all()
            hits += [
                Hit("artist", row.id, row.external_id, row.name, None, None, None, None,
                    row.popularity, "trigram", likeness, likeness / 2)
                for row, likeness in alike(artists, "name", text, most)
            ]  # fmt: skip
        if self.kind != "artist":
            tracks = apps.get_model("search", "Track").objects.all()
            hits += [
                Hit("track", row.id, row.external_id, row.title, row.artist_credit, row.album,
                    row.year, row.duration_ms, row.popularity, "trigram",
                    likeness, likeness / 2)
                for row, likeness in alike(tracks, "title", text, most)
            ]  # fmt: skip
        took = (time.perf_counter() - start) * 1000
        self.recorder.steps.append(Step("trigrams", "similar names", text, took, len(hits)))
        return hits

    def _add(self, hits: list[Hit]) -> None:
        for hit in hits:
            self.hits.setdefault(hit.id, hit)
