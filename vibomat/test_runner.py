"""`manage.py test` runs pytest, so that both commands run the same suite."""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


class PytestRunner:
    """Takes Django's options for tests and hands them to pytest in its own words."""

    def __init__(
        self,
        verbosity: int = 1,
        failfast: bool = False,
        keepdb: bool = False,
        pdb: bool = False,
        keyword: str | None = None,
        durations: int | None = None,
        parallel: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.arguments = {0: ["--quiet"], 2: ["-v"], 3: ["-vv"]}.get(verbosity, [])
        if failfast:
            self.arguments.append("--exitfirst")
        if keepdb:
            self.arguments.append("--reuse-db")
        if pdb:
            self.arguments.append("--pdb")
        if keyword:
            self.arguments += ["-k", keyword]
        if durations is not None:
            self.arguments += ["--durations", str(durations)]
        if parallel is not None:
            self.arguments += ["--numprocesses", str(parallel)]

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument("--keepdb", action="store_true", help="Keep the test database.")
        parser.add_argument("--pdb", action="store_true", help="Open a debugger at a failure.")
        parser.add_argument("-k", dest="keyword", help="Only tests whose name matches.")
        parser.add_argument("--durations", type=int, metavar="N", help="Show the N slowest tests.")
        parser.add_argument("--parallel", type=int, metavar="N", help="Use N workers, or 0: none.")

    def run_tests(self, test_labels: Sequence[str], **kwargs: Any) -> int:
        """pytest's exit code, 0 when all passed."""
        return int(pytest.main([*self.arguments, *map(pytest_label, test_labels)]))


def pytest_label(label: str) -> str:
    """`app.tests.test_module.Class.test` as `app/tests/test_module.py::Class::test`.

    Paths and what isn't the dotted name of a module here are pytest's already.
    """
    if "/" in label or "::" in label:
        return label
    names = label.split(".")
    for count in range(len(names), 0, -1):
        folder = Path(*names[:count])
        module = folder.with_suffix(".py")
        if module.is_file():
            return "::".join([str(module), *names[count:]])
        if folder.is_dir() and count == len(names):
            return str(folder)
    return label
