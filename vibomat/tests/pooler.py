"""A real PgBouncer before the tests' server, with the configuration that ships."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections

from vibomat.postgresql.base import DatabaseWrapper

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "docker" / "pgbouncer"
PASSWORD = 'pa"ss word'
SECONDS = 10


def pgbouncer() -> str:
    """The program, or a test that is skipped."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    program = shutil.which("pgbouncer", path=path)
    if program is None:
        pytest.skip("needs PgBouncer: apt install pgbouncer")
    return program


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(sessions: int) -> Iterator[int]:
    """Its port, while it runs with so many sessions of the server."""
    program = pgbouncer()
    server = connection.get_connection_params()
    port = free_port()
    with TemporaryDirectory() as name:
        folder = Path(name)
        changes = {
            "* = host=database port=5432": upstream(server),
            "listen_addr = *": "listen_addr = 127.0.0.1",
            "listen_port = 6432": f"listen_port = {port}",
            "auth_file = /tmp/userlist.txt": f"auth_file = {folder}/userlist.txt",
            "default_pool_size = 20": f"default_pool_size = {sessions}",
        }
        text = (FOLDER / "pgbouncer.ini").read_text()
        for shipped, tested in changes.items():
            assert f"\n{shipped}\n" in text
            text = text.replace(f"\n{shipped}\n", f"\n{tested}\n")
        (folder / "pgbouncer.ini").write_text(text)
        (folder / "password").write_text(f"{PASSWORD}\n")
        run_as: dict[str, Any] = {}
        if os.geteuid() == 0:
            # It refuses to run as root, and only its owner may use the embedded server's socket.
            host = Path(str(server.get("host", "")))
            owner = (
                pwd.getpwuid(host.stat().st_uid) if host.is_absolute() else pwd.getpwnam("nobody")
            )
            run_as = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, owner.pw_uid)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [FOLDER / "start", folder / "pgbouncer.ini"],
                env={
                    "PATH": f"{Path(program).parent}:/usr/bin:/bin",
                    "DATABASE_USER": str(server["user"]),
                    "DATABASE_PASSWORD_FILE": str(folder / "password"),
                    "USERLIST": str(folder / "userlist.txt"),
                },
                stdout=log,
                stderr=log,
                **run_as,
            )
        try:
            wait_for(port, process, folder / "log")
            yield port
        finally:
            process.terminate()
            process.wait(SECONDS)


def upstream(server: dict[str, Any]) -> str:
    parts = [f"host={server['host']}", f"port={server.get('port', 5432)}"]
    if server.get("password"):
        parts.append(f"password={server['password']}")
    return f"* = {' '.join(parts)}"


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"PgBouncer does not answer: {log.read_text()}")


@contextmanager
def client(port: int, alias: str = DEFAULT_DB_ALIAS, **options: Any) -> Iterator[DatabaseWrapper]:
    """A connection to the test database through it, as the settings make one for a pooler."""
    usual = connections[DEFAULT_DB_ALIAS]
    settings = {
        **usual.settings_dict,
        "ENGINE": "vibomat.postgresql",
        "USER": usual.get_connection_params()["user"],
        "PASSWORD": PASSWORD,
        "HOST": "127.0.0.1",
        "PORT": port,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "CONN_MAX_AGE": 0 if "pool" in options else 60,
        "OPTIONS": {"connect_timeout": 10, **options},
    }
    other = DatabaseWrapper(settings, alias)
    connections[alias] = other
    try:
        yield other
    finally:
        other.close()
        other.close_pool()
        if alias == DEFAULT_DB_ALIAS:
            connections[alias] = usual
        else:
            del connections[alias]
