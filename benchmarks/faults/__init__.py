"""What breaks, broken on purpose on sites of its own, and what it cost: nothing, if all is well."""

import tempfile
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from rich.console import Console
from rich.table import Table

from benchmarks.faults import crowds, disk, kills, requests
from benchmarks.faults.kills import Undisturbed
from benchmarks.faults.outcomes import Outcome
from benchmarks.faults.site import Site
from benchmarks.faults.works import PARTITIONS, Sizes, Work, migrated, on_older_schema, works

HELP = "what is lost when servers and programs are killed, disks are full, connections break"
SIZES = Sizes(tracks=25_000, archives=2_000, prompts=5_000)
SHOWN = 5

Fault = Callable[["Ground", str, int], Outcome]


class Ground:
    """The folder that all faults are tried in, and what they have in common, made when it is
    needed."""

    def __init__(self, folder: Path, sizes: Sizes) -> None:
        self.folder = folder
        self.sizes = sizes
        self.works = {work.name: work for work in works(folder, sizes)}
        self._sites: dict[str, Site] = {}
        self._usual: dict[str, Undisturbed] = {}

    @property
    def tried(self) -> Path:
        """Where the site is that is broken."""
        return self.folder / "tried"

    @property
    def migrated(self) -> Site:
        if "migrated" not in self._sites:
            self._sites["migrated"] = migrated(self.folder / "migrated", self.sizes)
        return self._sites["migrated"]

    def start_of(self, work: Work) -> Site:
        """The site as it is before the work."""
        if work.doctor:
            return self.migrated
        if "older" not in self._sites:
            doing = [work for work in self.works.values() if work.doctor]
            self._sites["older"] = on_older_schema(self.migrated, self.folder / "older", doing)
        return self._sites["older"]

    def usual(self, work: Work) -> Undisturbed:
        if work.name not in self._usual:
            self._usual[work.name] = kills.undisturbed(work, self.start_of(work), self.tried)
        return self._usual[work.name]

    def leave(self) -> None:
        for site in self._sites.values():
            site.leave()


def _kill(victim: str, work: str) -> Fault:
    def fault(ground: Ground, name: str, tries: int) -> Outcome:
        doing = ground.works[work]
        start, usual = ground.start_of(doing), ground.usual(doing)
        return kills.break_off(doing, victim, start, ground.tried, usual, tries)

    return fault


def _fill(work: str) -> Fault:
    def fault(ground: Ground, name: str, tries: int) -> Outcome:
        doing = ground.works[work]
        start, usual = ground.start_of(doing), ground.usual(doing)
        return disk.fill(doing, start, ground.tried, usual, tries)

    return fault


def _twice(work: str) -> Fault:
    def fault(ground: Ground, name: str, tries: int) -> Outcome:
        doing = ground.works[work] if work != PARTITIONS.name else PARTITIONS
        start, usual = ground.start_of(doing), ground.usual(doing)
        return crowds.twice(doing, start, ground.tried, usual, tries)

    return fault


def _disturbed(disturbance: str) -> Fault:
    return lambda ground, name, tries: requests.disturbed(
        disturbance, ground.migrated, ground.tried, tries
    )


SHORT = {
    "catalogue": "catalogue import",
    "archives": "archive import",
    "embed": "embedding run",
    "migrate": "migration",
}
FAULTS: dict[str, Fault] = {
    **{
        f"{victim}-{short}": _kill(victim, work)
        for victim in kills.VICTIMS
        for short, work in SHORT.items()
    },
    **{f"disk-{short}": _fill(work) for short, work in SHORT.items()},
    "cut": _disturbed("connections cut"),
    "restart": _disturbed("server restarted"),
    "crash": _disturbed("server killed"),
    "timeout": lambda ground, name, tries: requests.locked(ground.migrated, ground.tried, tries),
    **{f"two-{short}": _twice(work) for short, work in SHORT.items()},
    "two-partitions": _twice(PARTITIONS.name),
    "writers": lambda ground, name, tries: crowds.many_writers(
        ground.migrated, ground.tried, tries
    ),
}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"of {', '.join(FAULTS)}")
    parser.add_argument("--tries", type=int, default=5, metavar="N", help="of each fault")


def measure(console: Console, options: dict[str, Any]) -> None:
    """Try the faults and print a table. Raises CommandError if anything was lost."""
    names = options["only"] or list(FAULTS)
    if unknown := [name for name in names if name not in FAULTS]:
        raise CommandError(f"There is no fault {unknown[0]}; there are {', '.join(FAULTS)}.")
    if options["tries"] < 1:
        raise CommandError("--tries must be at least 1.")
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="faults-", dir=_folder()) as folder:
        ground = Ground(Path(folder), SIZES)
        try:
            for name in names:
                with console.status(name):
                    outcomes.append(FAULTS[name](ground, name, options["tries"]))
                _tell(outcomes[-1], console)
        finally:
            ground.leave()
    _print(outcomes, console)
    if lost := sum(len(outcome.losses) for outcome in outcomes):
        raise CommandError(f"{lost} things are not as they should be.")


def _folder() -> Path:
    folder = Path(settings.DATA_DIR) / "benchmark"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _tell(outcome: Outcome, console: Console) -> None:
    console.print(f"{outcome.fault}: {outcome.tries} tries, {len(outcome.losses)} losses")
    for loss in outcome.losses[:SHOWN]:
        console.print(f"  {loss}", markup=False, highlight=False, soft_wrap=True)


def _print(outcomes: list[Outcome], console: Console) -> None:
    table = Table("fault", "tries", "losses", "seen")
    for outcome in outcomes:
        if outcome.skipped:
            table.add_row(outcome.fault, "0", "", f"skipped: {outcome.skipped}")
        else:
            losses = str(len(outcome.losses))
            table.add_row(outcome.fault, str(outcome.tries), losses, outcome.seen)
    console.print(table)
