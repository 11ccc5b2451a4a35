"""The faults that no app's own tests have, once each, on a small site of their own."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import psycopg
import pytest

from benchmarks.faults import disk, requests
from benchmarks.faults.site import PATIENCE_SECONDS, Site, complaints
from benchmarks.faults.witness import TABLE, Witness
from benchmarks.faults.works import PREPARE, Sizes, Work, works

SIZES = Sizes(tracks=2_200, archives=600, prompts=1_000)
STORED = """
SELECT (SELECT count(*) FROM track), (SELECT count(*) FROM playlist),
    (SELECT count(*) FROM embedding JOIN embedding_model ON embedding_model.id = model_id
     WHERE state = 'active')
"""
APPLIED = "SELECT count(*) FROM django_migrations"
FIRST_BATCH = "SELECT count(*) FROM search_catalogueimport WHERE line > 0"

# A command's exit status, and what it said on standard error.
End = tuple[int, str]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not pytest's, which another run of it closes to the server's user."""
    with tempfile.TemporaryDirectory(prefix="vibomat-faults-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def doing(folder: Path) -> list[Work]:
    return works(folder, SIZES)[:3]


@pytest.fixture(scope="module")
def struck(folder: Path) -> Iterator[tuple[Site, list[End]]]:
    """A site whose server was killed while it was migrated, and which two have migrated at once
    then; how the three commands ended, and what they said."""
    site = Site(folder / "site")
    site.folder.mkdir()
    first = site.start("migrate", "--verbosity", "0")
    wait_until(site, APPLIED, 8, first)
    site.kill_server()
    ends = [ended(first)]
    both = [site.start("migrate", "--verbosity", "0") for _ in range(2)]
    ends += map(ended, both)
    yield site, ends
    site.leave()


@pytest.fixture(scope="module")
def site(struck: tuple[Site, object]) -> Site:
    """The same, with a user and prompts that wait for vectors."""
    site, _ = struck
    site.execute(TABLE)
    site.run("shell", "--no-imports", "-c", PREPARE.replace("{prompts}", str(SIZES.prompts)))
    return site


def wait_until(site: Site, query: str, least: int, process: "Popen[str]") -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        # The table may not be there yet.
        with contextlib.suppress(psycopg.errors.UndefinedTable):
            if site.execute(query)[0][0] >= least:
                return
        time.sleep(0.01)
    raise AssertionError(ended(process))


def ended(process: "Popen[str]") -> End:
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, err


def test_a_migration_whose_server_is_killed_goes_on_and_two_take_turns(
    struck: tuple[Site, list[End]],
) -> None:
    site, [first, *both] = struck
    assert first[0] == 1
    assert first[1].startswith("OperationalError: ") and len(complaints(first[1])) == 1
    assert [code for code, _ in both] == [0, 0], both
    assert [err for _, err in both].count("Waiting for another migrate to end.\n") == 1
    assert site.run("migrate", "--check") == ""


def test_what_the_server_was_at_when_it_was_killed_is_whole_and_goes_on(
    site: Site, doing: list[Work], folder: Path
) -> None:
    with site.copy(folder / "copy") as copy:
        copy.server.start()
        with Witness(copy) as witness:
            running = [copy.start(*work.arguments) for work in doing]
            wait_until(copy, FIRST_BATCH, 1, running[0])
            copy.kill_server()
            ends = [ended(process) for process in running]
        # Who was not done yet says so in a line.
        assert {(code, len(complaints(err))) for code, err in ends} - {(0, 0)} == {(1, 1)}, ends
        assert copy.execute(STORED) != [(SIZES.tracks, SIZES.archives, SIZES.prompts)]
        assert witness.acknowledged > 0
        assert witness.lost() == 0
        assert [copy.execute(work.half_written) for work in doing] == [[(0,)]] * 3
        again = [copy.start(*work.arguments) for work in doing]
        assert [ended(process)[0] for process in again] == [0, 0, 0]
        assert copy.execute(STORED) == [(SIZES.tracks, SIZES.archives, SIZES.prompts)]
        assert [copy.execute(work.half_written) for work in doing] == [[(0,)]] * 3
        assert "recounted  ok" in copy.run("doctor", "--thorough")


@pytest.mark.parametrize(
    ("number", "count", "expected"),
    [
        (0, "SELECT count(*) FROM track", SIZES.tracks),
        (2, "SELECT count(*) FROM embedding", SIZES.prompts),
    ],
    ids=["catalogue import", "embedding run"],
)
def test_on_a_full_disk_work_says_so_and_goes_on_when_there_is_room(
    site: Site, doing: list[Work], folder: Path, number: int, count: str, expected: int
) -> None:
    small, work = folder / "disk", doing[number]
    try:
        with disk.small_disk(small, disk.ENOUGH), site.copy(small / "site") as copy:
            disk.resize(small, disk.used(small) + 2 * disk.MB)
            code, err = ended(copy.start(*work.arguments))
            assert code == 1
            assert "No space left on device" in err or "server" in err
            assert len(complaints(err)) == 1
            disk.resize(small, disk.ENOUGH)
            copy.run(*work.arguments)
            assert copy.execute(count) == [(expected,)]
            assert copy.execute(work.half_written) == [(0,)]
    except disk.NoDisk as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("disturbance", ["server killed", "server restarted"])
def test_meanwhile_requests_are_answered_and_nothing_acknowledged_is_lost(
    site: Site, folder: Path, disturbance: str
) -> None:
    outcome = requests.disturbed(disturbance, site, folder / "copy", 2)
    assert outcome.losses == []
    assert outcome.tries == 2
    assert "201" in outcome.seen


def test_a_statement_past_its_limit_is_told_and_keeps_nobody_else_waiting(
    site: Site, folder: Path
) -> None:
    outcome = requests.locked(site, folder / "copy", 1)
    assert (outcome.losses, outcome.tries) == ([], 1)
