"""Whether the vocabulary is in step with the catalogue."""

from django.core.checks import CheckMessage, Error, Warning
from django.db.backends.utils import CursorWrapper

from search import sql

RECOUNT = "Run SELECT search_recount_lexemes() in manage.py dbshell (docs/operations.md)."
# Of both tables: what fills their vectors, and has the vocabulary follow.
TRIGGERS = ("search_fill", "search_insert", "search_update", "search_delete", "search_truncate")
SAMPLE = 20
# So many changes wait only while nobody writes what they belong to for long.
MANY_WAITING = 100_000


def vocabulary_in_step(cursor: CursorWrapper) -> list[CheckMessage]:
    """Look at the triggers, at the words of a few tracks and artists drawn by chance, and at how
    many changes wait to be counted."""
    return [*_triggers(cursor), *_sample(cursor), *_waiting(cursor)]


def vocabulary_counted(cursor: CursorWrapper) -> list[CheckMessage]:
    """Count every word of the catalogue and compare."""
    cursor.execute(sql.COUNT_DIFFERENCES)
    (differences,) = cursor.fetchone()
    if not differences:
        return []
    text = f"The vocabulary has a wrong count for {differences:,} words."
    return [Error(text, hint=RECOUNT, id="search.E003")]


def _triggers(cursor: CursorWrapper) -> list[CheckMessage]:
    cursor.execute(sql.TRIGGERS, [list(TRIGGERS)])
    missing = [f"{name} of {table}" for table, name in cursor.fetchall()]
    if not missing:
        return []
    return [
        Error(
            f"Triggers are missing or disabled: {', '.join(missing)}.",
            hint=f"Enable them, and save anew what was written meanwhile. {RECOUNT}",
            id="search.E001",
        )
    ]


def _sample(cursor: CursorWrapper) -> list[CheckMessage]:
    cursor.execute(sql.UNKNOWN_IN_SAMPLE, {"rows": SAMPLE})
    unknown, words = cursor.fetchone()
    if not unknown:
        return []
    text = f"The vocabulary lacks {unknown} of {words} words drawn from the catalogue."
    return [Error(text, hint=RECOUNT, id="search.E002")]


def _waiting(cursor: CursorWrapper) -> list[CheckMessage]:
    cursor.execute(sql.WAITING_CHANGES, [MANY_WAITING + 1])
    (waiting,) = cursor.fetchone()
    if waiting <= MANY_WAITING:
        return []
    text = f"More than {MANY_WAITING:,} changes wait to be counted into the vocabulary."
    hint = f"Look for a transaction that stays open (docs/operations.md). {RECOUNT}"
    return [Warning(text, hint=hint, id="search.W001")]
