"""Imports that are killed, interrupted and run beside each other, as real processes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from search.models import Artist, CatalogueImport, Track, TrackArtist
from search.tests.test_import import counted, recounted

# Each batch of an import is a transaction of its own.
pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 2000
BATCH = 50
PATIENCE_SECONDS = 60

# The command as manage.py runs it, with batches small enough for many to fit into a test.
PROGRAM = f"""
import json, os, sys
import django
django.setup()
from django.db import connection
connection.settings_dict.update(json.loads(os.environ["TEST_DATABASE"]))
from django.core.management import execute_from_command_line
from search.importing import load
load.BATCH_ROWS = load.FIRST_BATCH_ROWS = {BATCH}
execute_from_command_line(["manage.py", "import_catalogue", *sys.argv[1:]])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    draw = random.Random(7)
    lines = [
        f"{n}\tsong {n} {draw.choice(['love', 'night', 'fire'])}\tband {draw.randrange(400)}"
        f" feat. singer {n % 50}\n"
        for n in range(ROWS)
    ]
    lines[ROWS // 3] = "a line of its own kind\n"
    path = tmp_path / "catalogue.tsv"
    path.write_text("id\ttitle\tartist\n" + "".join(lines))
    return path


def start(path: Path, *arguments: str) -> "subprocess.Popen[str]":
    name = connection.settings_dict["NAME"]
    assert name.startswith("test_")
    database = {"NAME": name, "OPTIONS": connection.settings_dict["OPTIONS"]}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), "--no-progress", *arguments],
        cwd=settings.BASE_DIR,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "vibomat.settings",
            "TEST_DATABASE": json.dumps(database, default=str),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stored_lines() -> int:
    return sum(CatalogueImport.objects.values_list("line", flat=True))


def wait_for_line(line: int, importing: "subprocess.Popen[str]") -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while stored_lines() < line:
        assert importing.poll() is None, importing.communicate()
        assert time.monotonic() < give_up
        time.sleep(0.005)


def finish(importing: "subprocess.Popen[str]") -> str:
    out, err = importing.communicate(timeout=PATIENCE_SECONDS)
    assert importing.returncode == 0, err
    return out


def assert_all_is_stored(path: Path) -> None:
    rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    wanted = {row[0]: (row[1], row[2]) for row in rows if len(row) == 3}
    tracks = Track.objects.values_list("external_id", "title", "artist_credit")
    assert {id: (title, credit) for id, title, credit in tracks} == wanted
    assert Track.objects.count() == len(wanted)
    names = [name for _, credit in wanted.values() for name in credit.split(" feat. ")]
    assert sorted(Artist.objects.values_list("name", flat=True)) == sorted(set(names))
    assert TrackArtist.objects.count() == 2 * len(wanted)
    assert counted() == recounted()


def immediate_indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class"
            " WHERE relkind = 'i' AND 'fastupdate=off' = ANY (reloptions)"
        )
        return {name for (name,) in cursor.fetchall()}


def test_killed_at_any_point_it_goes_on_when_run_again(path: Path) -> None:
    draw = random.Random()
    indexes = immediate_indexes()
    assert indexes
    lines = sorted(draw.sample(range(BATCH, ROWS * 3 // 4), 2))
    for line in [0, *lines]:
        importing = start(path)
        wait_for_line(line, importing)
        time.sleep(draw.random() * 0.1)
        importing.kill()
        importing.communicate()
    before = stored_lines()
    assert before < ROWS
    importing = start(path)
    _, err = importing.communicate(timeout=PATIENCE_SECONDS)
    assert importing.returncode == 0, err
    assert f"Going on after line {before:,}, where an earlier run stopped." in err
    assert CatalogueImport.objects.get().finished is not None
    assert_all_is_stored(path)
    assert immediate_indexes() == indexes


def test_interrupted_it_says_so_in_one_line_and_goes_on_when_run_again(path: Path) -> None:
    indexes = immediate_indexes()
    importing = start(path)
    wait_for_line(ROWS // 3, importing)
    importing.send_signal(signal.SIGINT)
    out, err = importing.communicate(timeout=PATIENCE_SECONDS)
    assert (importing.returncode, out) == (130, "")
    assert err == "CommandError: Interrupted. Run the same command again to go on.\n"
    assert ROWS // 3 <= stored_lines() < ROWS
    assert immediate_indexes() == indexes
    finish(start(path))
    assert_all_is_stored(path)


def test_two_at_once_store_what_one_would(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(path.read_text().replace("\t", ","))
    both = [start(path), start(other)]
    for importing in both:
        finish(importing)
    assert CatalogueImport.objects.filter(finished=None).count() == 0
    assert_all_is_stored(path)


def test_begun_anew_it_stores_the_same(path: Path) -> None:
    importing = start(path)
    wait_for_line(ROWS // 3, importing)
    importing.kill()
    importing.communicate()
    out = finish(start(path, "--restart"))
    assert f"{ROWS - 1 - stored_before(out):,} new" in out
    assert_all_is_stored(path)


def stored_before(printed: str) -> int:
    """How many rows were there already, by what the command printed."""
    return int(printed.split(" unchanged")[0].split(", ")[-1].replace(",", ""))
