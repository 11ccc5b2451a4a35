"""SIGKILL to the database server, to a session of it, or to the program, in the middle of work."""

import random
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.outcomes import Outcome
from benchmarks.faults.site import PATIENCE_SECONDS, Site, complaints
from benchmarks.faults.witness import Witness
from benchmarks.faults.works import Work, result_of

Process = subprocess.Popen[str]
Kill = Callable[[Site, Work, Process], None]

VICTIMS: dict[str, Kill] = {
    "server": lambda site, work, process: site.kill_server(),
    "session": lambda site, work, process: site.kill_sessions(work.command),
    "client": lambda site, work, process: process.kill(),
}


@dataclass(frozen=True)
class Undisturbed:
    """What the work comes to, and the seconds it takes from its first statement on."""

    result: list[tuple[object, ...]]
    seconds: float


def undisturbed(work: Work, start: Site, folder: Path) -> Undisturbed:
    with start.copy(folder) as site:
        process = site.start(*work.arguments)
        site.wait_for_session(process, work.command)
        began = time.monotonic()
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
        if process.returncode:
            raise RuntimeError(f"{work.name} fails: {err[-500:]}")
        return Undisturbed(result_of(work, site), time.monotonic() - began)


def break_off(
    work: Work, victim: str, start: Site, folder: Path, usual: Undisturbed, tries: int
) -> Outcome:
    """Break the work off at moments spread over its time, each on a fresh copy of the site, look,
    and have the same command finish it."""
    outcome = Outcome(f"{victim} killed, {work.name}")
    draw = random.Random()
    rows = 0
    for number in range(tries):
        share = (number + draw.random()) / tries
        with start.copy(folder) as site:
            with Witness(site) as witness:
                process = site.start(*work.arguments)
                if site.wait_for_session(process, work.command):
                    time.sleep(share * usual.seconds)
                struck = process.poll() is None
                VICTIMS[victim](site, work, process)
                _, err = process.communicate(timeout=PATIENCE_SECONDS)
            outcome.tries += struck
            rows += witness.acknowledged
            at = f"{work.name}, {victim} killed at {share:.0%}"
            if struck and process.returncode and victim != "client":
                is_one_line = len(complaints(err)) == 1
                outcome.expect(is_one_line, f"{at}: it said {err.strip()[-1000:]!r}")
            look(outcome, at, work, site, witness)
            finish(outcome, at, work, site, usual)
    outcome.seen = f"{rows:,} rows acknowledged beside it"
    return outcome


def look(outcome: Outcome, at: str, work: Work, site: Site, witness: Witness) -> None:
    """Nothing acknowledged may be lost, and nothing half-written."""
    lost = witness.lost()
    outcome.expect(not lost, f"{at}: {lost} acknowledged rows are lost")
    (half_written,) = site.execute(work.half_written)[0] if work.doctor else (0,)
    outcome.expect(not half_written, f"{at}: {half_written} things are half-written")
    if work.doctor:
        try:
            site.run("doctor", "--thorough")
        except RuntimeError as error:
            outcome.losses.append(f"{at}: {error}")


def finish(outcome: Outcome, at: str, work: Work, site: Site, usual: Undisturbed) -> None:
    """The same command must come to what it comes to undisturbed."""
    try:
        site.run(*work.arguments)
    except RuntimeError as error:
        outcome.losses.append(f"{at}: {error}")
        return
    result = result_of(work, site)
    outcome.expect(result == usual.result, f"{at}: {result} instead of {usual.result}")
    (half_written,) = site.execute(work.half_written)[0]
    outcome.expect(not half_written, f"{at}: {half_written} things are half-written at the end")
