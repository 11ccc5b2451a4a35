#!/usr/bin/env python
"""Django's command line for Vibomat."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vibomat.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError, ProgrammingError
    from psycopg.errors import UndefinedTable

    from vibomat.postgresql.application_name import busy_with

    busy_with.set("".join(sys.argv[1:2]))
    try:
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough, as `| head` has: not even Python's last flush is for them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except (ImproperlyConfigured, OperationalError) as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())}")
    except ProgrammingError as error:
        if "--traceback" in sys.argv or not isinstance(error.__cause__, UndefinedTable):
            raise
        sys.exit(f"{error.__cause__.diag.message_primary}: run manage.py migrate.")


if __name__ == "__main__":
    main()
