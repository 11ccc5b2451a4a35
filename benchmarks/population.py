"""Archives to measure with: tracks of real playlists, or made ones, in as many archives as wanted.

Owners follow a power law, times are spread evenly over `MONTHS` months, ids are of version 7 and
carry those times. The same arguments make the same archives.
"""

import gzip
import json
import random
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TextIO
from uuid import UUID

from django.core.management.base import CommandError

from archives.content import content_errors

MONTHS = 60
ARCHIVES_PER_OWNER = 20
PUBLIC_SHARE = 0.2
DELETED_SHARE = 0.02
# Each mood is that of one archive in twenty.
MOODS = (
    "angry", "bright", "calm", "dark", "dreamy", "epic", "festive", "gentle", "happy", "hopeful",
    "lonely", "nervous", "nostalgic", "playful", "proud", "romantic", "sad", "sleepy", "tense",
    "wild",
)  # fmt: skip
PROVIDERS = ("spotify", "youtube", "deezer", "apple_music", "")


class Entry(NamedTuple):
    """A track as it stands in a playlist; `text` is its JSON."""

    artist: str
    duration_ms: int
    text: str


class Row(NamedTuple):
    """An archive's values by column, as COPY takes them."""

    id: UUID
    user_id: UUID
    name: str
    visibility: str
    status: str
    provider: str
    created: datetime
    updated: datetime
    deleted_at: datetime | None
    content: str
    track_count: int
    total_duration_ms: int


def read_entries(path: Path) -> list[Entry]:
    """The tracks of JSON Lines of playlists, plain or gzip, in their order.

    A line is an object with `tracks`, whose tracks have `artist`, `artists` or `line` ("artist -
    title") and `title` or `track`. What no archive may hold is left out.
    """
    entries: list[Entry] = []
    number = 0
    try:
        with _open(path) as lines:
            for line in lines:
                number += 1
                if line.strip():
                    tracks = map(_track, json.loads(line)["tracks"])
                    entries += [_entry(track) for track in tracks if _is_valid(track)]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CommandError(f"{path} is damaged: its compressed data can't be read.") from error
    except OSError as error:
        raise CommandError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise CommandError(
            f'{path}, line {number or 1}: not a playlist as {{"tracks": [{{"artist", "title"}}]}}.'
        ) from error
    if not entries:
        raise CommandError(f"{path} has no tracks.")
    return entries


def make_entries(seed: int, playlists: int = 2_000, tracks: int = 70) -> list[Entry]:
    """The tracks of made playlists: few artists stand in many of them, most in a few."""
    rng = random.Random(seed)
    artists = [_made_name(rng) for _ in range(20_000)]

    def track() -> dict[str, Any]:
        artist = int(len(artists) * rng.random() ** 2)
        song = random.Random(artist * 100 + rng.randrange(20))
        return {
            "artist": artists[artist],
            "track": _made_name(song),
            "album": _made_name(song),
            "duration_ms": song.randrange(90_000, 420_000),
            "uri": f"spotify:track:{song.getrandbits(128):022x}"[:36],
        }

    return [_entry(track()) for _ in range(playlists * tracks)]


