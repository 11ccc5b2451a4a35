"""What the production file starts, run here as it is written there, on a database of its own.

The database's role may not create extensions: an administrator did.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import psycopg
import pytest
from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient

from vibomat.embedded.server import psql_path
from vibomat.tests import containers
from vibomat.tests.containers import PRODUCTION, PROJECT, compose
from vibomat.tests.databases import connect, connected_to, database
from vibomat.tests.pooler import free_port

ROLE = "test_vibomat_application"
SECONDS = 60


@pytest.fixture
def administrator(db: None, tmp_path: Path) -> Iterator[psycopg.Connection[Any]]:
    """Connected to a database and its role, made as the database's image makes them."""
    with connect() as server:
        try:
            with database("deployed") as name, connected_to(name), connect() as inside:
                # A test that was killed left it, without the database that it owned.
                server.execute(f"DROP ROLE IF EXISTS {ROLE}")
                make_role(tmp_path)
                yield inside
        finally:
            server.execute(f"DROP ROLE IF EXISTS {ROLE}")


def make_role(secrets: Path) -> None:
    (secrets / "database_password").write_text("p@ss\n")
    script = (PROJECT / "docker" / "database" / "role.sql").read_text()
    script = script.replace("vibomat", ROLE).replace("/run/secrets", str(secrets))
    settings = {**connection.settings_dict, "HOST": connection.get_connection_params()["host"]}
    (_, *arguments), variables = DatabaseClient.settings_to_cmd_args_env(settings, [])
    subprocess.run(
        [psql_path(), *arguments, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"],
        input=script,
        env={**os.environ, **(variables or {})},
        text=True,
        check=True,
    )


@pytest.fixture
def variables(administrator: psycopg.Connection[Any], tmp_path: Path) -> dict[str, str]:
    """The environment that a process has in the container of `web` or `migrate`."""
    server = connection.get_connection_params()
    host, port = quote(str(server["host"]), safe=""), server.get("port", 5432)
    (tmp_path / "secret_key").write_text("production-key" * 5)
    given = {
        "${ALLOWED_HOSTS": "vibomat.example",
        "${DATABASE_URL": f"postgresql://{ROLE}@/{administrator.info.dbname}?{host=!s}&{port=!s}",
        "${DATABASE_DIRECT_URL": "",
    }
    written = compose(PRODUCTION)["services"]["web"]["environment"]
    settings = {
        name: given.get(value.partition(":")[0], value).replace("/run/secrets", str(tmp_path))
        for name, value in written.items()
    }
    assert not [value for value in settings.values() if "$" in value]
    image = containers.environment()
    path = image["PATH"].replace("/venv/bin", str(Path(sys.executable).parent))
    path = path.replace("$PATH", os.defpath)
    own = {"PATH": path, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PORT": str(free_port())}
    return {**image, **settings, **own, "TRUST_X_FORWARDED_PROTO": "true"}


def run(command: list[str], variables: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        command, cwd=PROJECT, env=variables, capture_output=True, text=True, timeout=SECONDS
    )
    return done.returncode, done.stdout + done.stderr


def test_production_starts_as_it_is_written(
    administrator: psycopg.Connection[Any], variables: dict[str, str], tmp_path: Path
) -> None:
    migrate = compose(PRODUCTION)["services"]["migrate"]["command"]
    administrator.execute("DROP EXTENSION vector")
    code, told = run(migrate, variables)
    assert code == 1
    assert told.splitlines()[-1] == (
        'CommandError: permission denied to create extension "vector". '
        "Let an administrator run in this database: CREATE EXTENSION vector; Then migrate again."
    )
    administrator.execute("CREATE EXTENSION vector")
    code, told = run(containers.command(), variables)
    assert code == 1
    assert "Vibomat does not start: Not every migration is applied: " in told
    assert "Run manage.py migrate for " in told

    code, told = run(migrate, variables)
    assert code == 0, told
    administrator.execute(f"SET ROLE {ROLE}")
    administrator.execute(
        "INSERT INTO track (title, artist_credit) VALUES ('Teardrop', 'Massive Attack')"
    )

    log = tmp_path / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            containers.command(), cwd=PROJECT, env=variables, stdout=output, stderr=output
        ) as server,
    ):
        try:
            assert healthy(variables), log.read_text()
            request = Request(
                f"http://127.0.0.1:{variables['PORT']}/api/search/?q=teardrp",
                headers={"Host": "vibomat.example", "X-Forwarded-Proto": "https"},
            )
            with urlopen(request) as answer:  # noqa: S310
                assert [hit["title"] for hit in json.load(answer)["results"]] == ["Teardrop"]
        finally:
            server.terminate()
    assert server.returncode == 0
    assert "Traceback" not in log.read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"log", "secret_key", "database_password"}


def healthy(variables: dict[str, str]) -> bool:
    """Whether the image's health check passes before its time is over."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with socket.socket() as probe:
            is_listening = probe.connect_ex(("127.0.0.1", int(variables["PORT"]))) == 0
        if is_listening:
            code, told = run(containers.command("HEALTHCHECK"), variables)
            if code == 0:
                assert '"status": "ok"' in told
                return True
        time.sleep(0.1)
    return False
