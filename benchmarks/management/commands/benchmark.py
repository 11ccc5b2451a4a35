"""Measures what the project promises, beside the obvious alternative."""

import random
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from benchmarks import archives, search
from benchmarks.judging import read_queries
from benchmarks.scratch import drop_scratch_database
from search.models import Track


class Command(BaseCommand):
    help = "Print measurements. Each subject is a subcommand: benchmark search --queries PATH."

    def add_arguments(self, parser: ArgumentParser) -> None:
        subjects = parser.add_subparsers(dest="subject", required=True)
        subject = subjects.add_parser("search", help="quality and latency of the search")
        subject.add_argument(
            "--queries", type=Path, required=True, help="judged queries, JSON Lines"
        )
        subject.add_argument(
            "--first", type=int, help="only so many queries, drawn by a fixed seed"
        )
        subject.add_argument(
            "--plain",
            type=int,
            default=10**9,
            metavar="N",
            help="ask only N queries of plain pg_trgm, which is slow (0: none)",
        )
        subject.add_argument("--no-http", action="store_true", help="leave the web server out")

        subject = subjects.add_parser("archives", help="the indexed paths of archives")
        subject.add_argument("--archives", type=int, default=100_000, metavar="N", help="how many")
        subject.add_argument(
            "--playlists", type=Path, help="playlists as JSON Lines, whose tracks are used first"
        )
        subject.add_argument("--queries", type=int, default=200, metavar="N", help="of each kind")
        subject.add_argument("--processes", type=int, default=2, metavar="N", help="that load")
        subject.add_argument("--seed", type=int, default=3, help="draws the archives")
        subject.add_argument(
            "--drop", action="store_true", help="drop the database it was kept in, and stop"
        )
        subject.add_argument("--load-only", action="store_true", help="load, and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(width=140)
        if options["subject"] == "archives":
            return self.measure_archives(options, console)
        queries = read_queries(options["queries"])
        if options["first"]:
            queries = random.Random(42).sample(queries, min(options["first"], len(queries)))
        if not Track.objects.exists():
            raise CommandError("The catalogue is empty: run manage.py import_catalogue PATH first.")
        search.run(
            queries,
            plain=options["plain"],
            over_http=not options["no_http"],
            console=console,
        )

    def measure_archives(self, options: dict[str, Any], console: Console) -> None:
        for name, least in (("archives", 1000), ("queries", 1), ("processes", 1)):
            if options[name] < least:
                raise CommandError(f"--{name} must be at least {least}.")
        if options["drop"]:
            drop_scratch_database("archives")
            return
        archives.run(
            count=options["archives"],
            playlists=options["playlists"],
            seed=options["seed"],
            processes=options["processes"],
            queries=options["queries"],
            load_only=options["load_only"],
            console=console,
        )
