"""What holds for the tests of every app."""

import os
import signal
import sys
from collections.abc import Iterator
from unittest import mock

import pytest
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings

# The workers, and the programs that tests start, would each compile the whole project anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Of a test's examples none may fail for being made slowly: that is the machine's business.
settings.register_profile("vibomat", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vibomat")

# Each worker has a database of its own on the one test server.
MOST_WORKERS = 4


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Workers for whole apps; a few files are done sooner than a second database is made."""
    arguments = config.invocation_params.args
    if any(str(argument).endswith(".py") or "::" in str(argument) for argument in arguments):
        return 0
    return min(os.cpu_count() or 1, MOST_WORKERS)


# Begun first, so that no worker is left with one of them when the others are done.
LONGEST = (
    "archives/tests/test_migrations.py",
    "benchmarks/tests/test_faults.py",
    "archives/tests/test_paths.py",
    "archives/tests/test_api_privacy.py",
    "embeddings/tests/test_prove_similarity.py",
    "vibomat/tests/test_embedded.py",
    "vibomat/tests/test_containers.py",
    "benchmarks/tests/test_partitions.py",
    "benchmarks/tests/test_fuzzing.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_configure() -> None:
    # A shell's background job ignores it, and so would the programs that tests start to interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The test database, or no database: pytest-django makes none when no selected test is marked
    as using one, and a fixture that unblocks the connection would then write to the user's."""
    name = str(connection.settings_dict["NAME"])
    assert name.startswith("test_"), f"{name} is no test database"
    # Django would truncate every table, each of which is files to make anew, and then look for all
    # content types and permissions. Few tables have rows.
    from vibomat.tests.databases import empty

    with mock.patch.object(TransactionTestCase, "_fixture_teardown", staticmethod(empty)):
        yield


@pytest.fixture
def empty_database(db: None) -> Iterator[None]:
    """Another, empty database in the place of the test's own."""
    # Django's settings are there once fixtures are.
    from vibomat.tests.databases import connected_to, database

    with database("empty") as name, connected_to(name):
        yield


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows are many batches of a migration, whatever size it gives them."""
    from vibomat.migration_operations import RunInBatches

    small = property(lambda operation: 20, lambda operation, size: None)
    monkeypatch.setattr(RunInBatches, "size", small, raising=False)
