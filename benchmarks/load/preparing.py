"""The database that is asked: a whole catalogue, archives, and prompts with their vectors."""

import io
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import transaction

from archives.models import Archive, Visibility
from benchmarks.judging import read_queries
from benchmarks.loading import load, owner_id, prepared_for
from benchmarks.made_archives import Recipe, read_tracks
from benchmarks.prompts import read_prompts, vectors_of
from embeddings import embedders, indexing
from embeddings.models import EmbeddingModel, Interaction
from search.importing import import_catalogue
from search.models import Artist, CatalogueImport

# Whoever asks is one of these owners; the prompts are theirs, as many each.
PEOPLE = 16
SOME = 3_000


def prepare(
    catalogue: Path, archives: int, playlists: Path | None, prompts: Path, processes: int
) -> None:
    """Fill the database with what is missing of it."""
    if not CatalogueImport.objects.exclude(finished=None).exists():
        import_catalogue(catalogue, progress=True)
    real = read_tracks(playlists) if playlists else []
    recipe = prepared_for(Recipe(archives, max(PEOPLE, archives // 10), datetime.now(UTC), real))
    load(recipe, processes)
    # Emptying the database for other archives took the owners' prompts along.
    if not Interaction.objects.exists():
        _load_prompts(prompts)


def _load_prompts(path: Path) -> None:
    prompts = read_prompts(path)
    vectors = vectors_of(prompts)
    embedder = embedders.current()
    with transaction.atomic():
        EmbeddingModel.objects.all().delete()
        model = EmbeddingModel.objects.create(
            name=embedder.id, dimensions=embedder.dimensions, distance=embedder.distance
        )
        rows = [
            Interaction(text=prompt.text, user_id=owner_id(n % PEOPLE))
            for n, prompt in enumerate(prompts)
        ]
        Interaction.objects.bulk_create(rows, batch_size=1000)
        model.store(zip(rows, vectors, strict=True))
    indexing.build(model)
    model.activate()


def plan(queries: Path, seed: int = 5) -> dict[str, Any]:
    """What the clients ask for: texts, ids, and tokens of the people."""
    draw = random.Random(seed)
    typed = [query.text for query in read_queries(queries)]
    public = Archive.objects.filter(deleted=None, visibility=Visibility.PUBLIC)
    return {
        "seed": seed,
        "tokens": [token_of(f"{number}@example.org") for number in range(PEOPLE)],
        "queries": draw.sample(typed, min(SOME, len(typed))),
        "archives": [str(pk) for pk in public.order_by("-id").values_list("pk", flat=True)[:SOME]],
        "artists": list(
            Artist.objects.order_by("-popularity", "id").values_list("name", flat=True)[:SOME]
        ),
        "prompts": list(Interaction.objects.order_by("id").values_list("text", flat=True)[:SOME]),
    }


def token_of(email: str) -> str:
    """A new token of the user with that address."""
    out = io.StringIO()
    call_command("create_token", email, stdout=out)
    return out.getvalue().strip()
