"""What manage.py makes of what no command catches."""

import subprocess
import sys
from pathlib import Path

import pytest

from manage import main
from vibomat.tests.databases import connected_to, database

MANAGE = Path(__file__).parents[2] / "manage.py"


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = [sys.executable, str(MANAGE), "help"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == ("", 141)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "command",
    [
        ["create_token", "ann@example.org"],
        ["import_archives", "manage.py", "--owner", "ann@example.org"],
        ["embed"],
        ["prove_similarity"],
    ],
    ids=lambda command: command[0],
)
def test_before_migrate_a_command_says_to_run_it(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["manage.py", *command])
    with (
        database("without_tables") as name,
        connected_to(name),
        pytest.raises(SystemExit, match=r'^relation "\w+" does not exist: run manage.py migrate.$'),
    ):
        main()
