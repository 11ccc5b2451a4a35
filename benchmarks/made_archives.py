"""Archives made up for measuring: real tracks where a file gives them, invented ones for the rest.

How often things occur follows large published collections of playlists: of a million archives with
20 tracks each, the commonest artist is in about a sixth, the commonest track in one of a hundred,
and most tracks are in a handful. Months grow, as those of a service with more and more users do.
"""

import json
import math
import random
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.population import read_entries, uuid7_at

YEARS = 5
CHUNK = 5000
TRACKS = 1_500_000
ARTISTS = 300_000
ALBUMS_BY_ARTIST = 50
SYLLABLES = [
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ha",
    "je",
    "ki",
    "lo",
    "mu",
    "na",
    "pe",
    "ri",
    "so",
    "tu",
    "va",
    "we",
    "xi",
    "yo",
    "za",
]
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOODS = [
    "calm",
    "happy",
    "sad",
    "energetic",
    "romantic",
    "dark",
    "dreamy",
    "angry",
    "hopeful",
    "nostalgic",
]
TAGS, RARE_MOODS = 20_000, 5_000
# The last of each is one in a few thousand.
STATUSES = {"published": 600, "draft": 250, "synced": 149.5, "failed": 0.5}
PROVIDERS = {"spotify": 600, "youtube": 160, "": 150, "tidal": 89.5, "deezer": 0.5}
VISIBILITIES = {"private": 55, "public": 35, "unlisted": 10}
SHARE_OF_RANDOM_IDS = 0.01


@dataclass(frozen=True)
class Track:
    artist: str
    title: str
    album: str
    duration_ms: int
    spotify: str
    youtube: str


@dataclass(frozen=True)
class Made:
    """An archive; `owner` is a number below that of the owners."""

    id: uuid.UUID
    owner: int
    name: str
    description: str
    visibility: str
    status: str
    provider: str
    provider_id: str
    created: datetime
    deleted: datetime | None
    content: dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """What the same archives are made from again."""

    count: int
    owners: int
    until: datetime
    real: list[tuple[str, str, str]] = field(default_factory=list)
    seed: int = 3

    @property
    def chunks(self) -> int:
        return -(-self.count // CHUNK)

    def chunk(self, number: int) -> Iterator[Made]:
        """Those of one part of the time, each part about as many."""
        choose = random.Random(self.seed * 1_000_003 + number)
        for n in range(number * CHUNK, min(self.count, (number + 1) * CHUNK)):
            yield self._archive(choose, n)

    def _archive(self, choose: random.Random, number: int) -> Made:
        age = timedelta(days=365.25 * YEARS) * (
            1 - math.sqrt((number + choose.random()) / self.count)
        )
        created = self.until - age
        tracks = [
            self.track(rank(choose, TRACKS, 200)) for _ in range(max(1, int(choose.gauss(20, 8))))
        ]
        title = made_name(choose.randrange(10**6), 3)
        description = " ".join(made_name(choose.randrange(10**5), 3) for _ in range(4))
        return Made(
            id=_id(choose, created),
            owner=rank(choose, self.owners, 30),
            name=title,
            description=description,
            visibility=_weighted(choose, VISIBILITIES),
            status=_weighted(choose, STATUSES),
            provider=_weighted(choose, PROVIDERS),
            provider_id="".join(choose.choices(DIGITS, k=22)),
            created=created,
            deleted=created + timedelta(days=30) if choose.random() < 0.03 else None,
            content={
                "name": title,
                "description": description,
                "tracks": [_in_content(choose, track) for track in tracks],
                "metadata": {
                    "mood": made_name(rank(choose, RARE_MOODS, 20), 1)
                    if choose.random() < 0.05
                    else MOODS[rank(choose, len(MOODS), 3)],
                    "tags": [
                        made_name(rank(choose, TAGS, 8), 1) for _ in range(choose.randrange(5))
                    ],
                    "source_version": choose.randrange(1, 4),
                },
            },
        )

    def track(self, place: int) -> Track:
        """The track of that rank."""
        if place < len(self.real):
            return _track(place, *self.real[place])
        return _made_track(place)


def rank(choose: random.Random, count: int, head: float) -> int:
    """A place below `count` by a power law whose first `head` places are about alike."""
    return min(count - 1, int(head * ((count / head + 1) ** choose.random() - 1)))


@lru_cache(200_000)
def made_name(number: int, words: int) -> str:
    """A name for each number."""
    choose = random.Random(number * 7 + words)
    spelt = [
        "".join(choose.choices(SYLLABLES, k=choose.choice((1, 2, 2, 3))))
        for _ in range(choose.randint(1, words))
    ]
    return f"{' '.join(spelt).title()} {number:x}"


@lru_cache(300_000)
def _made_track(place: int) -> Track:
    choose = random.Random(place)
    artist = rank(choose, ARTISTS, 10)
    album = artist * ALBUMS_BY_ARTIST + rank(choose, ALBUMS_BY_ARTIST, 5)
    return _track(place, made_name(artist, 2), made_name(place, 4), made_name(album, 3))


def _track(place: int, artist: str, title: str, album: str) -> Track:
    choose = random.Random(place)
    return Track(
        artist,
        title,
        album,
        abs(int(choose.gauss(220_000, 50_000))),
        "".join(choose.choices(DIGITS, k=22)),
        "".join(choose.choices(DIGITS, k=11)),
    )


def _in_content(choose: random.Random, track: Track) -> dict[str, Any]:
    return {
        "artist": track.artist,
        "track": track.title,
        "album": track.album,
        "version": None,
        "duration_ms": track.duration_ms,
        "uri": f"spotify:track:{track.spotify}",
        "provider_ids": {"spotify": track.spotify, "youtube": track.youtube},
        "playable": {"spotify": choose.random() < 0.95, "youtube": None},
        "verified_by": ["spotify"],
    }


def _id(choose: random.Random, created: datetime) -> uuid.UUID:
    if choose.random() < SHARE_OF_RANDOM_IDS:
        return uuid.UUID(int=choose.getrandbits(128), version=4)
    return uuid7_at(created, choose.getrandbits(74))


def _weighted(choose: random.Random, weights: Mapping[str, float]) -> str:
    return choose.choices(list(weights), list(weights.values()))[0]


def read_tracks(path: Path) -> list[tuple[str, str, str]]:
    """Artist, title and album of the tracks in a file of playlists, the most frequent first."""
    found: Counter[tuple[str, str, str]] = Counter()
    for entry in read_entries(path):
        track = json.loads(entry.text)
        if track["artist"] and track.get("track"):
            found[track["artist"], track["track"], track.get("album", "")] += 1
    return [track for track, _ in found.most_common()]
