"""Measures what the project promises, beside the obvious alternative."""

import random
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from benchmarks import resolve, search
from benchmarks.judging import Judged, read_queries
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
        subject = subjects.add_parser("resolve", help="quality and latency of resolving lists")
        subject.set_defaults(measure=self.measure_resolve)
        subject.add_argument(
            "--queries", type=Path, required=True, help="judged queries, JSON Lines"
        )
        subject.add_argument(
            "--seed", type=int, default=7, help="draws the halves and the invented tracks"
        )
        subject.add_argument(
            "--others",
            type=int,
            default=1000,
            metavar="N",
            help="resolve only N tracks in the other ways, which are slow (0: none)",
        )
        subject.add_argument("--no-http", action="store_true", help="leave the web server out")
        subject.add_argument(
            "--fit", action="store_true", help="fit the confidence and print its coefficients"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        queries = read_queries(options["queries"])
        if not Track.objects.exists():
            raise CommandError("The catalogue is empty: run manage.py import_catalogue PATH first.")
        options["measure"](queries, Console(width=120), options)

    def measure_search(
        self, queries: list[Judged], console: Console, options: dict[str, Any]
    ) -> None:
        if options["first"]:
            queries = random.Random(42).sample(queries, min(options["first"], len(queries)))
        search.run(
            queries, plain=options["plain"], over_http=not options["no_http"], console=console
        )

    def measure_resolve(
        self, queries: list[Judged], console: Console, options: dict[str, Any]
    ) -> None:
        if options["fit"]:
            resolve.fit(queries, seed=options["seed"], console=console)
            return
        resolve.run(
            queries,
            seed=options["seed"],
            others=options["others"],
            over_http=not options["no_http"],
            console=console,
        )
