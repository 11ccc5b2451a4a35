"""A disk that gets full in the middle of work, and room made on it afterwards."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.faults.kills import Undisturbed, finish, look
from benchmarks.faults.outcomes import Outcome
from benchmarks.faults.site import PATIENCE_SECONDS, Site, complaints
from benchmarks.faults.witness import Witness
from benchmarks.faults.works import Work

MB = 1_000_000
# Room that the work fills.
ROOM = (4 * MB, 24 * MB)
ENOUGH = 2_000 * MB


class NoDisk(Exception):
    """No small disk can be made here; the message says why."""


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """A disk of so many bytes in that folder. Raises NoDisk."""
    if os.geteuid() != 0:
        raise NoDisk("only root may mount a disk")
    folder.mkdir()
    done = _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    if done.returncode:
        folder.rmdir()
        raise NoDisk(done.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def resize(folder: Path, size: int) -> None:
    _mount("-o", f"remount,size={size}", str(folder)).check_returncode()


def used(folder: Path) -> int:
    return shutil.disk_usage(folder).used


def fill(work: Work, start: Site, folder: Path, usual: Undisturbed, tries: int) -> Outcome:
    outcome = Outcome(f"disk full, {work.name}")
    draw = random.Random()
    try:
        for _ in range(tries):
            with small_disk(folder, ENOUGH), start.copy(folder / "site") as site:
                room = round(draw.triangular(*ROOM))
                resize(folder, used(folder) + room)
                at = f"{work.name}, disk full after {room / MB:.0f} MB"
                with Witness(site) as witness:
                    process = site.start(*work.arguments)
                    _, err = process.communicate(timeout=PATIENCE_SECONDS)
                outcome.tries += bool(process.returncode)
                is_one_line = len(complaints(err)) == 1
                outcome.expect(
                    not process.returncode or is_one_line,
                    f"{at}: it said {err.strip()[-1000:]!r}",
                )
                resize(folder, ENOUGH)
                look(outcome, at, work, site, witness)
                finish(outcome, at, work, site, usual)
    except NoDisk as error:
        outcome.skipped = str(error)
    return outcome


def _mount(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["mount", *arguments], capture_output=True, text=True)
