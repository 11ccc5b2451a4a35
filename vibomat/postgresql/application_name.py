"""What a connection calls itself in `pg_stat_activity` and in the server's log.

PostgreSQL keeps the first 63 bytes and only printable ASCII.
"""

from contextvars import ContextVar

LONGEST = 63

# What this thread is busy with: a request's id, a command's name.
busy_with: ContextVar[str] = ContextVar("busy_with", default="")


def application_name(application: str) -> str:
    """`application:work`, or the application alone when there is no work to name.

    Of a name that is too long the application's part is cut.
    """
    work = busy_with.get()
    if not work:
        return application[:LONGEST]
    return f"{application[: LONGEST - len(work) - 1]}:{work}"[:LONGEST]
