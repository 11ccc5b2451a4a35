"""What the load benchmark's clients ask is answered, and its figures are right."""

import io
import os
import time
from typing import Any

import pytest
from django.db import connection
from rich.console import Console

from archives.models import Archive, Visibility
from benchmarks.load import Level, Met, database_url, print_levels, print_minutes
from benchmarks.load.machine import Sample, Watch, groups, watched
from benchmarks.load.preparing import token_of
from benchmarks.load_clients import MIX, Client
from embeddings import embedders
from embeddings.models import EmbeddingModel
from search.models import Artist, Track
from vibomat.accounts.models import User


@pytest.fixture
def client(transactional_db: None, live_server: Any, settings: Any) -> Client:
    settings.EMBEDDER = "hashing"
    embedder = embedders.current()
    EmbeddingModel.objects.create(name=embedder.id, dimensions=embedder.dimensions, state="active")
    owner = User.objects.create_user("ann@example.org")
    archive = Archive.objects.create(owner=owner, name="Late", visibility=Visibility.PUBLIC)
    Artist.objects.create(name="Air")
    Track.objects.create(title="Sexy Boy", artist_credit="Air")
    plan = {
        "seed": 1,
        "host": live_server.thread.host,
        "port": live_server.thread.port,
        "tokens": [token_of("ann@example.org")],
        "queries": ["air sexy boi"],
        "archives": [str(archive.pk)],
        "artists": ["Air"],
        "prompts": ["quiet piano"],
    }
    return Client(plan, 0)


def test_whatever_a_client_asks_is_answered(client: Client) -> None:
    assert {kind: client.asks[kind]().status for kind in MIX} == {
        kind: 201 if kind == "create archive" else 200 for kind in MIX
    }
    # What it makes it goes on changing, over the revision that it knows.
    assert Archive.objects.get(name__startswith="Changed").revision == 2
    assert client.change().status == 200
    client.caller.close()


def test_a_client_notes_each_request_until_its_time_is_over(client: Client) -> None:
    client.run(started=float("-inf"), seconds=0.01)
    assert client.met == []
    client.run(time.monotonic(), 0.5)
    assert {status for *_, status in client.met} <= {200, 201}
    assert len(client.met) > 0
    assert all(0 <= at < 0.5 and took > 0 and kind in MIX for at, took, kind, _ in client.met)


def test_the_mix_is_of_a_hundred() -> None:
    assert sum(MIX.values()) == 100


def printed(print_it: Any, *arguments: Any) -> list[list[str]]:
    """The cells of the rows that were printed."""
    out = io.StringIO()
    print_it(*arguments, Console(file=out, width=200))
    return [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in out.getvalue().splitlines()
        if line.startswith("│")
    ]


def level() -> Level:
    """Two minutes of 16 clients: a hundred requests of 1 to 100 ms, then one that failed."""
    met = [Met(at=n / 2, took=n / 1000, kind="search", status=200) for n in range(1, 101)]
    met.append(Met(at=90.0, took=0.5, kind="suggest", status=503))
    samples = [Sample({"gunicorn": 80_000_000}, 7, 2), Sample({"gunicorn": 90_000_000}, 8, 4)]
    return Level(16, 120.0, 12.0, met, Watch(samples, {"gunicorn": 60.0}))


def test_figures_of_a_number_of_clients() -> None:
    rows = printed(print_levels, [level()])
    assert rows[0] == [
        "16", "1", "51.0", "96.0", "100.0", "500.0", "1 × 503", "0.50", "0.10", "8 (3.0)",
    ]  # fmt: skip
    assert rows[1] == ["search", "100", "50.0", "95.0", "99.0", "100.0", "0"]
    assert rows[2] == ["suggest", "1", "500.0", "500.0", "500.0", "500.0", "1 × 503"]


def test_figures_of_each_minute() -> None:
    assert printed(print_minutes, level()) == [
        ["1", "2", "50.0", "95.0", "99.0", "100.0", "0", "80", "7"],
        ["2", "0", "500.0", "500.0", "500.0", "500.0", "1 × 503", "90", "8"],
    ]


@pytest.mark.django_db(transaction=True)
def test_processes_are_watched_and_the_database_is_named() -> None:
    with watched(groups(os.getpid()), 60.0) as watch:
        sum(n * n for n in range(300_000))
    assert set(watch.processor) == {"gunicorn", "PostgreSQL"}
    assert watch.processor["gunicorn"] > 0
    assert watch.samples[0].memory["gunicorn"] > 1_000_000
    assert f"/{connection.settings_dict['NAME']}?host=" in database_url()
