"""The site under a real web server, as in production, for measurements over HTTP."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings
from django.core.management.base import CommandError

from vibomat.throttling.rates import SCOPES

# Requests are counted as in production, without ever being too many.
NEVER_TOO_MANY = ",".join(f"{scope}=999999/min" for scope in SCOPES)


@contextmanager
def served(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[str, int]]:
    """The site by gunicorn, with one worker unless the arguments say otherwise, on a free port of
    this machine. Requests are not counted unless `environment` has rates."""
    with server(*arguments, environment=environment) as (_, address):
        yield address


@contextmanager
def server(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[tuple["subprocess.Popen[bytes]", tuple[str, int]]]:
    """The same, with gunicorn's main process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    bind = f"127.0.0.1:{port}"
    production = {
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "SECRET_KEY_FILE": "",
        "ALLOWED_HOSTS": "127.0.0.1",
        "HTTPS": "false",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "vibomat.wsgi", "--bind", bind, *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "THROTTLE_RATES": "", **(environment or {}), **production},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(150):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise CommandError("gunicorn did not start within 15 s.")
        yield process, ("127.0.0.1", port)
    finally:
        process.terminate()
        process.wait()
