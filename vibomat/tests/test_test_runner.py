"""How `manage.py test` speaks to pytest."""

from unittest.mock import patch

import pytest

from vibomat.test_runner import PytestRunner, pytest_label


@pytest.mark.parametrize(
    ("label", "path"),
    [
        ("vibomat", "vibomat"),
        ("vibomat.tests", "vibomat/tests"),
        ("vibomat.tests.test_health", "vibomat/tests/test_health.py"),
        ("vibomat.tests.test_health.Some.test", "vibomat/tests/test_health.py::Some::test"),
        ("vibomat/tests/test_health.py::test", "vibomat/tests/test_health.py::test"),
        ("no.such", "no.such"),
    ],
)
def test_labels(label: str, path: str) -> None:
    assert pytest_label(label) == path


def test_options_become_pytests() -> None:
    runner = PytestRunner(verbosity=2, failfast=True, keepdb=True, keyword="name", parallel=0)
    with patch("pytest.main", return_value=1) as main:
        assert runner.run_tests(["vibomat.tests"]) == 1
    main.assert_called_once_with(
        ["-v", "--exitfirst", "--reuse-db", "-k", "name", "--numprocesses", "0", "vibomat/tests"]
    )
