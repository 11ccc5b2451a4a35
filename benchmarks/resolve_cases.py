"""Cases for the resolver: judged queries split into artist and title, and invented tracks."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection
from rapidfuzz.distance import OSA

from benchmarks.judging import Judged, artist_key
from search.models import Track
from search.resolve import Entry

# Invented tracks are made from so many of the most popular tracks and as many drawn from all.
POPULAR = 40_000
LONGEST = 6  # words
INVENTED = ("swapped", "invented", "new title", "invented")
# How a track is relabelled: {0} is the name, {1} somebody else.
GUESTS = ("{0}", "{0}", "{0}", "{0} feat. {1}")
EDITIONS = (
    "{0} - Remastered 2011", "{0} (Remastered)", "{0} (Live)", "{0} - Live at Wembley",
    "{0} - Radio Edit", "{0} (Remix)", "{0} [Official Video]", "{0} (Acoustic)",
    "{0} (feat. {1})", "{0} ft. {1}",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """An entry with the external ids of its right answers; none for an invented track. `kind` is
    the query's kind, one that `invented_cases` explains, or `relabelled`."""

    entry: Entry
    kind: str
    tracks: frozenset[str] = frozenset()


def judged_cases(queries: Iterable[Judged]) -> list[Case]:
    """Queries for a track that name its artist, split into fields; others are left out."""
    queries = [q for q in queries if q.kind in ("artist+title", "title+artist") and q.tracks]
    ids = {id for query in queries for id in query.tracks}
    names = {
        id: (credit, title)
        for id, credit, title in Track.objects.filter(external_id__in=ids).values_list(
            "external_id", "artist_credit", "title"
        )
    }
    cases = []
    for query in queries:
        relevant = [names[id] for id in query.tracks if id in names]
        if relevant and (entry := split(query.text, relevant, first=query.kind == "artist+title")):
            cases.append(Case(entry, query.kind, query.tracks))
    return cases


def split(text: str, relevant: Sequence[tuple[str, str]], *, first: bool) -> Entry | None:
    """The text as artist and title, or title and artist unless `first`, cut between the words
    where the artist is most like one of the relevant (credit, title) pairs, then the title.
    None for one word."""
    words = text.split()
    best: tuple[tuple[float, float], Entry] | None = None
    for cut in range(1, len(words)):
        ends = " ".join(words[:cut]), " ".join(words[cut:])
        artist, title = ends if first else reversed(ends)
        for credit, right in relevant:
            alike = (
                OSA.normalized_similarity(artist_key(artist), artist_key(credit)),
                OSA.normalized_similarity(artist_key(title), artist_key(right)),
            )
            if best is None or alike > best[0]:
                best = alike, Entry(artist, title)
    return best[1] if best else None


def invented_cases(size: int, seed: int, kinds: Sequence[str] = INVENTED) -> list[Case]:
    """`size` tracks that the catalogue doesn't have, of each kind in turn: a real artist with
    another track's title (`swapped`), with a title made of words of titles (`new title`), or with a
    title of theirs with another word (`other word`); or both made of words (`invented`)."""
    draw = random.Random(seed)
    rows = _named_tracks()
    credits: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for key in (row.title_key, row.full_title_key):
            credits[key] |= {row.credit_key, row.main_credit_key}
    drawn = rows[:POPULAR] + draw.sample(rows, min(POPULAR, len(rows)))
    artists = [row.artist_credit.split() for row in drawn]
    titles = [row.title.split() for row in drawn]

    def recombined(names: list[list[str]]) -> str:
        size = min(len(draw.choice(names)), LONGEST)
        return " ".join(draw.choice(draw.choice(names)) for _ in range(size))

    cases: list[Case] = []
    while len(cases) < size:
        kind = kinds[len(cases) % len(kinds)]
        track = draw.choice(drawn)
        if kind == "swapped":
            entry = Entry(track.artist_credit, draw.choice(drawn).title)
        elif kind == "new title":
            entry = Entry(track.artist_credit, recombined(titles))
        elif kind == "other word":
            words = track.title.split()
            words[draw.randrange(len(words))] = draw.choice(draw.choice(titles))
            entry = Entry(track.artist_credit, " ".join(words))
        else:
            entry = Entry(recombined(artists), recombined(titles))
        if not _is_in(credits, entry):
            cases.append(Case(entry, kind))
    return cases


def relabelled_cases(size: int, seed: int) -> list[Case]:
    """`size` tracks of the catalogue with an edition or a guest that it doesn't have: right are all
    tracks of that artist with that title."""
    draw = random.Random(seed)
    rows = _named_tracks()
    editions: dict[tuple[str, str], list[_Named]] = defaultdict(list)
    for row in rows:
        editions[row.credit_key, row.title_key].append(row)
    plain = [
        row
        for row in rows[:POPULAR] + draw.sample(rows, min(POPULAR, len(rows)))
        if row.external_id
        and row.title_key == row.full_title_key
        and row.credit_key == row.main_credit_key
        and len(editions[row.credit_key, row.title_key]) == 1
    ]
    return [
        Case(
            Entry(
                draw.choice(GUESTS).format(row.artist_credit, draw.choice(rows).artist_credit),
                draw.choice(EDITIONS).format(row.title, draw.choice(rows).artist_credit),
            ),
            "relabelled",
            frozenset([row.external_id or ""]),
        )
        for row in draw.sample(plain, min(size, len(plain)))
    ]


class _Named(NamedTuple):
    external_id: str | None
    artist_credit: str
    title: str
    credit_key: str
    main_credit_key: str
    title_key: str
    full_title_key: str


def _named_tracks() -> list[_Named]:
    """All tracks with an artist and a title, popular ones first."""
    rows = Track.objects.exclude(artist_credit="").exclude(title="")
    return [
        _Named(*row)
        for row in rows.order_by("-popularity", "external_id", "id").values_list(*_Named._fields)
    ]


def _is_in(credits: dict[str, set[str]], entry: Entry) -> bool:
    """Whether a track has that title, editions aside, and a credit that has that artist or is part
    of it. `credits` are the keys of credits by the keys of their titles."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT search_key(search_normalise(%s)), search_key(search_normalise(%s)),"
            " search_key(search_normalise(search_bare_title(%s)))",
            [entry.artist, entry.title, entry.title],
        )
        artist, title, bare_title = cursor.fetchone()
    return any(
        artist in credit or credit in artist for credit in credits[title] | credits[bare_title]
    )
