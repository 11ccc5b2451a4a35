"""Ask the API what a machine makes up, and say what it got wrong."""

import logging
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from tqdm import tqdm

from benchmarks.fuzzing import fuzz
from benchmarks.scratch import drop_scratch_database, scratch_database
from search.importing import load_sample


class Command(BaseCommand):
    help = (
        "Ask the API what a machine makes up from its own documentation, anonymously and as a "
        "user, in a database of its own that is dropped afterwards; fails if any answer is a 5xx "
        "or not documented."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--requests", type=int, default=20_000)
        parser.add_argument("--seed", type=int, default=1, help="the same seed asks the same")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["requests"] < 1:
            raise CommandError("--requests must be at least 1.")
        try:
            with (
                scratch_database("fuzz"),
                tqdm(total=options["requests"], disable=None) as bar,
            ):
                with connection.cursor() as cursor:
                    cursor.execute("SET synchronous_commit = off")
                logging.disable(logging.WARNING)
                load_sample()
                found = fuzz(options["requests"], options["seed"], bar.update)
        finally:
            drop_scratch_database("fuzz")
        for (operation, title, status), example in found.problems.items():
            self.stdout.write(f"\n{operation}: {title} ({status})\n{example}\n")
        statuses = ", ".join(f"{count} × {code}" for code, count in sorted(found.statuses.items()))
        self.stdout.write(f"{found.requests} requests: {statuses}")
        if found.problems:
            raise CommandError(f"{len(found.problems)} kinds of answers were wrong.")
        self.stdout.write("Every answer was documented, and none was a 5xx.")
