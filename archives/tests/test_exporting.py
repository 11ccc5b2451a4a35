"""Exporting archives to standard output, a file or a folder."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from archives import exporting, formats
from archives.formats import Format, Playlist
from archives.models import Archive
from vibomat.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("ann@example.org", handle="ann")


@pytest.fixture
def archives(owner: User) -> list[Archive]:
    contents: list[dict[str, Any]] = [
        {"tracks": [{"artist": "Air", "track": "Talisman"}], "mine": {"x": [1]}},
        {"name": "old name", "description": "old", "tracks": []},
    ]
    return [
        Archive.objects.create(owner=owner, name=name, content=content, visibility="public")
        for name, content in zip(["Día / Noche", "b"], contents, strict=True)
    ]


def run(*ids: Any, **options: Any) -> str:
    out = io.StringIO()
    call_command("export_archives", *map(str, ids), stdout=out, no_progress=True, **options)
    return out.getvalue()


def test_an_owners_archives_are_written_to_standard_output(archives: list[Archive]) -> None:
    first, second = map(json.loads, run(owner="ANN@example.org").splitlines())
    assert first == {
        "urn:x-vibomat:archive:1": {},
        "name": "Día / Noche",
        "public": True,
        "created": archives[0].created.isoformat(),
        "tracks": [{"artist": "Air", "track": "Talisman"}],
        "mine": {"x": [1]},
    }
    assert (second["name"], second["description"]) == ("b", "")


def test_only_those_asked_for_and_none_from_the_bin(archives: list[Archive], owner: User) -> None:
    other = Archive.objects.create(name="other", content={})
    assert json.loads(run(other.pk))["name"] == "other"
    assert json.loads(run(archives[0].pk, owner="ann"))["name"] == archives[0].name
    Archive.objects.filter(pk=archives[0].pk).update(deleted=datetime.now(UTC))
    assert json.loads(run(owner="ann"))["name"] == "b"


def test_a_folder_gets_a_file_for_each(archives: list[Archive], tmp_path: Path) -> None:
    for _ in range(2):
        out = run(owner="ann", format="xspf", output=tmp_path)
        assert out == f"2 archives written to {tmp_path}.\n"
    names = [f"día-noche-{archives[0].pk.hex[-8:]}.xspf", f"b-{archives[1].pk.hex[-8:]}.xspf"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    (playlist,) = formats.read(tmp_path / names[0])
    assert playlist == exporting.playlist_of(archives[0])


def test_a_file_name_is_of_no_more_than_255_bytes() -> None:
    for name in ("漢" * 900, "../" * 9, "\n", "a" * 900, "."):
        found = exporting.file_name(Archive(name=name), Format.M3U8)
        assert len(found.encode()) <= 255 and "/" not in found and not found.startswith(".")


@pytest.mark.parametrize("format", [format for format in Format if format.is_written])
def test_an_archive_goes_out_and_comes_in(
    format: Format, archives: list[Archive], tmp_path: Path
) -> None:
    path = tmp_path / "file"
    run(archives[0].pk, format=str(format), output=path)
    assert formats.detect(path.read_bytes()) == format
    (playlist,) = formats.read(path)
    assert isinstance(playlist, Playlist)
    assert playlist.content["tracks"] == archives[0].content["tracks"]


def test_a_file_is_replaced_only_when_the_new_one_is_whole(
    archives: list[Archive], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "all.json"
    path.write_text("before")

    def broken(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(formats, "write", broken)
        with pytest.raises(
            CommandError, match=r"^Can't write .*all.json: No space left on device\.$"
        ):
            run(owner="ann", output=path)
    assert [found.name for found in tmp_path.iterdir()] == ["all.json"]
    assert path.read_text() == "before"
    run(owner="ann", output=path)
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("ids", "options", "message"),
    [
        ([], {}, "Say whose archives with --owner, or which by their ids."),
        ([], {"owner": "bob"}, "There is no user with the e-mail address, handle or id 'bob'."),
        (["x"], {}, "An id is a UUID: badly formed hexadecimal UUID string."),
        (
            ["11111111-1111-4111-8111-111111111111"],
            {},
            "There is no such archive: 11111111-1111-4111-8111-111111111111.",
        ),
        ([], {"owner": "empty"}, "There are no such archives."),
        (
            [],
            {"owner": "ann", "format": "xspf"},
            ("A file of XSPF holds one playlist, and there are 2: "
            "say a folder that exists with --output."),
        ),
        (
            [],
            {"owner": "ann", "output": Path("/none/x")},
            "Can't write /none/x: No such file or directory.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_exported_is_refused_in_one_line(
    archives: list[Archive], ids: list[str], options: dict[str, Any], message: str
) -> None:
    User.objects.create_user("empty@example.org", handle="empty")
    with pytest.raises(CommandError) as caught:
        run(*ids, **options)
    assert str(caught.value) == message


def test_a_reader_that_has_seen_enough_is_left_to_manage_py(archives: list[Archive]) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        call_command("export_archives", str(archives[0].pk), stdout=Closed())