@dataclass(frozen=True)
class Population:
    """Archives of `tracks` tracks on average, from `since`, the start of a month, to `until`."""

    entries: list[Entry]
    tracks: int
    since: datetime
    until: datetime
    seed: int

    def rows(self, size: int) -> Iterator[Row]:
        """`size` archives, the oldest first."""
        rng = random.Random(self.seed)
        owners = [
            UUID(int=rng.getrandbits(128), version=4)
            for _ in range(max(1, size // ARCHIVES_PER_OWNER))
        ]
        step = (self.until - self.since) / size
        for number in range(size):
            yield self._row(rng, owners, self.since + step * (number + rng.random()))

    def new_rows(self, size: int, owners: list[UUID]) -> list[Row]:
        """`size` archives made at `until`."""
        rng = random.Random(self.seed + 1)
        return [
            self._row(rng, owners, self.until + timedelta(milliseconds=number))
            for number in range(size)
        ]

    def rare_artists(self, most: int) -> list[str]:
        """At most so many artists, each of whom at most one archive in a thousand has."""
        counts = Counter(entry.artist for entry in self.entries if entry.artist)
        share = self.tracks / len(self.entries)
        if not counts:
            return [""]
        rare = sorted(artist for artist, count in counts.items() if count * share <= 0.001)
        rare = rare or [min(counts, key=lambda artist: counts[artist])]
        return random.Random(self.seed).sample(rare, min(most, len(rare)))

    def _row(self, rng: random.Random, owners: list[UUID], created: datetime) -> Row:
        start = rng.randrange(len(self.entries))
        entries = self.entries[start : start + rng.randint(1, 2 * self.tracks - 1)]
        name = f"{entries[0].artist} and others"
        name_text = json.dumps(name, ensure_ascii=False)
        tracks = ", ".join([entry.text for entry in entries])
        content = (
            f'{{"name": {name_text}, "tracks": [{tracks}],'
            f' "metadata": {{"mood": "{rng.choice(MOODS)}", "source_version": 3}}}}'
        )
        visible = rng.random()
        return Row(
            id=uuid7_at(created, rng.getrandbits(74)),
            # As many archives as rank ** (-2/3): with 50,000 owners the first has 2.7% of all.
            user_id=owners[int(len(owners) * rng.random() ** 3)],
            name=name,
            visibility="public" if visible < PUBLIC_SHARE else "private",
            status="synced",
            provider=rng.choice(PROVIDERS),
            created=created,
            updated=created,
            deleted_at=created if rng.random() < DELETED_SHARE else None,
            content=content,
            track_count=len(entries),
            total_duration_ms=sum([entry.duration_ms for entry in entries]),
        )


def uuid7_at(time: datetime, random_bits: int = 0) -> UUID:
    """The UUID of version 7 (RFC 9562) of that millisecond with those 74 bits."""
    high, low = divmod(random_bits, 1 << 62)
    return UUID(int=_milliseconds(time) << 80 | 7 << 76 | high << 64 | 0b10 << 62 | low)


def lowest_uuid_at(time: datetime) -> UUID:
    """What no UUID of version 7 of that millisecond or later is below."""
    return UUID(int=_milliseconds(time) << 80)


def first_of_month(time: datetime, months: int = 0) -> datetime:
    """The beginning of the month (UTC) so many months after that of `time`."""
    number = time.year * 12 + time.month - 1 + months
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _milliseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _open(path: Path) -> TextIO:
    with path.open("rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rt", encoding="utf-8") if is_gzip else path.open(encoding="utf-8")


def _track(found: dict[str, Any]) -> dict[str, Any]:
    """A track in the words of an archive's content."""
    line_artist, _, line_title = found.get("line", "").partition(" - ")
    track = {
        "artist": found.get("artist") or ", ".join(found.get("artists", ())) or line_artist,
        "track": found.get("title") or found.get("track") or line_title,
        "album": found.get("album"),
        "duration_ms": round(found.get("duration_s") or 0) * 1000 or found.get("duration_ms"),
        "uri": found.get("uri"),
    }
    if "spotify_id" in found:
        track["provider_ids"] = {"spotify": found["spotify_id"]}
    return {name: value for name, value in track.items() if value or name == "artist"}


def _entry(track: dict[str, Any]) -> Entry:
    text = json.dumps(track, ensure_ascii=False)
    return Entry(track["artist"], track.get("duration_ms", 0), text)


def _is_valid(track: dict[str, Any]) -> bool:
    return not any(content_errors({"tracks": [track]}))


def _made_name(rng: random.Random) -> str:
    syllables = [
        rng.choice("bdfgklmnprstvw") + rng.choice("aeiou") for _ in range(rng.randint(2, 6))
    ]
    name = "".join(syllables).title()
    return f"{name[:4]} {name[4:]}".strip()
