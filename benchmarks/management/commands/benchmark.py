"""Measures what the project promises, beside the obvious alternative."""

import random
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from benchmarks import partitions, search
from benchmarks.judging import read_queries
from search.models import Track


class Command(BaseCommand):
    help = "Print measurements. Each subject is a subcommand: benchmark search --queries PATH."

    def add_arguments(self, parser: ArgumentParser) -> None:
        subjects = parser.add_subparsers(dest="subject", required=True)
        subject = subjects.add_parser("search", help="quality and latency of the search")
        subject.set_defaults(measure=self.measure_search)
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

        subject = subjects.add_parser(
            "partitions", help="the archives' table whole, by RANGE of the id, by HASH of the owner"
        )
        subject.set_defaults(measure=self.measure_partitions)
        subject.add_argument(
            "--playlists", type=Path, help="playlists to make archives of, JSON Lines or .gz of it"
        )
        subject.add_argument(
            "--sizes", default="20000,100000", metavar="N,…", help="how many archives, in each run"
        )
        subject.add_argument(
            "--tracks", type=int, default=20, metavar="N", help="an archive's tracks on average"
        )
        subject.add_argument(
            "--months",
            default="1",
            metavar="N,…",
            help="months in a partition by RANGE; several numbers, several layouts",
        )
        subject.add_argument(
            "--repeats", type=int, default=200, metavar="N", help="how often each query is asked"
        )
        subject.add_argument("--seed", type=int, default=42, help="draws the archives")

    def handle(self, *args: Any, **options: Any) -> None:
        options["measure"](Console(width=120), options)

    def measure_search(self, console: Console, options: dict[str, Any]) -> None:
        queries = read_queries(options["queries"])
        if options["first"]:
            queries = random.Random(42).sample(queries, min(options["first"], len(queries)))
        if not Track.objects.exists():
            raise CommandError("The catalogue is empty: run manage.py import_catalogue PATH first.")
        search.run(
            queries, plain=options["plain"], over_http=not options["no_http"], console=console
        )

    def measure_partitions(self, console: Console, options: dict[str, Any]) -> None:
        partitions.run(
            playlists=options["playlists"],
            sizes=options["sizes"],
            tracks=options["tracks"],
            months=options["months"],
            repeats=options["repeats"],
            seed=options["seed"],
            console=console,
        )
