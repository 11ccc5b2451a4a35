"""Loading made archives into the benchmark's database."""

import hashlib
import json
import uuid
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from tqdm import tqdm

from archives.models import Archive
from archives.partitions import CreatePeriod, Drop, Period, Plan, partitions
from benchmarks import archives_sql as sql
from benchmarks.made_archives import YEARS, Made, Recipe
from vibomat import timeouts

COLUMNS = (
    "id, user_id, name, description, visibility, status, provider, provider_id, created, "
    "deleted_at, content"
)


def prepared_for(recipe: Recipe) -> Recipe:
    """The recipe that the database is being filled by, if it differs in time only; else the
    database is emptied for this one."""
    with connection.cursor() as cursor:
        cursor.execute(sql.CREATE_LOADED)
        cursor.execute(sql.MADE_BY)
        until, made_by = (cursor.fetchone()[0] or "\n").split("\n")
        wanted = f"{recipe.count} {recipe.owners} {recipe.seed} {len(recipe.real)}"
        if made_by == wanted:
            return replace(recipe, until=datetime.fromisoformat(until))
        cursor.execute(sql.EMPTY)
        for partition in partitions():
            # Made by `migrate`; empty by now.
            if partition.period and partition.period.months != settings.ARCHIVE_PARTITION_MONTHS:
                Drop(partition, partition.period, 0, 0, ()).apply()
        cursor.execute(sql.NOTE_MADE_BY.format(f"{recipe.until.isoformat()}\n{wanted}"))
        return recipe


def load(recipe: Recipe, processes: int) -> None:
    """Fill the database with what the recipe makes, going on where an earlier load was left."""
    with connection.cursor() as cursor:
        cursor.execute(sql.LOADED)
        done = {chunk for (chunk,) in cursor.fetchall()}
        cursor.execute(sql.ADD_OWNERS, [recipe.owners])
    _create_periods(recipe)
    if not done:
        _drop_slow_indexes()
    left = [chunk for chunk in range(recipe.chunks) if chunk not in done]
    connection.close()
    with (
        ProcessPoolExecutor(processes) as pool,
        tqdm(total=recipe.chunks, initial=len(done), unit=" chunks", disable=None) as bar,
    ):
        loads = [pool.submit(load_chunk, recipe, chunk) for chunk in left]
        try:
            for finished in as_completed(loads):
                finished.result()
                bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    with timeouts.lifted():
        _create_slow_indexes()
        if left:
            with connection.cursor() as cursor:
                cursor.execute(sql.VACUUM)


def load_chunk(recipe: Recipe, chunk: int) -> None:
    with (
        timeouts.lifted(),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        with cursor.copy(f"COPY playlist ({COLUMNS}) FROM STDIN") as copy:
            for archive in recipe.chunk(chunk):
                copy.write_row(row(archive))
        cursor.execute(sql.ADD_LOADED, [chunk])


def row(made: Made) -> tuple[object, ...]:
    return (
        made.id,
        owner_id(made.owner),
        made.name,
        made.description,
        made.visibility,
        made.status,
        made.provider,
        made.provider_id,
        made.created,
        made.deleted,
        json.dumps(made.content, ensure_ascii=False),
    )


def owner_id(number: int) -> uuid.UUID:
    return uuid.UUID(hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest())


# Built at the end in a fifth of the time that they take row by row.
SLOW = [i for i in Archive._meta.indexes if i.name in ("archive_words", "archive_search")]


def _drop_slow_indexes() -> None:
    with connection.schema_editor() as editor:
        for index in SLOW:
            editor.execute(f"DROP INDEX IF EXISTS {editor.quote_name(index.name)}")


def _create_slow_indexes() -> None:
    with connection.cursor() as cursor:
        there = connection.introspection.get_constraints(cursor, Archive._meta.db_table)
    for index in SLOW:
        if index.name not in there:
            with connection.schema_editor() as editor:
                editor.execute("SET LOCAL maintenance_work_mem = '1GB'")
                editor.add_index(Archive, index)


def _create_periods(recipe: Recipe) -> None:
    there = {partition.name for partition in partitions()}
    missing = []
    first = (recipe.until - timedelta(days=366 * YEARS)).date()
    period = Period.of(first, settings.ARCHIVE_PARTITION_MONTHS)
    while period.start <= Period.now().start:
        if period.name not in there:
            missing.append(CreatePeriod(period, 0))
        period = period.next
    Plan(tuple(missing)).apply()
