"""A dump made as docs/operations.md says it restores to a database that works as the first did."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from model_bakery import baker

from archives.models import Archive
from embeddings import indexing
from embeddings.models import EmbeddingModel, Interaction
from search import engine
from search.models import Artist, Lexeme, Track
from vibomat import readiness
from vibomat.accounts.models import User
from vibomat.embedded.server import psql_path
from vibomat.tests.databases import connected_to, database, execute

TABLES = sorted(
    model._meta.db_table
    for model in apps.get_models(include_auto_created=True)
    if model._meta.managed
)


def run(program: str, *arguments: str) -> None:
    """One of PostgreSQL's programs on the tests' server."""
    parameters = connection.get_connection_params()
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password"}
    found = {name: str(parameters[key]) for name, key in names.items() if parameters.get(key)}
    done = subprocess.run(
        [Path(psql_path()).with_name(program), *arguments],
        env={**os.environ, **found},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def counts() -> dict[str, int]:
    quote = connection.ops.quote_name
    return {table: execute(f"SELECT count(*) FROM {quote(table)}")[0][0] for table in TABLES}


def titles(typed: str) -> list[str]:
    return [hit.name for hit in engine.search(typed).hits]


@pytest.fixture
def restored(transactional_db: None, tmp_path: Path) -> Iterator[tuple[str, dict[str, int]]]:
    """A database restored from a dump of one with rows of everything, and what that counted."""
    baker.make(Artist, name="Sigur Rós")
    for title in ("Hoppípolla", "Svefn-g-englar", "Glósóli"):
        baker.make(Track, title=title, artist_credit="Sigur Rós")
    owner: User = baker.make("accounts.User", email="owner@example.org")
    tracks = [{"artist": "Sigur Rós", "track": "Hoppípolla"}]
    for visibility in ("public", "private"):
        baker.make(
            Archive, owner=owner, name="Quiet", visibility=visibility, content={"tracks": tracks}
        )
    model = EmbeddingModel.objects.create(name="test", dimensions=2)
    interactions = baker.make(Interaction, user=owner, text="something quiet", _quantity=2)
    model.store([(interactions[0], [1, 0]), (interactions[1], [0, 1])])
    indexing.build(model)
    model.activate()
    before = counts()
    dump = tmp_path / "vibomat.dump"
    run("pg_dump", "--format=custom", f"--file={dump}", connection.settings_dict["NAME"])
    indexing.drop(model)
    with database("restored", "template0") as name:
        run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={name}", str(dump))
        with connected_to(name):
            execute("ANALYZE")
            yield name, before


def test_a_restored_database_has_all_and_works(restored: tuple[str, dict[str, int]]) -> None:
    name, before = restored
    assert connection.settings_dict["NAME"] == name
    assert counts() == before
    assert before["track"] == 3 and before["playlist"] == 2 and before["embedding"] == 2

    assert titles("hopipola")[0] == "Hoppípolla"
    assert Archive.objects.public().by_paths({"artist": "sigur ros"}).count() == 1
    nearest = Interaction.objects.similar([1.0, 0.1], k=1).get()
    assert nearest.embeddings.get().values.tolist() == [1, 0]

    _triggers_work()
    for result in readiness.results(thorough=True):
        assert (result.name, str(result)) == (result.name, "ok")
    call_command("migrate", verbosity=0)
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def _triggers_work() -> None:
    Track.objects.create(title="Ágætis byrjun", artist_credit="Sigur Rós")
    assert titles("agaetis birjun")[0] == "Ágætis byrjun"
    assert Lexeme.objects.get(word="sigur").ndoc == 5
    archive = Archive.objects.get(visibility="private")
    archive.content = {"tracks": [{"artist": "Múm", "track": "Smell Memory"}] * 2}
    archive.save()
    archive.refresh_from_db()
    assert (archive.track_count, archive.revision) == (2, 2)
    interaction = Interaction.objects.order_by("pk").first()
    assert interaction is not None
    interaction.text = "something loud"
    interaction.save()
    assert interaction.embeddings.count() == 0
    owner: Any = archive.owner
    owner.delete()
    assert Interaction.objects.count() == 0
