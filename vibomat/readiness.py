"""What has to be right for the service to do its work, each with what to do if it isn't.

The project asks about its database here; apps add what they know of theirs with `register`, when
they are ready. A check is asked every few seconds: it reads a few rows, and waits for no lock. One
that is thorough, and takes longer, is asked by `manage.py doctor --thorough` only.

A check returns messages of Django's: an `Error` is for what keeps the service from working, a
`Warning` for what will if nobody sees to it. The messages are public, the hints for the operator.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from django.core.checks import ERROR, CheckMessage, Error
from django.db import Error as DatabaseError
from django.db import ProgrammingError, connections
from django.db.backends.utils import CursorWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from . import timeouts
from .checks import missing_extensions, one_line, problems_of_server
from .databases import shares_sessions
from .probing import ALIAS, SECONDS, probe

Check = Callable[[CursorWrapper], list[CheckMessage]]


@dataclass
class Result:
    """What a check found; `was_run` is false behind one that found an error."""

    name: str
    messages: list[CheckMessage] = field(default_factory=list)
    was_run: bool = True

    @property
    def has_error(self) -> bool:
        return any(message.level >= ERROR for message in self.messages)

    def __str__(self) -> str:
        if not self.was_run:
            return "not checked"
        return " ".join(message.msg for message in self.messages) or "ok"


def register(name: str, check: Check, *, thorough: bool = False) -> None:
    """Add a check under that name, or put it in the place of the one that has the name."""
    (_thorough if thorough else _checks)[name] = check


def results(*, thorough: bool = False) -> list[Result]:
    """Run the checks in order, each in bounded time; none is run behind one with an error."""
    found: list[Result] = []
    checks = {**_checks, **(_thorough if thorough else {})}
    with probe() as bounded:
        for name, check in checks.items():
            result = Result(name)
            found.append(result)
            if any(other.has_error for other in found[:-1]):
                result.was_run = False
                continue
            try:
                with bounded() as cursor:
                    if name in _thorough:
                        cursor.execute("SET LOCAL statement_timeout = 0")
                    result.messages = check(cursor)
            except DatabaseError as error:
                result.messages = [_unanswered(error)]
    return found


def _unanswered(error: DatabaseError) -> CheckMessage:
    hint = f"{one_line(error)}. Start the server, correct DATABASE_URL, or see what keeps it busy."
    return Error(f"No answer within {SECONDS} s.", hint=hint, id="vibomat.E010")


def _database(cursor: CursorWrapper) -> list[CheckMessage]:
    if shares_sessions(cursor.db) and timeouts.are_missing(cursor):
        statements = "; ".join(timeouts.statements_for_role(cursor))
        return [
            Error(
                "Statements run without a limit.",
                hint=f"Run manage.py migrate, or: {statements}; then restart the pooler.",
                id="vibomat.E013",
            )
        ]
    return problems_of_server(cursor)


def _extensions(cursor: CursorWrapper) -> list[CheckMessage]:
    return [
        Error(
            f"The extension {name} is missing or too old.",
            hint="Run migrate; it says what to install where the server lacks it.",
            id="vibomat.E011",
        )
        for name in missing_extensions(cursor)
    ]


def _migrations(cursor: CursorWrapper) -> list[CheckMessage]:
    recorder = MigrationRecorder(connections[ALIAS])
    try:
        applied = set(recorder.migration_qs.values_list("app", "name"))
    except ProgrammingError:
        applied = set()  # not even their table
    missing = sorted(_migrations_on_disk() - applied)
    if not missing:
        return []
    names = ", ".join(f"{app}.{name}" for app, name in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return [
        Error(
            f"Not every migration is applied: {len(missing)} to go.",
            hint=f"Run manage.py migrate for {names}{more}.",
            id="vibomat.E012",
        )
    ]


@cache
def _migrations_on_disk() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.nodes)


_checks: dict[str, Check] = {
    "database": _database,
    "extensions": _extensions,
    "migrations": _migrations,
}
_thorough: dict[str, Check] = {}
