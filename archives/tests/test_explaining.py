"""`archive_paths`, and the table of paths in the documentation."""

from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from archives import explaining
from archives.paths import INDEXES, PATHS


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("archive_paths", *arguments, stdout=output)
    return output.getvalue()


def test_every_path_is_listed_with_its_index(db: None) -> None:
    listed = run()
    for path in PATHS:
        assert path.index_name in listed
        for parameter in path.parameters:
            assert parameter.name in listed


def test_values_are_asked_together(db: None) -> None:
    explained = run("artist=Air", "min_tracks=2")
    assert explained.count(" found of ") == 1
    assert "artist=Air min_tracks=2: 0 found" in explained


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("artist", "artist: write PARAMETER=VALUE, such as artist=beyonce."),
        ("min_tracks=x", "min_tracks: Enter a whole number from 0 to 9223372036854775807."),
        ("x=1", "x: There is no such parameter."),
    ],
)
def test_what_is_wrong_is_one_line(db: None, argument: str, message: str) -> None:
    with pytest.raises(CommandError) as caught:
        run(argument)
    assert str(caught.value) == message


def test_a_missing_index_is_told(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX archive_words")
    assert explaining.index_uses()["archive_words"].size is None
    with pytest.raises(CommandError, match=r"Missing: archive_words. Run manage.py migrate."):
        run()


def test_an_index_that_no_plan_used_is_told(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT pg_stat_reset_single_table_counters(relid)"
            " FROM pg_partition_tree('archive_duration')"
        )
        cursor.execute("SELECT 1")
    assert explaining.index_uses()["archive_duration"].scans == 0
    assert "archive_duration" in run().split("Never used since statistics were reset: ")[1]


def test_the_documentation_has_the_table() -> None:
    text = (settings.BASE_DIR / "docs" / "archives.md").read_text(encoding="utf-8")
    documented = text.split("<!-- archive_paths --markdown -->\n")[1].split("\n\n")[0]
    sizes = [line.rsplit("|", 2)[1].strip() for line in documented.splitlines()[2:]]
    bytes_by_index = {
        path.index_name: float(size) for path, size in zip(PATHS, sizes, strict=True) if size
    }
    assert documented == explaining.table(bytes_by_index)
    assert bytes_by_index.keys() == {index.name for index in INDEXES}


@pytest.mark.parametrize(
    ("asked", "found", "expected"),
    [
        ({"status": "published"}, explaining.PAGE, True),
        ({"status": "published"}, explaining.PAGE - 1, False),
        ({"path": "$.metadata.year > 1999"}, explaining.PAGE, False),
        ({"artist": "air"}, explaining.PAGE, False),
    ],
)
def test_latest_rows_answer_for_columns_only(
    asked: dict[str, str], found: int, expected: bool
) -> None:
    explained = explaining.Explained(asked, found=found, indexes={"playlist_pkey"})
    assert explained.has_index is expected
