"""Periods are there before they begin, nothing falls between them, and none goes unasked."""

import random
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import StringIO
from itertools import accumulate, islice, pairwise, repeat, takewhile
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction
from model_bakery import baker

from archives.models import Archive
from archives.partitions import PartitionError, Period, drop, is_ready, partitions, plan
from search.plans import plans_of
from vibomat.accounts.models import User
from vibomat.tests.databases import execute


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the month that it is for the partitions."""

    def set_month(year: int, month: int) -> None:
        monkeypatch.setattr(Period, "now", classmethod(lambda cls: cls(date(year, month, 1))))

    return set_month


@pytest.fixture
def undo(transactional_db: None) -> Iterator[None]:
    """The periods of today again, after what the test created."""
    before = {partition.name for partition in partitions()}
    yield
    execute("DELETE FROM playlist")
    for partition in partitions():
        if partition.name not in before:
            execute(f"ALTER TABLE playlist DETACH PARTITION {partition.name}")
            execute(f"DROP TABLE {partition.name}")
    plan().apply()


def id_at(*moment: int, random: int = 1) -> uuid.UUID:
    """A UUID of version 7 of that moment."""
    milliseconds = int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc,arg-type]
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | random)


def place(pk: uuid.UUID) -> str:
    [(name,)] = execute("SELECT tableoid::regclass::text FROM playlist WHERE id = %s", [pk])
    return str(name)


def add(pk: uuid.UUID, **values: Any) -> Archive:
    archive = Archive.objects.create(pk=pk, name="Late", **values)
    connection.check_constraints()
    return archive


def names() -> list[str]:
    return [partition.name for partition in partitions() if partition.period]


def unvalidated() -> list[tuple[Any, ...]]:
    return execute("SELECT conname FROM pg_constraint WHERE contype = 'f' AND NOT convalidated")


def test_migrate_creates_the_quarters_of_this_month_and_three_more(db: None) -> None:
    month = Period.now()
    assert names() == sorted({Period.of(m.start, 3).name for m in following(month, 4)})
    assert plan().steps == ()


def following(period: Period, count: int) -> list[Period]:
    return list(islice(accumulate(repeat(period), lambda last, _: last.next), count))


def test_bounds_are_exact_and_leave_no_gap(db: None) -> None:
    quarter = Period(date(2026, 1, 1), 3)
    assert quarter.lower == uuid.UUID("019b76da-a800-0000-0000-000000000000")
    assert quarter.upper == quarter.next.lower == Period(date(2026, 4, 1)).lower
    create(Period.of(date(2040, 5, 1), 12))
    create(Period(date(2041, 1, 1)))
    create(Period(date(2041, 2, 1)))
    periods = [partition for partition in partitions() if partition.period]
    for earlier, later in pairwise(periods[-3:]):
        assert earlier.upper == later.lower
    for partition in periods:
        assert partition.lower is not None and partition.upper is not None
        first = partition.lower
        last = uuid.UUID(int=partition.upper.int - 1)
        add(first)
        add(last)
        assert (place(first), place(last)) == (partition.name, partition.name)


@pytest.mark.parametrize(
    ("day", "months", "name", "end"),
    [
        (date(2031, 2, 9), 1, "playlist_2031_02", date(2031, 3, 1)),
        (date(2031, 12, 9), 1, "playlist_2031_12", date(2032, 1, 1)),
        (date(2031, 3, 31), 3, "playlist_2031_q1", date(2031, 4, 1)),
        (date(2031, 10, 1), 3, "playlist_2031_q4", date(2032, 1, 1)),
        (date(2031, 12, 31), 12, "playlist_2031", date(2032, 1, 1)),
    ],
)
def test_periods_by_day_and_by_name(day: date, months: int, name: str, end: date) -> None:
    period = Period.of(day, months)
    assert (period.name, period.months, period.end) == (name, months, end)
    assert Period.named(name) == period
    assert period.start <= day < end


@pytest.mark.parametrize(
    "name", ["playlist_2031_00", "playlist_2031_13", "playlist_2031_q5", "playlist_31", "playlist"]
)
def test_what_is_no_name_of_a_period(name: str) -> None:
    assert Period.named(name) is None


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        (12, ["2030", "2031"]),
        (3, ["2030_q4", "2031_q1"]),
        (1, ["2030_11", "2030_12", "2031_01", "2031_02"]),
    ],
)
def test_the_first_periods_are_as_long_as_set(
    db: None, now: Any, settings: Any, months: int, expected: list[str]
) -> None:
    for name in names():
        execute(f"ALTER TABLE playlist DETACH PARTITION {name}")
    now(2030, 11)
    settings.ARCHIVE_PARTITION_MONTHS = months
    assert planned() == [f"playlist_{name}" for name in expected]
    assert planned(ahead=0) == [f"playlist_{expected[0]}"]


def planned(ahead: int | None = None) -> list[str]:
    return [str(step).split()[1] for step in plan(ahead).steps]


def test_periods_between_the_last_and_now_come_too(db: None, now: Any, settings: Any) -> None:
    now(2031, 1)
    last = partitions()[-3].period
    assert last is not None
    between = takewhile(
        lambda p: p.start < date(2031, 6, 1),
        accumulate(repeat(Period(last.end, 3)), lambda p, _: p.next),
    )
    assert planned() == [quarter.name for quarter in between]
    settings.ARCHIVE_PARTITION_MONTHS = 12
    assert planned()[-1] == "playlist_2031"


def test_years_begin_where_months_end(db: None, now: Any, settings: Any) -> None:
    settings.ARCHIVE_PARTITION_MONTHS = 12
    create(Period(date(2040, 4, 1)))
    create(Period(date(2040, 5, 1)))
    now(2040, 5)
    months = ["2040_06", "2040_q3", "2040_q4", "2041"]
    assert planned(ahead=8) == [f"playlist_{name}" for name in months]
    # In the time of another, a period is shorter.
    create(Period(date(2041, 2, 1)))
    months = ["2041_01", "2041_03"]
    assert planned(ahead=10)[3:] == [f"playlist_{name}" for name in months]


def test_a_partition_of_when_all_were_months_is_a_period(db: None) -> None:
    create(Period(date(2040, 5, 1)))
    execute("COMMENT ON TABLE playlist_2040_05 IS 'A month of archives'")
    assert "playlist_2040_05" in names()
    execute("COMMENT ON TABLE playlist_2040_05 IS 'mine'")
    assert "playlist_2040_05" not in names()


def test_what_belongs_to_a_month_moves_there_out_of_the_default(db: None) -> None:
    owner = baker.make(User)
    source = add(id_at(2040, 5, 1), owner=owner, content={"tracks": [{"duration_ms": 5}]})
    for _ in range(3):
        source.save()
    derived = add(id_at(2040, 5, 31, 23, 59, 59), derived_from=source)
    outside = add(uuid.uuid4(), derived_from=derived)
    stray = add(uuid.UUID(int=Period(date(2040, 5, 1)).lower.int | 4 << 76 | 2 << 62))
    later, earlier = add(id_at(2040, 6, 1)), add(id_at(2040, 4, 30, 23, 59, 59))
    moved = [source, derived, stray]
    everything = [*moved, later, earlier]
    assert {place(archive.pk) for archive in everything} == {"playlist_default"}
    before = rows()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Period, "now", classmethod(lambda cls: cls(date(2040, 5, 1))))
        # As if months had been created until then.
        create(Period(date(2040, 4, 1)))
        work = plan(ahead=0)
        assert "and move 3 rows there from playlist_default" in str(work)
        work.apply()
        assert plan(ahead=0).steps == ()
    assert {place(archive.pk) for archive in moved} == {"playlist_2040_05"}
    assert (place(later.pk), place(earlier.pk)) == ("playlist_default", "playlist_2040_04")
    assert rows() == before
    assert unvalidated() == []
    assert Archive.objects.get(pk=outside.pk).derived_from == derived
    with pytest.raises(IntegrityError):
        Archive.objects.filter(pk=outside.pk).update(derived_from=uuid.uuid4())
        connection.check_constraints()


def rows() -> list[tuple[Any, ...]]:
    return execute("SELECT id, to_jsonb(p)::text FROM playlist AS p ORDER BY id")


def create(period: Period) -> None:
    from archives.partitions.creating import CreatePeriod, Plan

    Plan((CreatePeriod(period, 0),)).apply()


def test_ids_far_away_are_kept_in_the_default_partition(db: None) -> None:
    for pk in (id_at(1970, 1, 1), id_at(2020, 1, 1), id_at(2099, 1, 1), uuid.UUID(int=0)):
        assert place(add(pk).pk) == "playlist_default"
        assert Archive.objects.get(pk=pk).name == "Late"
    assert place(add(uuid.UUID(int=2**128 - 1)).pk) == "playlist_random"
    assert Archive.objects.count() == 5


def test_two_at_once_create_each_month_once(undo: None) -> None:
    barrier = threading.Barrier(2)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work = plan(ahead=60)
            assert len(work.steps) >= 4
            barrier.wait()
            work.apply()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(names()) == len({Period.of(m.start, 3) for m in following(Period.now(), 61)})


def test_a_writer_in_a_transaction_is_waited_for(undo: None) -> None:
    began, go = threading.Event(), threading.Event()
    pk = id_at(2040, 5, 2)

    def write() -> None:
        with transaction.atomic():
            Archive.objects.create(pk=pk, name="Late")
            began.set()
            go.wait(10)
        connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    began.wait(10)
    threading.Timer(0.5, go.set).start()
    create(Period(date(2040, 5, 1)))
    thread.join()
    assert place(pk) == "playlist_2040_05"


def test_a_writer_that_is_waited_for_may_read_the_default_partition(undo: None) -> None:
    def attach() -> None:
        create(Period(date(2040, 5, 1)))
        connections.close_all()

    thread = threading.Thread(target=attach)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            Archive.objects.create(name="Mine")
            thread.start()
            waiting = False
            while thread.is_alive() and not waiting:
                cursor.execute(
                    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted "
                    "AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
                )
                (waiting,) = cursor.fetchone()
            assert waiting
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
            assert Archive.objects.filter(description="").count() == 1
    finally:
        thread.join()
    assert "playlist_2040_05" in names()


def test_a_foreign_partition_in_the_way_is_told_and_left(db: None) -> None:
    upper = partitions()[-3].upper
    execute(
        f"CREATE TABLE theirs PARTITION OF playlist FOR VALUES FROM ('{upper}') TO "
        "('02000000-0000-0000-0000-000000000000')"
    )
    with pytest.raises(PartitionError, match="theirs has ids that belong"):
        plan(ahead=40)
    with pytest.raises(PartitionError, match="theirs is no period that this project made"):
        drop("theirs")


def test_nothing_is_dropped_but_a_month_of_ours_that_is_over(db: None, now: Any) -> None:
    execute("CREATE TABLE playlist_2020_01 (id uuid)")
    for name in ("playlist_default", "playlist_random"):
        with pytest.raises(PartitionError, match="is never dropped"):
            drop(name)
    for name in ("playlist", "playlist_2020_01", "track", "x; DROP TABLE playlist"):
        with pytest.raises(PartitionError, match="There is no partition called"):
            drop(name)
    with pytest.raises(PartitionError, match="is not over yet"):
        drop(Period.of(Period.now().start, 3).name)
    current = Period.of(Period.now().start, 3)
    now(2050, 1)
    execute(f"COMMENT ON TABLE {current.name} IS 'mine'")
    with pytest.raises(PartitionError, match="is never dropped"):
        drop(current.name)


def test_a_dropped_month_leaves_older_ids_and_whatever_referred_to_it(db: None, now: Any) -> None:
    create(Period(date(2024, 3, 1)))
    going = add(id_at(2024, 3, 5))
    inside = add(id_at(2024, 3, 6), derived_from=going)
    stray_id = uuid.UUID(int=Period(date(2024, 3, 1)).lower.int | 4 << 76 | 2 << 62 | 9)
    stray = add(stray_id, derived_from=going, content={"tracks": [{"duration_ms": 5}]})
    outside = add(uuid.uuid4(), derived_from=going)
    of_stray = add(id_at(2020, 1, 1), derived_from=stray)
    work = drop("playlist_2024_03")
    assert str(work).splitlines()[0].startswith("Drop playlist_2024_03: 2 archives, ")
    assert str(work).splitlines()[1:] == [
        "1 with ids older than version 7 move to playlist_default",
        "2 archives refer to them and are kept without that",
    ]
    work.apply()
    assert "playlist_2024_03" not in names()
    assert not Archive.objects.filter(pk__in=[going.pk, inside.pk]).exists()
    assert place(stray.pk) == "playlist_default"
    found = Archive.objects.get(pk=stray.pk)
    assert (found.derived_from, found.track_count, found.total_duration_ms) == (None, 1, 5)
    assert Archive.objects.get(pk=outside.pk).derived_from is None
    assert Archive.objects.get(pk=of_stray.pk).derived_from == stray
    assert unvalidated() == []
    # What comes late for a month that is gone is kept too.
    assert place(add(id_at(2024, 3, 7)).pk) == "playlist_default"
    assert "playlist_2024_03" not in str(plan())


def test_a_month_that_an_unknown_table_refers_to_is_not_dropped(db: None) -> None:
    create(Period(date(2024, 3, 1)))
    going = add(id_at(2024, 3, 5))
    execute("CREATE TABLE theirs (archive_id uuid REFERENCES playlist)")
    assert drop("playlist_2024_03").rows == 1
    execute("INSERT INTO theirs VALUES (%s)", [going.pk])
    with pytest.raises(PartitionError, match="Rows of theirs refer to archives"):
        drop("playlist_2024_03")


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("archive_partitions", *arguments, stdout=output)
    return output.getvalue()


def test_the_command_plans_applies_lists_and_drops(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("plan") == "Nothing to do\n"
    there = len(names())
    assert run("plan", "--ahead", "36").count("Create playlist_") == 13 - there
    assert run("apply", "--ahead", "36").count("Create playlist_") == 13 - there
    assert run("apply", "--ahead", "36") == "Nothing to do\n"
    lines = run("status").splitlines()
    assert lines[0].split() == ["partition", "ids", "from", "to", "before", "rows,", "about", "MB"]
    assert len(lines) == 1 + 15 + 2
    with pytest.raises(CommandError, match="a number of months from 0 to 120"):
        run("plan", "--ahead", "-1")
    with pytest.raises(CommandError, match="is never dropped"):
        run("drop", "playlist_default", "--yes")
    create(Period(date(2024, 3, 1)))
    monkeypatch.setattr("builtins.input", lambda prompt: "y")
    with pytest.raises(CommandError, match="Nothing was dropped"):
        run("drop", "playlist_2024_03")
    assert "playlist_2024_03" in names()
    monkeypatch.setattr("builtins.input", lambda prompt: "playlist_2024_03")
    assert run("drop", "playlist_2024_03").splitlines()[-1] == "Dropped playlist_2024_03"


def test_a_table_that_is_not_partitioned_is_told(db: None) -> None:
    execute("ALTER TABLE playlist RENAME TO elsewhere")
    execute("CREATE TABLE playlist (id uuid)")
    assert not is_ready()
    with pytest.raises(CommandError, match="run migrate"):
        run("plan")


@pytest.fixture
def many(db: None) -> list[User]:
    """Archives of five years, of two owners, with partitions for two of them."""
    for year, month in ((2024, 3), (2024, 4), (2025, 1)):
        create(Period(date(year, month, 1)))
    owners = baker.make(User, _quantity=2)
    start = datetime(2023, 1, 1, tzinfo=UTC)
    Archive.objects.bulk_create(
        (
            Archive(
                pk=uuid.UUID(int=int(moment.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | n),
                name=f"Mix {n}",
                owner=owners[n % 40 == 0],
                created=moment,
                visibility="public" if n % 50 == 0 else "private",
                content={"tracks": [{"artist": "Air", "track": f"Track {n}"}]},
            )
            for n, moment in ((n, start + timedelta(hours=21 * n)) for n in range(2000))
        ),
        batch_size=1000,
    )
    choose = random.Random(5)
    Archive.objects.bulk_create(
        Archive(
            pk=uuid.UUID(int=choose.getrandbits(128), version=4), name=f"Mix {n}", owner=owners[0]
        )
        for n in range(700)
    )
    connection.check_constraints()
    execute("ANALYZE playlist")
    return owners


def test_archives_are_found_by_index(many: list[User]) -> None:
    pk = Archive.objects.filter(pk__gte=id_at(2024, 3, 1)).order_by("pk").values("pk")[0]["pk"]
    [lookup] = plans_of(lambda: Archive.objects.get(pk=pk))
    assert "playlist_2024_03_pkey" in lookup
    assert lookup.count("Scan") == 1

    newest = Archive.objects.owned_by(many[1]).order_by("-created", "-id")[:20]
    public = Archive.objects.public().order_by("-created", "-id")[:20]
    copies = Archive.objects.filter(derived_from=uuid.uuid4())
    for query, index in [(newest, "user_id_created_id"), (public, "created_id")]:
        [text] = plans_of(partial(list, query))
        assert f"playlist_default_{index}_idx" in text
        assert "Merge Append" in text
        assert "Seq Scan" not in text
        assert "Sort  (" not in text
    [text] = plans_of(lambda: list(copies))
    assert "playlist_default_source_id_idx" in text
    assert "Seq Scan" not in text
