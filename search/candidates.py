"""The tracks that the entries of a list may mean, found in few statements for the whole list.

Four statements, whatever the length: the keys of the typed names; the tracks that have an entry's
artist and title; for entries without one, the names near theirs; and the tracks that have those.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from uuid import UUID

from django.db import connection

from search import sql, vocabulary
from search.confidence import Names
from search.tsquery import all_of, any_of, lexeme
from search.vocabulary import MAX_WORD_LENGTH, Cursor

# A typed name may be a misspelling of so many, and so many tracks of each are compared.
MOST_NAMES = 12
MOST_TRACKS = 20
# An artist's key as long as this may be two edits away, a shorter one only one.
TWO_EDITS = 5


class TypedTrack(Protocol):
    @property
    def artist(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def album(self) -> str: ...


class Candidate(NamedTuple):
    """A track that an entry may mean, with its keys; `album_key` is empty unless the entry has an
    album."""

    id: UUID
    external_id: str | None
    title: str
    artist_credit: str
    album: str
    year: int | None
    duration_ms: int | None
    popularity: float
    title_key: str
    full_title_key: str
    credit_key: str
    main_credit_key: str
    album_key: str

    @property
    def names(self) -> Names:
        return Names(self.credit_key, self.main_credit_key, self.full_title_key, self.title_key)


@dataclass
class Candidates:
    """What was found for an entry: its keys, whether the catalogue has the typed artist, and the
    tracks whose names are alike."""

    names: Names
    album_key: str
    artist_known: bool = False
    tracks: dict[UUID, Candidate] = field(default_factory=dict)

    @property
    def artist_lexemes(self) -> list[str]:
        return _lexemes("@", self.names.artist, self.names.main_artist)

    @property
    def title_lexemes(self) -> list[str]:
        return _lexemes("=", self.names.title, self.names.bare_title)


def find_candidates(entries: Sequence[TypedTrack]) -> list[Candidates]:
    """The tracks that each entry may mean, in the entries' order. None for an entry without an
    artist or a title."""
    with connection.cursor() as cursor:
        found = _read(cursor, entries)
        complete = [each for each in found if each.names.artist and each.names.title]
        _fetch(
            cursor,
            [
                (each, all_of([_any(each.artist_lexemes), _any(each.title_lexemes)]))
                for each in complete
            ],
        )
        rest = [
            each
            for each in complete
            if not any(track.names == each.names for track in each.tracks.values())
        ]
        if rest:
            _fetch(cursor, list(_near(cursor, rest)))
    return found


def _read(cursor: Cursor, entries: Sequence[TypedTrack]) -> list[Candidates]:
    texts = [(entry.artist, entry.title, entry.album) for entry in entries]
    cursor.execute(sql.KEYS, [list(column) for column in zip(*texts, strict=True)])
    return [
        # A name in short may be signs without a key.
        Candidates(Names(artist, main_artist or artist, title, bare_title or title), album)
        for artist, main_artist, title, bare_title, album in cursor.fetchall()
    ]


def _near(cursor: Cursor, rest: list[Candidates]) -> Iterable[tuple[Candidates, str | None]]:
    """Where to look for entries whose names are misspelled: tracks of artists with a name near the
    typed one, and tracks with a title near the typed one."""
    distances: dict[str, int] = {}
    for each in rest:
        for name in each.artist_lexemes:
            distances[name] = 2 if len(name) > TWO_EDITS else 1
        for name in each.title_lexemes:
            distances[name] = 1
    near = vocabulary.look_further(cursor, list(distances), list(distances.values()))
    for each in rest:
        each.artist_known = any(
            found.edits == 0 for name in each.artist_lexemes for found in near[name]
        )
        for names in (each.artist_lexemes, each.title_lexemes):
            yield each, _any(found.word for name in names for found in near[name][:MOST_NAMES])


def _fetch(cursor: Cursor, ways: Sequence[tuple[Candidates, str | None]]) -> None:
    """Add the tracks that match each tsquery, if their names are alike."""
    ways = [way for way in ways if way[1]]
    if not ways:
        return
    typed = zip(*((*each.names, each.album_key) for each, _ in ways), strict=True)
    cursor.execute(
        sql.RESOLVE, [[query for _, query in ways], *(list(keys) for keys in typed), MOST_TRACKS]
    )
    for place, *row in cursor.fetchall():
        track = Candidate(*row)
        ways[place - 1][0].tracks[track.id] = track


def _lexemes(sign: str, *names: str) -> list[str]:
    return [sign + name[:MAX_WORD_LENGTH] for name in dict.fromkeys(names)]


def _any(lexemes: Iterable[str]) -> str | None:
    return any_of(lexeme(each) for each in lexemes)
