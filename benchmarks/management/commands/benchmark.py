"""Measures what the project promises, beside the obvious alternative."""

import random
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from benchmarks import archive_search, search
from benchmarks.judging import read_queries
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
        subject = subjects.add_parser("archive-search", help="latency and recall of archives' q=")
        subject.add_argument("--count", type=int, default=300, help="queries of each kind")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["subject"] == "archive-search":
            archive_search.run(options["count"], Console(width=120))
            return
        queries = read_queries(options["queries"])
        if options["first"]:
            queries = random.Random(42).sample(queries, min(options["first"], len(queries)))
        if not Track.objects.exists():
            raise CommandError("The catalogue is empty: run manage.py import_catalogue PATH first.")
        search.run(
            queries,
            plain=options["plain"],
            over_http=not options["no_http"],
            console=Console(width=120),
        )
