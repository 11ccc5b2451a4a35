"""Importing files as archives: all of it, once, whatever happens on the way."""

import io
import json
import os
import re
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import QuerySet

from archives import explaining, formats, importing
from archives.content import MAX_TRACKS
from archives.formats import Format, Playlist, Skipped
from archives.importing import load, sql
from archives.models import Archive, ImportedPlaylist
from archives.tests.older import OLDER
from archives.tests.playlists import written
from vibomat.accounts.models import User
from vibomat.tests.migrating import migrate

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("ann@example.org", handle="ann")


def playlist(name: str = "Late", tracks: int = 2, **values: Any) -> Playlist:
    content = {
        "name": name,
        "tracks": [
            {"artist": "Air", "track": f"Number {number}", "duration_ms": 1000}
            for number in range(tracks)
        ],
    }
    return Playlist(content, **values)


def run(path: Path, owner: str = "ann", **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    options = {"no_progress": True, **options}
    call_command("import_archives", path, owner=owner, stdout=out, stderr=err, **options)
    return out.getvalue().strip(), err.getvalue().strip()


def file(tmp_path: Path, *playlists: Playlist, format: Format = Format.VIBOMAT) -> Path:
    path = tmp_path / f"Late Night.2026{format.suffix}"
    path.write_bytes(written(list(playlists), format))
    return path


def test_a_playlist_becomes_an_archive(owner: User) -> None:
    created = datetime(2020, 5, 1, tzinfo=UTC)
    given = Playlist(
        {"name": "Late", "description": "at night", "tracks": [{"artist": "Air"}], "mine": 1},
        "unlisted",
        "spotify",
        "37i9",
        created,
    )
    report = importing.import_playlists([given], owner)
    archive = Archive.objects.get()
    assert (archive.owner, archive.name, archive.description) == (owner, "Late", "at night")
    assert (archive.visibility, archive.status) == ("unlisted", "draft")
    assert (archive.provider, archive.provider_id, archive.created) == ("spotify", "37i9", created)
    assert archive.content == given.content
    assert archive.track_count == 1
    assert (report.created, report.tracks, report.unchanged) == (1, 1, 0)


def test_a_playlist_without_name_visibility_or_time_gets_the_files_the_options_and_now(
    owner: User,
) -> None:
    nameless = [Playlist({"name": " ", "tracks": [{"artist": "Air"}]})]
    importing.import_playlists(nameless, owner, name="Late Night", visibility="public")
    importing.import_playlists([Playlist({"tracks": [{"artist": "Moby"}]})], owner)
    late, other = Archive.objects.order_by("id")
    assert (late.name, late.visibility) == ("Late Night", "public")
    assert (other.name, other.visibility) == ("Untitled", "private")
    assert abs((late.created - datetime.now(UTC)).total_seconds()) < 60


def test_what_an_archive_has_no_room_for_is_cut_or_left_out_and_reported(owner: User) -> None:
    given = playlist("n" * 1500, provider="p" * 51, provider_id="1" * 256)
    given.content["description"] = "d" * 20_000  # type: ignore[index]
    report = importing.import_playlists([given], owner)
    archive = Archive.objects.get()
    assert archive.name == "n" * 999 + "…" and archive.content["name"] == "n" * 1500
    assert len(archive.description) == 10_000
    assert (archive.provider, archive.provider_id) == ("", "")
    assert [str(skipped) for skipped in report.skipped] == [
        "playlist 0, name: is longer than 1,000 characters; it is cut",
        "playlist 0, description: is longer than 10,000 characters; it is cut",
        "playlist 0, provider: is longer than 50 characters",
        "playlist 0, provider_id: is longer than 255 characters",
    ]
    assert report.values_skipped == 4


@pytest.mark.parametrize(("year", "reason"), [(2999, "in the future"), (1969, "before 1970")])
def test_a_time_of_creation_that_no_id_carries_is_now_and_reported(
    owner: User, year: int, reason: str
) -> None:
    given = playlist(created=datetime(year, 12, 31, 23, 59, tzinfo=UTC))
    report = importing.import_playlists([given], owner)
    assert abs((Archive.objects.get().created - datetime.now(UTC)).total_seconds()) < 60
    assert [str(skipped) for skipped in report.skipped] == [
        f"playlist 0, created: is {reason}; the time of the import takes its place"
    ]
    assert report.values_skipped == 1


def test_the_first_moment_that_an_id_carries_is_kept(owner: User) -> None:
    report = importing.import_playlists([playlist(created=load.EPOCH)], owner)
    assert (Archive.objects.get().created, report.skipped) == (load.EPOCH, [])


def test_content_that_an_archive_refuses_is_skipped_with_the_reason(owner: User) -> None:
    wrong = Playlist({"name": "x", "tracks": [{"artist": "a", "duration_ms": -1}]}, index=3)
    long = playlist("long", tracks=MAX_TRACKS + 1)
    report = importing.import_playlists([wrong, playlist("fine"), long], owner)
    assert [archive.name for archive in Archive.objects.all()] == ["fine"]
    assert report.playlists_skipped == 2
    assert str(report.skipped[0]) == (
        "playlist 3: content: tracks[0].duration_ms: Enter a whole number of milliseconds, not -1."
    )
    assert "10,001 tracks; at most 10,000" in str(report.skipped[1])
    for refused in (wrong, playlist(provider="a\0")):
        with pytest.raises(ValidationError):
            importing.archive_of(refused, owner)


def test_a_second_run_changes_nothing(owner: User, tmp_path: Path) -> None:
    path = file(tmp_path, playlist("a"), playlist("b"), playlist("b"))
    assert run(path)[0] == (
        "Archives: 3 new with 6 tracks, 0 unchanged. Skipped: 0 playlists, 0 tracks, 0 values."
    )
    before = list(Archive.objects.order_by("id").values())
    assert run(path)[0].startswith("Archives: 0 new with 0 tracks, 3 unchanged.")
    assert list(Archive.objects.order_by("id").values()) == before
    assert ImportedPlaylist.objects.count() == 3


def test_another_owner_has_archives_of_their_own(owner: User, tmp_path: Path) -> None:
    User.objects.create_user("bob@example.org", handle="bob")
    path = file(tmp_path, playlist("a"))
    run(path)
    assert run(path, owner="bob")[0].startswith("Archives: 1 new")
    assert Archive.objects.count() == 2


def test_an_edited_archive_stays_edited_and_a_deleted_one_comes_back(
    owner: User, tmp_path: Path
) -> None:
    path = file(tmp_path, playlist("a"), playlist("b"), playlist("c"))
    run(path)
    Archive.objects.filter(name="a").update(name="mine")
    Archive.objects.filter(name="b").update(deleted=datetime.now(UTC))
    Archive.objects.get(name="c").delete()
    assert run(path)[0].startswith("Archives: 1 new with 2 tracks, 2 unchanged.")
    assert sorted(Archive.objects.values_list("name", flat=True)) == ["b", "c", "mine"]


def test_an_archive_deleted_behind_the_orms_back_comes_back_too(
    owner: User, tmp_path: Path
) -> None:
    path = file(tmp_path, playlist("a"))
    run(path)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM playlist")
    assert run(path)[0].startswith("Archives: 1 new")
    assert ImportedPlaylist.objects.get().archive == Archive.objects.get()


def test_what_was_exported_is_known_when_it_is_imported_again(owner: User, tmp_path: Path) -> None:
    nameless = file(tmp_path, Playlist({"tracks": [{"artist": "Air"}]}), format=Format.CSV)
    run(file(tmp_path, playlist("a"), playlist("b")))
    run(nameless)
    assert Archive.objects.filter(name="Late Night.2026").exists()
    call_command("export_archives", owner="ann", output=tmp_path / "out.json", stdout=io.StringIO())
    assert run(tmp_path / "out.json")[0].startswith("Archives: 0 new with 0 tracks, 3 unchanged.")
    one = Archive.objects.get(name="a")
    for format in ("jspf", "xspf"):
        path = tmp_path / format
        call_command("export_archives", one.pk, format=format, output=path, stdout=io.StringIO())
        assert run(path)[0].startswith("Archives: 0 new with 0 tracks, 1 unchanged.")
    Archive.objects.filter(pk=one.pk).update(name="mine")
    call_command("export_archives", one.pk, output=tmp_path / "mine", stdout=io.StringIO())
    assert run(tmp_path / "mine")[0].startswith("Archives: 1 new with 2 tracks, 0 unchanged.")


def test_a_batch_ends_with_the_playlist_that_fills_it(owner: User) -> None:
    half = load.BATCH_TRACKS // 2
    stored: list[list[Archive]] = []
    lists = [playlist(name, half) for name in "abc"]
    importing.import_playlists(lists, owner, stored=stored.append)
    assert [[archive.name for archive in batch] for batch in stored] == [["a", "b"], ["c"]]
    assert half * 4 <= MAX_TRACKS


def test_an_interrupted_import_goes_on(
    owner: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "BATCH_ARCHIVES", 2)
    names = [f"n{number}" for number in range(7)]
    path = file(tmp_path, *map(playlist, names))

    def interrupted(*args: Any) -> Any:
        for item in formats.read(path):
            assert isinstance(item, Playlist)
            if item.index == 5:
                raise KeyboardInterrupt
            yield item

    with pytest.raises(KeyboardInterrupt):
        importing.import_playlists(interrupted(), owner)
    assert Archive.objects.count() == 4
    assert run(path)[0].startswith("Archives: 3 new with 6 tracks, 4 unchanged.")
    assert sorted(Archive.objects.values_list("name", flat=True)) == names


@pytest.mark.django_db(transaction=True)
def test_a_killed_import_goes_on(
    owner: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "BATCH_ARCHIVES", 2)
    names = [f"n{number}" for number in range(7)]
    path = file(tmp_path, *map(playlist, names))
    connection.close()
    child = os.fork()
    if child == 0:
        # Killed within the third batch's transaction.
        batches = iter(range(3))
        bulk_create = QuerySet.bulk_create

        def killed(queryset: Any, archives: Any) -> None:
            bulk_create(queryset, archives)
            if next(batches) == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        monkeypatch.setattr(QuerySet, "bulk_create", killed)
        try:
            importing.import_file(path, owner)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert Archive.objects.count() == ImportedPlaylist.objects.count() == 4
    assert run(path)[0].startswith("Archives: 3 new with 6 tracks, 4 unchanged.")
    assert sorted(Archive.objects.values_list("name", flat=True)) == names


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_store_each_playlist_once(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on = threading.Event(), threading.Event()
    bulk_create = QuerySet.bulk_create
    created = []

    def waiting(queryset: Any, archives: Any) -> None:
        inside.set()
        go_on.wait(20)
        bulk_create(queryset, archives)

    def import_it() -> None:
        try:
            created.append(importing.import_playlists([playlist()], owner).created)
        finally:
            connection.close()

    monkeypatch.setattr(QuerySet, "bulk_create", waiting)
    first, second = threading.Thread(target=import_it), threading.Thread(target=import_it)
    first.start()
    assert inside.wait(20)
    second.start()
    second.join(0.5)
    assert second.is_alive()
    go_on.set()
    first.join()
    second.join()
    assert sorted(created) == [0, 1]
    assert Archive.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_migrating_back_and_forth_forgets_no_import(owner: User, tmp_path: Path) -> None:
    path = file(tmp_path, playlist("a"), playlist("b"))
    run(path)
    migrate("archives", OLDER)
    # All apps: going back took those along that build on this one.
    migrate()
    assert run(path)[0].startswith("Archives: 0 new with 0 tracks, 2 unchanged.")


def test_a_batch_is_stored_whole_or_not_at_all(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "bulk_create", fails)
        with pytest.raises(RuntimeError):
            importing.import_playlists([playlist()], owner)
    assert not ImportedPlaylist.objects.exists()
    assert importing.import_playlists([playlist()], owner).created == 1


def test_what_stands_before_a_broken_place_is_stored(owner: User, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(b'[{"name": "a", "tracks": []}, {"name": ]')
    with pytest.raises(CommandError, match=rf"^{path} is no valid JSON \(Expecting value\)\.$"):
        run(path)
    assert Archive.objects.get().name == "a"


def test_what_is_skipped_is_told_and_written_to_a_file(owner: User, tmp_path: Path) -> None:
    path, log = tmp_path / "x.jsonl", tmp_path / "log"
    bad = {"name": "a", "tracks": [{"artist": "Air", "duration_ms": -1}, {}]}
    path.write_text("\n".join([*[json.dumps({**bad, "n": n}) for n in range(15)], "{", "{}"]))
    out, err = run(path, skipped=log)
    assert out == (
        "Archives: 15 new with 15 tracks, 0 unchanged. Skipped: 2 playlists, 15 tracks, 15 values."
    )
    told = log.read_text().splitlines()
    assert len(told) == 32
    assert told[0] == f"{path}: playlist 0, track 0, duration_ms: is negative"
    assert err.splitlines()[:20] == told[:20]
    assert "       15  has neither an artist nor a title" in err
    assert err.count("\n") < 30


def test_every_file_of_a_folder_is_imported(owner: User, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deeper").mkdir(parents=True)
    (folder / "a.xspf").write_bytes(written([playlist("a")], Format.XSPF))
    (folder / "deeper" / "Beach.csv").write_bytes(written([playlist("b")], Format.CSV))
    (folder / "deeper" / "notes.txt").write_text("hello")
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError, match=r"^1 of 3 files could not be read whole\.$"):
        call_command("import_archives", folder, owner="ann", stdout=out, stderr=err)
    assert err.getvalue().strip() == f"{folder}/deeper/notes.txt is in no format that is known."
    assert out.getvalue().startswith("Archives: 2 new with 4 tracks")
    assert sorted(Archive.objects.values_list("name", flat=True)) == ["Beach", "a"]


def test_a_file_without_a_name_inside_gives_its_own(owner: User, tmp_path: Path) -> None:
    data = written([Playlist({"tracks": [{"artist": "Air"}]})], Format.CSV)
    for number, name in enumerate([b"Mr. Scruff.csv", b"Vol. 2.csv.gz", b"plain", b"\xff.csv"]):
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        path.write_bytes(data.replace(b"Air", b"Air %d" % number))
        run(path, skipped=tmp_path / "log")
    assert sorted(Archive.objects.values_list("name", flat=True)) == [
        "?",
        "Mr. Scruff",
        "Vol. 2",
        "plain",
    ]


def test_an_owner_is_found_by_address_handle_or_id(owner: User, tmp_path: Path) -> None:
    path = file(tmp_path, playlist("a"))
    for who in ("ANN@EXAMPLE.ORG", "ann", str(owner.pk), owner.pk.hex):
        run(path, owner=who)
    assert set(Archive.objects.values_list("owner", flat=True)) == {owner.pk}


@pytest.mark.parametrize("who", ["", "nobody", "a\0b", "\ud800", "nobody@example.org"])
def test_an_unknown_owner_is_refused_in_one_line(owner: User, tmp_path: Path, who: str) -> None:
    message = f"There is no user with the e-mail address, handle or id {who!r}."
    with pytest.raises(CommandError, match=f"^{re.escape(message)}$"):
        run(file(tmp_path, playlist("a")), owner=who)


def test_files_that_cannot_be_imported_are_refused_in_one_line(owner: User, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for name, message in (
        ("none", "No such file or directory"),
        ("empty", "empty is empty."),
        ("folder", "has no files."),
    ):
        with pytest.raises(CommandError, match=message) as caught:
            run(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(CommandError, match="Can't write"):
        run(file(tmp_path, playlist("a")), skipped=tmp_path / "none" / "log")


def test_known_playlists_are_found_by_index(owner: User) -> None:
    importing.import_playlists([playlist(str(number)) for number in range(300)], owner)
    known = ImportedPlaylist.objects.filter(owner=owner)
    others = Archive.objects.bulk_create(Archive(name="Other") for _ in range(2000))
    ImportedPlaylist.objects.bulk_create(
        ImportedPlaylist(owner_id=uuid4(), key=uuid4(), archive=archive) for archive in others
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE archive_import, playlist")
        keys = list(known.values_list("key", flat=True))
        cursor.execute(f"EXPLAIN {sql.NOTE}", {"owner": owner.pk, "keys": keys, "archives": keys})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Conflict Arbiter Indexes: archive_import_owner_key" in plan
    # Empty partitions are scanned; the months that have archives are not.
    assert re.search(r"Index (Only )?Scan using playlist_\d{4}_q\d_pkey", plan)
    assert "hashed" not in plan


def test_skipped_things_count_as_what_they_are() -> None:
    report = importing.ImportReport()
    for skipped in (Skipped(0, "x"), Skipped(0, "x", 1), Skipped(0, "x", 1, "f"), Skipped(0, "y")):
        report.skip(skipped)
    assert (report.playlists_skipped, report.tracks_skipped, report.values_skipped) == (2, 1, 1)
    assert report.reasons.most_common() == [("x", 3), ("y", 1)]


def test_what_was_imported_is_found_by_both_indexes_at_once(owner: User, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        # Partitions that nothing is known of.
        cursor.execute("TRUNCATE playlist CASCADE")
    run(file(tmp_path, *(playlist(f"Late {number}", 20) for number in range(100))))
    explained = explaining.explain({"artist": "nobody"}, Archive.objects.owned_by(owner))
    assert (explained.found, explained.sequential) == (0, 0)
    assert explained.looked_at < 10
