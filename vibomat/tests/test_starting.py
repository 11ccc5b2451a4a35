"""When a server refuses to start in production, and how a container asks whether it is ready."""

import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.checks import Error
from django.db import connection

from vibomat import checks, healthcheck, readiness, starting

PROJECT = Path(__file__).parents[2]


@pytest.mark.django_db
def test_nothing_keeps_a_server_from_starting_on_a_database_that_is_ready() -> None:
    assert starting.reason_not_to() is None


@pytest.mark.django_db
def test_an_unreachable_database_does() -> None:
    with patch.dict(connection.settings_dict, {"NAME": "test_no_such_database"}):
        reason = starting.reason_not_to()
    assert reason is not None and "\n" not in reason
    assert reason.startswith("Vibomat does not start: No answer within 2 s. ")
    assert "correct DATABASE_URL" in reason


@pytest.mark.django_db
def test_a_missing_extension_does() -> None:
    with patch.object(checks, "EXTENSIONS", {"no_such": None}):
        reason = starting.reason_not_to()
    assert reason == (
        "Vibomat does not start: The extension no_such is missing or too old. "
        "Run migrate; it says what to install where the server lacks it."
    )


@pytest.mark.django_db
def test_a_migration_to_apply_does() -> None:
    on_disk = readiness._migrations_on_disk() | {("search", "9999_later")}
    with patch.object(readiness, "_migrations_on_disk", return_value=on_disk):
        reason = starting.reason_not_to()
    assert reason == (
        "Vibomat does not start: Not every migration is applied: 1 to go. "
        "Run manage.py migrate for search.9999_later."
    )


@pytest.mark.django_db
def test_what_an_app_finds_wrong_does_not() -> None:
    with patch.dict(readiness._checks, {"vocabulary": lambda cursor: [Error("Wrong.")]}):
        assert starting.reason_not_to() is None


def gunicorn(**variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--check-config"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


def test_gunicorn_says_in_one_line_what_settings_lack() -> None:
    code, told = gunicorn(DEBUG="false", SECRET_KEY_FILE="/nowhere")
    assert code == 1
    assert told == (
        "Vibomat does not start: Can't read /nowhere, which SECRET_KEY_FILE names: "
        "No such file or directory.\n"
    )


def test_gunicorn_serves_nobody_with_debug() -> None:
    code, told = gunicorn()
    assert code == 1
    assert told == (
        "Vibomat does not start: gunicorn is for production. Set DEBUG=false and what that needs "
        "(docs/deployment.md), or use manage.py runserver.\n"
    )


def test_gunicorn_says_where_metrics_can_not_be_kept() -> None:
    code, told = gunicorn(PROMETHEUS_MULTIPROC_DIR="/nowhere")
    assert code == 1
    assert told == (
        "Can't make a folder for metrics in /nowhere (No such file or directory): set "
        "PROMETHEUS_MULTIPROC_DIR to a folder that can be written to, or mount a tmpfs at /tmp.\n"
    )


def test_gunicorn_removes_no_folder_but_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    configuration = runpy.run_path(str(PROJECT / "gunicorn.conf.py"))
    (own,) = tmp_path.iterdir()
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(own)
    runpy.run_path(str(PROJECT / "gunicorn.conf.py"))
    assert list(tmp_path.iterdir()) == [own]
    # The one that takes its place knows the folder from it.
    monkeypatch.setattr(os, "getpid", lambda: 1)
    runpy.run_path(str(PROJECT / "gunicorn.conf.py"))
    (replacing,) = set(tmp_path.iterdir()) - {own}
    configuration["on_exit"](None)
    assert list(tmp_path.iterdir()) == [replacing]


class Answer(BaseHTTPRequestHandler):
    status = 200
    asked: list[tuple[str, str | None]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Host"]))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"as told")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answer]]:
    Answer.asked.clear()
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        monkeypatch.setenv("PORT", str(server.server_port))
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield Answer
        server.shutdown()


@pytest.mark.parametrize(
    ("hosts", "host"),
    [("", "localhost"), ("*", "localhost"), (" .a.example, b.example", "a.example")],
)
def test_the_health_check_asks_under_a_name_that_is_allowed(
    server: type[Answer],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hosts: str,
    host: str,
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", hosts)
    healthcheck.main()
    assert server.asked == [("/health/ready/", host)]
    assert capsys.readouterr().out == "as told\n"


def test_the_health_check_fails_unless_the_server_is_ready(
    server: type[Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "status", 503)
    with pytest.raises(SystemExit) as ended:
        healthcheck.main()
    assert ended.value.code == 1


def test_the_health_check_fails_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1")
    with pytest.raises(SystemExit, match="No answer: "):
        healthcheck.main()
