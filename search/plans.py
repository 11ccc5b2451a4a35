"""The plans by which PostgreSQL runs statements, those inside functions included."""

from collections.abc import Callable

from django.db import connection, transaction
from psycopg.errors import Diagnostic

SETTINGS = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_format": "text",
    "auto_explain.log_level": "log",
    "client_min_messages": "log",
}


def plans_of(call: Callable[[], object], *, analyze: bool = False) -> list[str]:
    """Run the call and return the plan of each statement it ran here, as EXPLAIN prints it, in the
    order in which they ended; the statement stands before its plan. `analyze`: with what it took.

    Needs a role that may load auto_explain, such as the embedded server's: raises a DatabaseError
    before the call otherwise.
    """
    settings = SETTINGS | {"auto_explain.log_analyze": "on" if analyze else "off"}
    plans: list[str] = []

    def note(message: Diagnostic) -> None:
        _, found, plan = (message.message_primary or "").partition("plan:\n")
        if found:
            plans.append(plan)

    with connection.cursor() as cursor:
        before = {}
        with transaction.atomic():
            cursor.execute("LOAD 'auto_explain'")
            for name in settings:
                cursor.execute("SELECT current_setting(%s)", [name])
                before[name] = cursor.fetchone()[0]
            for name, value in settings.items():
                cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
        driver = connection.connection
        driver.add_notice_handler(note)
        try:
            call()
        finally:
            driver.remove_notice_handler(note)
            if connection.is_usable():
                for name, value in before.items():
                    cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
    return plans
