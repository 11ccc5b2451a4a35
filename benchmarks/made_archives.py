"""Archives made up for measuring: real tracks where a file gives them, invented ones for the rest.

How often what occurs follows large published collections of playlists: of a million archives with
20 tracks each, the commonest artist is in about a sixth, the commonest track in one of a hundred,
and most tracks are in a handful. Months grow, as those of a service with more and more users do.
"""

import gzip
import json
import math
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

YEARS = 5
TRACKS = 1_500_000
ARTISTS = 300_000
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
STATUSES = ["published"] * 600 + ["draft"] * 250 + ["synced"] * 149 + ["failed"]
PROVIDERS = ["spotify"] * 600 + ["youtube"] * 160 + [""] * 150 + ["tidal"] * 89 + ["deezer"]
VISIBILITIES = ["private"] * 55 + ["public"] * 35 + ["unlisted"] * 10
SHARE_OF_RANDOM_IDS = 0.01


@dataclass(frozen=True)
class Track:
    artist: str
    title: str
    album: str
    duration_ms: int
    uri_id: str


def rank(choose: random.Random, count: int, head: float) -> int:
    """A place below `count` by a power law whose first `head` places are about alike."""
    return min(count - 1, int(head * ((count / head + 1) ** choose.random() - 1)))


def name(number: int, words: int) -> str:
    """A made-up name for each number."""
    choose = random.Random(number * 7 + words)
    spelt = [
        "".join(choose.choice(SYLLABLES) for _ in range(choose.choice((1, 2, 2, 3))))
        for _ in range(choose.randint(1, words))
    ]
    return " ".join(spelt).title() + f" {number:x}"


class Catalogue:
    """Tracks by their rank: real ones first, if there are."""

    def __init__(self, real: list[tuple[str, str, str]]) -> None:
        self.real = real
        self.made: dict[int, Track] = {}

    def track(self, place: int) -> Track:
        if place in self.made:
            return self.made[place]
        choose = random.Random(place)
        if place < len(self.real):
            artist, title, album = self.real[place]
        else:
            by = rank(choose, ARTISTS, 10)
            artist = name(by, 2)
            title = name(place, 4)
            album = name(by * 50 + rank(choose, 50, 5), 3)
        track = Track(
            artist,
            title,
            album,
            int(choose.gauss(220_000, 50_000)) % 900_000,
            "".join(
                choose.choices(
                    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", k=22
                )
            ),
        )
        if len(self.made) < 400_000:
            self.made[place] = track
        return track


def read_playlists(path: Path) -> list[tuple[str, str, str]]:
    """Artist, title and album of the tracks in a file of playlists as JSON Lines, the most frequent
    first."""
    found: Counter[tuple[str, str, str]] = Counter()
    opener: Any = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                for track in json.loads(line)["tracks"]:
                    artist = track.get("artist") or ", ".join(track.get("artists") or ())
                    title = track.get("title") or track.get("track")
                    if not artist and " - " in (track.get("line") or ""):
                        artist, _, title = track["line"].partition(" - ")
                    if artist and title:
                        found[(artist, title, track.get("album") or "")] += 1
    except OSError as error:
        raise CommandError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{path} has no playlists as JSON Lines ({error}).") from error
    return [track for track, _ in found.most_common()]


@dataclass(frozen=True)
class Made:
    id: uuid.UUID
    owner: int
    name: str
    visibility: str
    status: str
    provider: str
    provider_id: str
    created: datetime
    deleted: datetime | None
    content: dict[str, Any]


def made_archives(
    count: int, owners: int, catalogue: Catalogue, until: datetime, seed: int = 3
) -> Iterator[Made]:
    choose = random.Random(seed)
    start = until - timedelta(days=365.25 * YEARS)
    for number in range(count):
        created = start + (until - start) * math.sqrt((number + choose.random()) / count)
        milliseconds = int(created.timestamp() * 1000)
        if choose.random() < SHARE_OF_RANDOM_IDS:
            pk = uuid.UUID(int=choose.getrandbits(128), version=4)
        else:
            pk = uuid.UUID(int=milliseconds << 80 | choose.getrandbits(80))
            pk = uuid.UUID(int=pk.int & ~(0xF << 76) & ~(0b11 << 62) | 7 << 76 | 0b10 << 62)
        tracks = []
        for _ in range(max(1, int(choose.gauss(20, 8)))):
            track = catalogue.track(rank(choose, TRACKS, 200))
            tracks.append(
                {
                    "artist": track.artist,
                    "track": track.title,
                    "album": track.album,
                    "duration_ms": track.duration_ms,
                    "uri": f"spotify:track:{track.uri_id}",
                    "provider_ids": {"spotify": track.uri_id},
                    "playable": {"spotify": True},
                    "verified_by": ["spotify", "musicbrainz"],
                }
            )
        mood = MOODS[min(9, rank(choose, 10, 3))]
        if choose.random() < 0.05:
            mood = name(rank(choose, 2000, 10), 1)
        tags = [name(rank(choose, 20_000, 8), 1) for _ in range(choose.randrange(5))]
        yield Made(
            id=pk,
            owner=rank(choose, owners, 30),
            name=name(choose.randrange(10**6), 3),
            visibility=choose.choice(VISIBILITIES),
            status=choose.choice(STATUSES),
            provider=choose.choice(PROVIDERS),
            provider_id=f"{choose.getrandbits(120):x}",
            created=created,
            deleted=created + timedelta(days=30) if choose.random() < 0.03 else None,
            content={
                "tracks": tracks,
                "metadata": {"mood": mood, "tags": tags, "source_version": 1},
            },
        )
