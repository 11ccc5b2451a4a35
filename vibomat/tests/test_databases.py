"""How the settings make connections: direct or through a pooler, from a pool or not, with TLS."""

import json
import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from psycopg import OperationalError

from vibomat import databases
from vibomat.postgresql.base import DatabaseWrapper

PROJECT = Path(__file__).parents[2]
LIMITS = {"statement_timeout": 5000, "idle_in_transaction_session_timeout": 60000}
STARTUP = "-c statement_timeout=5000 -c idle_in_transaction_session_timeout=60000"
POOLER = {
    "DATABASE_URL": "postgresql://me:secret@pooler:6432/music",
    "DATABASE_DIRECT_URL": "postgresql://me:secret@db:5432/music",
}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("DATABASE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Any:
    def configured(directly: bool = False, pool_size: int = 0, **variables: str) -> dict[str, Any]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return databases.configuration(
            Path("/data"), LIMITS, directly=directly, pool_size=pool_size
        )

    return configured


def test_what_serves_requests_asks_the_pooler_and_keeps_nothing_in_a_session(
    configured: Any,
) -> None:
    config = configured(**POOLER)
    assert (config["HOST"], config["PORT"]) == ("pooler", 6432)
    assert config["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert config["OPTIONS"] == {"connect_timeout": 10}
    assert databases.leads_to_pooler()


def test_commands_ask_the_server_with_limits_of_their_own(configured: Any) -> None:
    config = configured(directly=True, pool_size=4, **POOLER)
    assert (config["HOST"], config["PORT"]) == ("db", 5432)
    assert "DISABLE_SERVER_SIDE_CURSORS" not in config
    assert config["OPTIONS"] == {"connect_timeout": 10, "options": STARTUP}


def test_without_a_direct_url_there_is_no_pooler(configured: Any) -> None:
    config = configured(DATABASE_URL=POOLER["DATABASE_URL"])
    assert config["OPTIONS"]["options"] == STARTUP
    assert "DISABLE_SERVER_SIDE_CURSORS" not in config
    assert not databases.leads_to_pooler()


def test_a_direct_url_alone_is_refused(configured: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="needs the pooler's URL as DATABASE_URL"):
        configured(DATABASE_DIRECT_URL=POOLER["DATABASE_DIRECT_URL"])


def test_each_url_is_checked_by_its_name(configured: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_DIRECT_URL must look like"):
        configured(directly=True, **POOLER | {"DATABASE_DIRECT_URL": "nonsense"})


def test_a_pool_is_for_what_serves_requests(configured: Any) -> None:
    config = configured(pool_size=4, DATABASE_URL=POOLER["DATABASE_URL"])
    assert config["OPTIONS"]["pool"] == {"min_size": 1, "max_size": 4, "timeout": 10}
    assert config["CONN_MAX_AGE"] == 0 and config["CONN_HEALTH_CHECKS"] is True
    config = configured(pool_size=4, directly=True)
    assert "pool" not in config["OPTIONS"] and config["CONN_MAX_AGE"] == 60


@pytest.mark.parametrize(("size", "most"), [("7", 7), ("1", 1), ("0", None)])
def test_the_pool_has_the_size_that_is_set(configured: Any, size: str, most: int | None) -> None:
    config = configured(pool_size=4, DATABASE_POOL_SIZE=size)
    assert config["OPTIONS"].get("pool", {}).get("max_size") == most
    assert config["CONN_MAX_AGE"] == (60 if most is None else 0)


@pytest.mark.parametrize("size", ["many", "-1"])
def test_the_size_is_a_number(configured: Any, size: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_POOL_SIZE must be a number"):
        configured(DATABASE_POOL_SIZE=size)


def test_the_password_may_stand_in_a_file(configured: Any, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("p@ss:w/rd\n")
    url = "postgresql://me@db/music"
    config = configured(DATABASE_URL=url, DATABASE_PASSWORD_FILE=str(file))
    assert config["PASSWORD"] == "p@ss:w/rd"
    assert configured(DATABASE_URL=POOLER["DATABASE_URL"])["PASSWORD"] == "secret"


@pytest.mark.parametrize(
    ("offered", "query", "refused"),
    [
        (b"N", "sslmode=verify-full", "server does not support SSL, but SSL was required"),
        (b"S", "sslmode=verify-full&sslrootcert={}", 'root certificate file "{}" does not exist'),
    ],
)
def test_tls_is_as_the_url_says(
    configured: Any, tmp_path: Path, offered: bytes, query: str, refused: str
) -> None:
    certificate = str(tmp_path / "root.crt")
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as thread:
        port = server.getsockname()[1]
        url = f"postgresql://me@127.0.0.1:{port}/music?{query.format(certificate)}"
        config = {"TIME_ZONE": None, "AUTOCOMMIT": True, **configured(DATABASE_URL=url)}
        asked = thread.submit(offer_tls, server, offered)
        with pytest.raises(OperationalError, match=re.escape(refused.format(certificate))):
            DatabaseWrapper(config, "tls").connect()
        assert asked.result() == SSL_REQUEST


SSL_REQUEST = bytes.fromhex("00000008 04d2162f")


def offer_tls(server: socket.socket, offered: bytes) -> bytes:
    """Answer a client's first question as PostgreSQL does; what it was."""
    server.settimeout(10)
    client, _ = server.accept()
    with client:
        asked = client.recv(100)
        client.sendall(offered)
        return asked


def served_by(command: list[str], **variables: str) -> tuple[str, bool]:
    """The host that a process with that command line asks, and whether from a pool."""
    code = (
        "import sys, manage; from django.core import management; "
        "management.execute_from_command_line = lambda argv: None; "
        "manage.main() if sys.argv[1:] else None; "
        "from vibomat.settings import DATABASES; "
        "import json; default = DATABASES['default']; "
        "print(json.dumps([default['HOST'], 'pool' in default['OPTIONS']]))"
    )
    output = subprocess.check_output(
        [sys.executable, "-c", code, *command],
        cwd=PROJECT,
        env={**os.environ, "DEBUG": "true", **variables},
        text=True,
    )
    host, pool = json.loads(output)
    return host, pool


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["migrate"], ("db", False)),
        (["import_catalogue", "x.tsv"], ("db", False)),
        (["runserver", "8000"], ("pooler", True)),
        ([], ("pooler", True)),
    ],
)
def test_commands_connect_directly_and_servers_do_not(
    command: list[str], expected: tuple[str, bool]
) -> None:
    assert served_by(command, **POOLER, DATABASE_POOL_SIZE="2") == expected
