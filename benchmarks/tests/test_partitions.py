"""manage.py benchmark partitions: it measures, and leaves nothing behind."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from benchmarks import sql
from benchmarks.layout_measures import Measurement, Results
from benchmarks.layouts import Layout, by_months, by_owner, schema, unpartitioned
from benchmarks.population import MONTHS, Population, first_of_month, make_entries

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.now(UTC)
SINCE = first_of_month(NOW, 1 - MONTHS)


def schema_exists() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [sql.SCHEMA])
        return bool(cursor.fetchone()[0])


def measurement(size: int, repeats: int = 3) -> Measurement:
    layouts = [unpartitioned(), by_months(SINCE, 12), by_owner(4)]
    population = Population(make_entries(1, playlists=50), 3, SINCE, NOW, seed=1)
    return Measurement(layouts, population, size, repeats)


@pytest.fixture
def playlists(tmp_path: Path) -> Path:
    path = tmp_path / "playlists.jsonl"
    path.write_text(json.dumps({"tracks": [{"artist": "Air", "title": "Run"}] * 100}))
    return path


@pytest.fixture(scope="module")
def measured(django_db_setup: None, django_db_blocker) -> tuple[list[Layout], Results]:  # type: ignore[no-untyped-def]
    with django_db_blocker.unblock():
        measuring = measurement(2_000)
        with schema():
            results = measuring.run()
        connection.close()
    return list(measuring.layouts), results


def test_the_command_measures_and_cleans_up(
    playlists: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command(
        "benchmark", "partitions", playlists=playlists, sizes="500,600", tracks=3, repeats=2
    )
    printed = capsys.readouterr().out
    assert printed.startswith("Takes up to 0.0 GB of the database's disk")
    for expected in (
        "500 archives: p50 / p95, ms", "600 archives: sizes", "RANGE id, month (62)",
        "HASH owner (16)", "owner's newest 20, in branches", "lookup by id", "rare artist",
        "VACUUM", "drop the oldest year", "GIN index", "10,000,000: 200,000,000 archives",
    ):  # fmt: skip
        assert expected in printed
    assert not schema_exists()


def test_only_partitions_by_time_are_asked_in_branches(
    measured: tuple[list[Layout], Results],
) -> None:
    (_, months, _), results = measured
    assert list(results.milliseconds["owner's newest 20, in branches"]) == [months]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": "5"}, "--sizes: 5 is not between 100 and 5,000,000."),
        ({"sizes": "1000,many"}, "--sizes: '1000,many' is no list of whole numbers like 100,300."),
        ({"sizes": ""}, "--sizes: '' is no list of whole numbers like 100,300."),
        ({"tracks": 0}, "--tracks: 0 is not between 1 and 200."),
        ({"months": "5"}, "--months: 5 months don't divide a year."),
        ({"months": "0"}, "--months: 0 is not between 1 and 12."),
        ({"repeats": -1}, "--repeats: -1 is not between 1 and 10,000."),
        ({"playlists": Path("/nowhere")}, "Cannot read /nowhere: No such file or directory."),
    ],
)
def test_nonsense_is_refused_in_one_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("benchmark", "partitions", **options)
    assert str(refused.value) == message
    assert not schema_exists()


def test_too_little_disk_is_told_before_anything_is_built(
    playlists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "folder" not in connection.settings_dict["OPTIONS"]:
        pytest.skip("the disk of another server isn't known")
    disk = SimpleNamespace(free=10**9)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: disk)
    with pytest.raises(CommandError, match=r"Only 1\.0 GB of 11\.7 are free"):
        call_command("benchmark", "partitions", playlists=playlists, sizes="1000000")


def test_an_interruption_drops_what_was_built(
    playlists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: Measurement, cursor: object) -> None:
        assert schema_exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(Measurement, "_vacuum", interrupt)
    with pytest.raises(CommandError, match="Interrupted") as interrupted:
        call_command("benchmark", "partitions", playlists=playlists, sizes="100", repeats=1)
    assert interrupted.value.returncode == 130
    assert not schema_exists()


def test_what_a_killed_run_left_is_replaced() -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.CREATE_SCHEMA)
        cursor.execute(f"CREATE TABLE {sql.SCHEMA}.whole ()")
    with schema(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f"{sql.SCHEMA}.whole"])
        assert cursor.fetchone() == (None,)
    assert not schema_exists()


def test_two_at_once_are_refused(playlists: Path) -> None:
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(sql.TRY_LOCK)
        with pytest.raises(CommandError, match="Another benchmark of partitions is running"):
            call_command("benchmark", "partitions", playlists=playlists, sizes="100")
    finally:
        other.close()


def test_a_database_error_is_one_line(playlists: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "VACUUM_ANALYZE", "VACUUM (ANALYZE) {table}, nowhere")
    with pytest.raises(CommandError) as refused:
        call_command("benchmark", "partitions", playlists=playlists, sizes="100")
    assert str(refused.value) == 'The database refused: relation "nowhere" does not exist.'
    assert not schema_exists()


def test_layouts_that_answer_differently_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "FILL_FROM", sql.FILL_FROM + " AND track_count <> 2")
    with schema(), pytest.raises(CommandError, match="The layouts give different answers"):
        measurement(500, repeats=50).run()


def test_ids_find_their_partition_by_range_and_owners_theirs_by_hash(
    measured: tuple[list[Layout], Results],
) -> None:
    (whole, months, owners), results = measured
    read = {
        title: tuple(plans[layout][1] for layout in (whole, months, owners))
        for title, plans in results.plans.items()
    }
    assert read == {
        "owner's newest 20": (1, 7, 1),
        "newest 20 public": (1, 7, 4),
        "newest 20 public, of two months": (1, 3, 4),
        "lookup by id": (1, 1, 4),
        "lookup by id and owner": (1, 1, 1),
        "rare artist, newest 50": (1, 7, 4),
        "mood of one in 20, newest 50": (1, 7, 4),
    }


def test_only_range_partitions_give_the_oldest_year_back(
    measured: tuple[list[Layout], Results],
) -> None:
    (whole, months, owners), results = measured
    given_back = results.figures["both give back to the disk, MB"]
    assert float(given_back[months]) > 0.2
    assert float(given_back[whole]) == float(given_back[owners]) == 0.0


def test_every_query_uses_an_index_in_every_partition_with_rows() -> None:
    measuring = measurement(6_000)
    with schema(), connection.cursor() as cursor:
        measuring._build(cursor)
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 0")
        filled = {name for (name,) in cursor.fetchall()}
        for question in measuring.questions():
            for layout in measuring.layouts:
                cursor.execute(
                    "EXPLAIN " + question.statement.format(table=layout.name),
                    question.parameters[0],
                )
                scanned = {
                    line.partition("Seq Scan on ")[2].split(" ")[0]
                    for (line,) in cursor.fetchall()
                    if "Seq Scan on " in line
                }
                assert not scanned & filled, f"{question.title}, {layout.title}"
