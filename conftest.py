"""What holds for the tests of every app."""

import pytest
from django.db import connection


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """The test database, or no database: pytest-django makes none when no selected test is marked
    as using one, and a fixture that unblocks the connection would then write to the user's."""
    name = str(connection.settings_dict["NAME"])
    assert name.startswith("test_"), f"{name} is no test database"
