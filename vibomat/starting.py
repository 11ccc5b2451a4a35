"""Whether a server may start in production: not on a database that it can't work with."""

from vibomat import readiness

# An error of another check keeps a server from being asked, not from starting.
NEEDED = {"database", "extensions", "migrations"}


def reason_not_to() -> str | None:
    """One line that says what is wrong with the database, and what to do; None if nothing is."""
    for result in readiness.results():
        if result.name in NEEDED and result.has_error:
            message = result.messages[0]
            return f"Vibomat does not start: {message.msg} {message.hint}"
    return None
