from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from psycopg.errors import UndefinedTable
from rich.console import Console
from rich.table import Table

from embeddings.embedders import EmbedderError
from embeddings.indexing import IndexingError
from embeddings.proof.proving import Proof, prove

SHOWN = 3


class Command(BaseCommand):
    help = (
        "Prove on this database that searches by meaning find what is near in meaning, and that "
        "the index finds what is nearest: by prompts that ship with Vibomat, in a transaction that "
        "is rolled back. Fails with the reason if it can't be proved."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--embedder",
            metavar="ID",
            help="By default the one that searches use, at first the setting EMBEDDER.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(file=self.stdout, width=100)  # type: ignore[arg-type]
        try:
            proof = prove(options["embedder"])
        except (EmbedderError, IndexingError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            if isinstance(error.__cause__, UndefinedTable):
                # manage.py says what to run.
                raise
            raise CommandError(f"The database says: {' '.join(str(error).split())}") from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted. Nothing has changed.", returncode=130) from None
        console.print(_neighbours(proof))
        console.print(_measures(proof))
        if proof.missed:
            raise CommandError(f"Not proved: {'; '.join(proof.missed)}.")
        console.print(f"Proved. The database is as it was. Embedder: {proof.model}.")


def _neighbours(proof: Proof) -> Table:
    """The nearest of the first prompts of some themes."""
    table = Table(title="Nearest in meaning")
    for column in ("prompt", "nearest", "language", "theme"):
        table.add_column(column)
    table.add_column("similarity", justify="right")
    firsts = {prompt.theme: prompt for prompt in reversed(proof.neighbours)}
    for prompt in list(reversed(firsts.values()))[:: max(1, len(firsts) // SHOWN)][:SHOWN]:
        for place, (other, similarity) in enumerate(proof.neighbours[prompt]):
            table.add_row(
                "" if place else prompt.text,
                other.text,
                other.language,
                other.theme,
                f"{similarity:.2f}",
            )
        table.add_section()
    return table


def _measures(proof: Proof) -> Table:
    among = f"{len(proof.neighbours)} prompts among {proof.rows:,} vectors"
    if proof.crowd:
        among += f", {proof.crowd:,} of them made for the proof"
    table = Table(title=among)
    table.add_column("measure")
    for column in ("value", "at least"):
        table.add_column(column, justify="right")
    for measure in proof.measures:
        table.add_row(
            measure.name,
            f"{measure.value:.3f}",
            f"{measure.least:.2f}",
            style="" if measure.is_met else "bold red",
        )
    return table
