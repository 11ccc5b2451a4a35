"""Measures what the project promises, beside the obvious alternative."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console

from benchmarks import (
    archive_search,
    archives,
    embedders,
    faults,
    load,
    migrating,
    partitions,
    resolve,
    search,
    vectors,
)

# Each subject is a module with HELP, add_arguments(parser) and measure(console, options).
SUBJECTS = {
    "search": search,
    "resolve": resolve,
    "partitions": partitions,
    "archives": archives,
    "archive-search": archive_search,
    "vectors": vectors,
    "embedders": embedders,
    "migrations": migrating,
    "faults": faults,
    "load": load,
}


class Command(BaseCommand):
    help = "Print measurements. Each subject is a subcommand: benchmark search --queries PATH."

    def add_arguments(self, parser: ArgumentParser) -> None:
        subjects = parser.add_subparsers(dest="subject", required=True)
        for name, subject in SUBJECTS.items():
            subject.add_arguments(subjects.add_parser(name, help=subject.HELP))

    def handle(self, *args: Any, **options: Any) -> None:
        SUBJECTS[options["subject"]].measure(Console(width=120), options)
