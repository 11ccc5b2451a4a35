"""Lists of tracks that people typed or a language model made up, matched to the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from rapidfuzz.distance import OSA

from search.candidates import Candidate, Candidates, find_candidates
from search.confidence import Differences, are_same_artists, differences, farthest_word

Grade = Literal["exact", "close", "uncertain", "none"]

# Entries that one round of statements takes.
BATCH = 500
ALTERNATIVES = 3
# What is less likely isn't worth showing.
ALTERNATIVE = 0.05
# An entry means no track when none is as likely as this to be meant.
MATCH = 0.7
CLOSE = 0.9

# What the same album or duration counts among tracks whose names are equally near: more than a
# label does. They make no other name right.
EVIDENCE = 0.35
SAME_ALBUM = 0.8
SAME_DURATION_MS = 3_000
EQUALLY_NEAR = 0.02


@dataclass(frozen=True)
class Entry:
    """A track as typed. `album` and `duration_ms`, where known, choose among editions."""

    artist: str
    title: str
    album: str = ""
    duration_ms: int | None = None


@dataclass(frozen=True)
class Match:
    """A track of the catalogue that an entry may mean, with the probability that it does."""

    id: UUID
    external_id: str | None
    title: str
    artist_credit: str
    album: str
    year: int | None
    duration_ms: int | None
    popularity: float
    confidence: float


@dataclass(frozen=True)
class Resolution:
    """What an entry means. `track` is None when the catalogue hardly has it; `confidence`, in
    [0, 1], is then that of the likeliest track. `grade` is exact (the names are the same), close,
    uncertain or none. `alternatives` are up to three other tracks, likeliest first."""

    track: Match | None = None
    confidence: float = 0.0
    grade: Grade = "none"
    alternatives: list[Match] = field(default_factory=list)


def resolve(entries: Sequence[Entry]) -> list[Resolution]:
    """The track of the catalogue that each entry means, if any, in the entries' order.

    An entry without an artist or without a title means none. The texts must be storable: no NUL
    and no lone surrogate.
    """
    resolutions = []
    for start in range(0, len(entries), BATCH):
        batch = entries[start : start + BATCH]
        for entry, candidates in zip(batch, find_candidates(batch), strict=True):
            resolutions.append(_resolution(ranked(entry, candidates)))
    return resolutions


def ranked(entry: Entry, candidates: Candidates) -> list[tuple[Candidate, Differences]]:
    """The tracks, each with how its names differ from the typed ones, nearest first."""
    typed = candidates.names
    compared = [
        (
            track,
            differences(
                typed,
                track.names,
                artist_known=candidates.artist_known,
                same_artists=typed.artist != track.credit_key
                and are_same_artists(entry.artist, track.artist_credit),
                word=farthest_word(entry.title, track.title)
                if typed.title not in (track.title_key, track.full_title_key)
                else 0,
            ),
        )
        for track in candidates.tracks.values()
    ]
    nearest = min((names.of_names for _, names in compared), default=0)

    def rank(found: tuple[Candidate, Differences]) -> tuple[float, float, float, UUID]:
        track, names = found
        evidence = 0.0
        if names.of_names <= nearest + EQUALLY_NEAR:
            evidence = _evidence(entry, candidates.album_key, track)
        # Spelling that keys fold (The, accents) decides between names that are otherwise as near.
        spelling = OSA.normalized_distance(
            f"{entry.artist} {entry.title}".casefold(),
            f"{track.artist_credit} {track.title}".casefold(),
        )
        return round(names.distance - evidence, 3), round(spelling, 2), -track.popularity, track.id

    return sorted(compared, key=rank)


def _evidence(entry: Entry, album_key: str, track: Candidate) -> float:
    found = 0.0
    if album_key and track.album_key:
        album = OSA.normalized_similarity(album_key, track.album_key)
        found += EVIDENCE * (album >= SAME_ALBUM)
    if entry.duration_ms and track.duration_ms:
        off_ms = abs(entry.duration_ms - track.duration_ms)
        found += EVIDENCE * (off_ms <= SAME_DURATION_MS)
    return found


def _resolution(tracks: list[tuple[Candidate, Differences]]) -> Resolution:
    if not tracks:
        return Resolution()
    matches = [Match(*track[:8], confidence=names.confidence) for track, names in tracks]
    likeliest = matches[0]
    matches = [match for match in matches if match.confidence >= ALTERNATIVE]
    if likeliest.confidence < MATCH:
        return Resolution(None, likeliest.confidence, "none", matches[:ALTERNATIVES])
    grade: Grade = "close" if likeliest.confidence >= CLOSE else "uncertain"
    if tracks[0][1].are_none:
        grade = "exact"
    return Resolution(likeliest, likeliest.confidence, grade, matches[1 : 1 + ALTERNATIVES])
