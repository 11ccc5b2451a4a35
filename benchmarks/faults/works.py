"""The long work that faults break into, and how to tell that all of it was done, and once."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from benchmarks.faults import witness
from benchmarks.faults.site import Site
from benchmarks.made_archives import CHUNK, Recipe

OWNER = "ann@example.org"
OLDER = {
    "embeddings": "0001_initial",
    "archives": "0001_initial",
    "search": "0001_initial",
    "accounts": "0001_initial",
}

PREPARE = f"""
from embeddings.models import Interaction
from vibomat.accounts.models import User
User.objects.create_user({OWNER!r}, handle="ann")
Interaction.objects.bulk_create(
    [Interaction(text=f"music for evening {{n}} and {{n % 91}}") for n in range({{prompts}})],
    batch_size=1000,
)
"""

TRACKS = """
SELECT external_id, title, artist_credit, album, year, duration_ms, popularity, title_key,
    credit_key, search_vector FROM track
"""
ARTISTS = "SELECT name, name_key, popularity, search_vector FROM artist"
LINKS = """
SELECT track.external_id, name, position FROM search_trackartist
JOIN track ON track.id = track_id JOIN artist ON artist.id = artist_id
"""
VOCABULARY = """
SELECT word, sum(n) FROM (
    SELECT word, ndoc AS n FROM search_lexeme UNION ALL SELECT word, change FROM search_lexemechange
) AS counts GROUP BY word HAVING sum(n) <> 0
"""
ARCHIVES = """
SELECT name, description, visibility, provider, provider_id, content, track_count, revision,
    total_duration_ms FROM playlist
"""
VECTORS = """
SELECT text, name, state, dimensions, vector::text FROM interaction
LEFT JOIN embedding ON interaction_id = interaction.id
LEFT JOIN embedding_model ON embedding_model.id = model_id
"""
INVALID_INDEXES = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, column_default
FROM information_schema.columns WHERE table_schema = 'public'
"""
DEFINITIONS = """
SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
"""
APPLIED = "SELECT app, name FROM django_migrations"
KEPT_ROWS = 'SELECT (SELECT count(*) FROM "user"), (SELECT count(*) FROM track)'


@dataclass(frozen=True)
class Work:
    """A command of manage.py. `half_written` counts what only a part of a batch can explain: none,
    whenever it is asked. `result` are queries whose rows are the same however often the work was
    broken off. `doctor` says whether the site is whole in between."""

    name: str
    arguments: tuple[str, ...]
    half_written: str
    result: Sequence[str]
    doctor: bool = True

    @property
    def command(self) -> str:
        return self.arguments[0]


PARTITIONS = Work(
    "partitions",
    ("archive_partitions", "apply", "--ahead", "24"),
    "SELECT 0",
    ["SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition"],
)


def result_of(work: Work, site: Site) -> list[tuple[object, ...]]:
    """The number of rows of each query, and a digest of them."""
    digest = "SELECT count(*), md5(string_agg(r::text, E'\\n' ORDER BY r::text)) FROM ({}) AS r"
    return [site.execute(digest.format(query))[0] for query in work.result]


@dataclass(frozen=True)
class Sizes:
    tracks: int
    archives: int
    prompts: int


def works(folder: Path, sizes: Sizes) -> list[Work]:
    """The works, and the files in the folder which they read."""
    recipe = Recipe(CHUNK, 10, datetime(2026, 1, 1, tzinfo=UTC))
    catalogue, playlists = folder / "catalogue.tsv", folder / "playlists.jsonl"
    draw = random.Random(3)
    with catalogue.open("w") as file:
        file.write("id\ttitle\tartist\talbum\n")
        for n in range(sizes.tracks):
            track = recipe.track(n)
            guest = f" feat. {recipe.track(draw.randrange(1000)).artist}" if n % 9 == 0 else ""
            file.write(f"{n}\t{track.title}\t{track.artist}{guest}\t{track.album}\n")
    with playlists.open("w") as file:
        for n, made in enumerate(islice(recipe.chunk(0), sizes.archives)):
            file.write(json.dumps({"public": n % 2 == 0, **made.content}) + "\n")
    return [
        Work(
            "catalogue import",
            ("import_catalogue", str(catalogue), "--no-progress"),
            # Every line is a track with an artist; the heading is a line too.
            "SELECT (SELECT count(*) FROM track) - coalesce(max(line) - 1, 0)"
            " + (SELECT count(*) FROM track WHERE NOT EXISTS ("
            " SELECT FROM search_trackartist WHERE track_id = track.id))"
            " FROM search_catalogueimport WHERE line > 0",
            [TRACKS, ARTISTS, LINKS, VOCABULARY, INVALID_INDEXES],
        ),
        Work(
            "archive import",
            ("import_archives", str(playlists), "--owner", OWNER, "--no-progress"),
            "SELECT count(*) FROM playlist FULL JOIN archive_import ON archive_id = playlist.id"
            " WHERE playlist.id IS NULL OR archive_id IS NULL",
            [ARCHIVES, INVALID_INDEXES],
        ),
        Work(
            "embedding run",
            ("embed", "--no-progress"),
            "SELECT count(*) - count(DISTINCT interaction_id) FROM embedding",
            [VECTORS, INVALID_INDEXES],
        ),
        Work(
            "migration",
            ("migrate", "--verbosity", "0"),
            f"SELECT (u <> 1)::int + (t <> {sizes.tracks})::int FROM ({KEPT_ROWS}) AS kept (u, t)",
            [TRACKS, ARTISTS, ARCHIVES, VECTORS, COLUMNS, DEFINITIONS, APPLIED, INVALID_INDEXES],
            doctor=False,
        ),
    ]


def migrated(folder: Path, sizes: Sizes) -> Site:
    """A site with a user and prompts without vectors."""
    site = Site(folder)
    folder.mkdir()
    site.run("migrate", "--verbosity", "0")
    site.execute(witness.TABLE)
    site.run("shell", "--no-imports", "-c", PREPARE.replace("{prompts}", str(sizes.prompts)))
    return site


def on_older_schema(site: Site, folder: Path, doing: Sequence[Work]) -> Site:
    """A copy of the site in which the works were done, migrated back to where the project began."""
    older = site.copy(folder)
    for work in doing:
        if work.doctor:
            older.run(*work.arguments)
    for app, name in OLDER.items():
        older.run("migrate", app, name, "--verbosity", "0")
    return older
