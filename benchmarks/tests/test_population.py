"""Archives that are made to measure with."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management.base import CommandError

from archives.content import validate_content
from benchmarks.population import (
    Population,
    first_of_month,
    lowest_uuid_at,
    make_entries,
    read_entries,
    uuid7_at,
)

SINCE = datetime(2021, 12, 1, tzinfo=UTC)
UNTIL = datetime(2026, 11, 24, 12, tzinfo=UTC)

PLAYLISTS = [
    {"name": "a", "tracks": [{"artist": "Air", "title": "Run", "album": "Talkie Walkie"}]},
    {"name": "b", "tracks": [{"artists": ["Jay-Z", "Mýa"], "title": "Best", "duration_s": 222}]},
    {"name": "c", "tracks": [{"line": "Kino - Blue - Moon", "uri": "spotify:track:1"}]},
    {"name": "d", "tracks": [{"artist": "NUL\0", "title": "x"}, {"title": "no artist"}]},
]


def population(tracks: int = 5) -> Population:
    return Population(make_entries(1, playlists=50), tracks, SINCE, UNTIL, seed=1)


@pytest.mark.parametrize("open_file", [open, gzip.open])
def test_playlists_of_every_shape_give_tracks(tmp_path: Path, open_file) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "playlists"
    with open_file(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(playlist) + "\n\n" for playlist in PLAYLISTS)
    assert [json.loads(entry.text) for entry in read_entries(path)] == [
        {"artist": "Air", "track": "Run", "album": "Talkie Walkie"},
        {"artist": "Jay-Z, Mýa", "track": "Best", "duration_ms": 222_000},
        {"artist": "Kino", "track": "Blue - Moon", "uri": "spotify:track:1"},
        {"artist": "", "track": "no artist"},
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no tracks"),
        (b'{"tracks": []}', "has no tracks"),
        (b'{"tracks": [{"artist": "a"}]}\n[]', "line 2: not a playlist"),
        (b'{"tracks": [{"artist": "a", "duration_s": 1e999}]}', "line 1: not a playlist"),
        (b"\xff", "line 1: not a playlist"),
        (b"\x1f\x8b\x08\x00", "is damaged"),
    ],
)
def test_a_file_without_playlists_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "playlists"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=message):
        read_entries(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"Cannot read .*missing: No such file"):
        read_entries(tmp_path / "missing")


def test_the_same_seed_makes_the_same_archives() -> None:
    assert list(population().rows(200)) == list(population().rows(200))


def test_archives_are_valid_and_count_their_tracks() -> None:
    rows = list(population().rows(500))
    for row in rows:
        content = json.loads(row.content)
        validate_content(content)
        assert len(content["tracks"]) == row.track_count
        assert sum(track["duration_ms"] for track in content["tracks"]) == row.total_duration_ms
    assert sum(row.track_count for row in rows) / len(rows) == pytest.approx(5, abs=0.5)


def test_ids_carry_times_spread_evenly_from_old_to_new() -> None:
    rows = list(population().rows(1200))
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    assert {row.id.version for row in rows} == {7}
    assert rows[0].created >= SINCE and rows[-1].created <= UNTIL
    assert all(lowest_uuid_at(row.created) <= row.id for row in rows)
    years = Counter((row.created - SINCE).days // 365 for row in rows)
    assert all(200 < years[year] < 280 for year in range(5))


def test_few_owners_have_many_archives() -> None:
    counts = Counter(row.user_id for row in population().rows(20_000)).most_common()
    assert counts[0][1] == pytest.approx(20_000 / 1_000 ** (1 / 3), rel=0.1)
    assert counts[0][1] > 100 * counts[len(counts) // 2][1]


def test_rare_artists_are_rare() -> None:
    found = population(tracks=2)
    rare = set(found.rare_artists(50))
    assert len(rare) == 50
    having = Counter(
        artist
        for row in found.rows(20_000)
        for artist in {track["artist"] for track in json.loads(row.content)["tracks"]} & rare
    )
    assert 1 <= max(having.values()) <= 60


def test_months_and_their_bounds_are_exact() -> None:
    assert first_of_month(UNTIL, -11) == datetime(2025, 12, 1, tzinfo=UTC)
    assert first_of_month(UNTIL, 2) == datetime(2027, 1, 1, tzinfo=UTC)
    month = datetime(2026, 11, 1, tzinfo=UTC)
    assert lowest_uuid_at(month) == UUID("01a19467-e800-0000-0000-000000000000")
    assert uuid7_at(month, 2**74 - 1) == UUID("01a19467-e800-7fff-bfff-ffffffffffff")
