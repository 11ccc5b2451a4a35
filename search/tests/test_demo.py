"""From an empty machine to the right track, with the real command and a server of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from django.conf import settings

from vibomat.embedded.server import STARTING


def command(tmp_path: Path, *arguments: str) -> "subprocess.Popen[str]":
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    return subprocess.Popen(
        [sys.executable, "manage.py", "demo", *arguments],
        cwd=settings.BASE_DIR,
        env=environment | {"DATA_DIR": str(tmp_path), "DATABASE_URL": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_demo_loads_shows_and_serves_and_does_nothing_twice(tmp_path: Path) -> None:
    first = command(tmp_path, "--no-serve")
    printed, errors = first.communicate(timeout=120)
    # Root is told which of the test's folders it opens; on a busy machine the server starts slowly.
    told = [
        line
        for line in errors.splitlines()
        if not line.startswith(("Letting other users ", STARTING))
    ]
    assert (first.returncode, told) == (0, [])
    assert "sample tracks." in printed
    assert "manage.py createsuperuser" in printed and "manage.py create_token" in printed
    assert "One More Time" in printed and "Did you mean: mondo grosso" in printed

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serving = command(tmp_path, "--port", str(port))
    site = f"http://127.0.0.1:{port}"
    try:
        assert "Bohemian" in wait_for(f"{site}/?q=bohemain+rapsody")
        assert "openapi" in wait_for(f"{site}/api/schema/")
        taken = command(tmp_path, "--port", str(port))
        assert taken.communicate(timeout=60)[1] == (
            f"CommandError: Port {port} can't be used (Address already in use): give another with"
            " --port.\n"
        )
    finally:
        serving.send_signal(signal.SIGINT)
        printed, errors = serving.communicate(timeout=60)
    assert "not loaded again" in printed
    assert "manage.py createsuperuser" in printed and "manage.py create_token" in printed
    for address in ("/", "/api/search/?q=daft+pnk", "/api/docs/", "/admin/"):
        assert f"{site}{address}  " in printed
    assert serving.returncode == 0
    assert "Traceback" not in errors


def wait_for(url: str) -> str:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 # our own
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")
