"""Migrating back and forth, and being killed while at it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import connection

from vibomat.tests.databases import connected_to, database


def migrate(app: str, *target: str, **options: Any) -> str:
    """Migrate an app to that step, the last one by default; what was printed."""
    output = StringIO()
    call_command("migrate", app, *target, no_color=True, stdout=output, **options)
    return output.getvalue()


@contextmanager
def migrated_copy(app: str, target: str) -> Iterator[str]:
    """A copy of the default database, that app migrated to that step, to be copied in turn."""
    connection.close()
    with database("migrated", copied_from=connection.settings_dict["NAME"]) as name:
        with connected_to(name):
            migrate(app, target)
        yield name


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def killed_again_and_again(run: Callable[[], object], *, first: int, further: int) -> int:
    """Run it, killed after `first` statements, then after `further` more each time, until it gets
    through; how often it was killed."""
    for kills in range(200):
        left = first + further * kills

        def count(execute: Callable[..., Any], *arguments: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return execute(*arguments)

        try:
            with connection.execute_wrapper(count):
                run()
        except Killed:
            connection.close()
        else:
            return kills
    raise AssertionError("it never gets through")
