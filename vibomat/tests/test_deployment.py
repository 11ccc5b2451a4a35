"""The files for containers against what Vibomat needs, and against the Compose specification."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from check_jsonschema.builtin_schemas import get_builtin_schema

from vibomat.tests import containers
from vibomat.tests.containers import DEVELOPMENT, PRODUCTION, PROJECT, compose

PINNED = r"python:\d+\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})? AS base"


@pytest.fixture
def development() -> dict[str, Any]:
    services: dict[str, Any] = compose(DEVELOPMENT)["services"]
    return services


@pytest.fixture
def production() -> dict[str, Any]:
    services: dict[str, Any] = compose(PRODUCTION)["services"]
    return services


@pytest.mark.parametrize("path", [DEVELOPMENT, PRODUCTION], ids=lambda path: path.name)
def test_compose_files_are_as_the_specification_wants(path: Path) -> None:
    jsonschema.validate(compose(path), get_builtin_schema("vendor.compose-spec"))


@pytest.mark.parametrize("path", [DEVELOPMENT, PRODUCTION], ids=lambda path: path.name)
def test_the_database_is_postgresql_18_with_pgvector_in_a_volume(path: Path) -> None:
    database = compose(path)["services"]["database"]
    assert re.fullmatch(r"pgvector/pgvector:(0\.8\.\d+-)?pg18(-trixie)?", database["image"])
    assert database["volumes"][0] == "database:/var/lib/postgresql"
    assert database["healthcheck"]["test"][:3] == ["CMD", "pg_isready", "--host=127.0.0.1"]
    assert "--builtin-locale=C.UTF-8" in database["environment"]["POSTGRES_INITDB_ARGS"]
    assert "ports" not in database


def test_development_serves_the_folder_and_again_when_a_file_changes(
    development: dict[str, Any],
) -> None:
    web = development["web"]
    assert web["environment"]["DEBUG"] == "true"
    assert web["volumes"] == [".:/app"]
    assert "manage.py runserver" in web["command"][-1] and "noreload" not in web["command"][-1]
    assert web["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert web["ports"] == ["127.0.0.1:8000:8000"]


def test_in_production_web_waits_for_migrations_that_run_once(production: dict[str, Any]) -> None:
    migrate, web = production["migrate"], production["web"]
    assert migrate["restart"] == "no"
    assert migrate["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert web["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert web["depends_on"]["pgbouncer"] == {"condition": "service_healthy", "required": False}
    assert production["pgbouncer"]["profiles"] == ["pgbouncer"]
    assert migrate["environment"] == web["environment"]
    assert web["environment"]["DEBUG"] == "false"


@pytest.mark.parametrize("name", ["migrate", "web", "pgbouncer"])
def test_in_production_nothing_of_ours_may_write_or_do_much(
    production: dict[str, Any], name: str
) -> None:
    service = production[name]
    assert service["read_only"] is True and service["tmpfs"] == "/tmp"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}


def test_in_production_secrets_are_files_and_have_no_default(production: dict[str, Any]) -> None:
    secrets = compose(PRODUCTION)["secrets"]
    assert secrets == {
        name: {"file": f"./secrets/{name}"}
        for name in ("administrator_password", "secret_key", "database_password")
    }
    for service in production.values():
        for name, value in service.get("environment", {}).items():
            if name.endswith("_FILE"):
                assert Path(value).parent == Path("/run/secrets")
                assert Path(value).name in service["secrets"]
            assert not re.search("password|secret|key", name, re.I) or name.endswith("_FILE")
    assert "${ALLOWED_HOSTS:?" in production["web"]["environment"]["ALLOWED_HOSTS"]


def test_what_compose_files_interpolate_is_in_the_example() -> None:
    text = DEVELOPMENT.read_text() + PRODUCTION.read_text()
    names = set(re.findall(r"\$\{(\w+)", text))
    assert names == {"ALLOWED_HOSTS", "DATABASE_URL", "DATABASE_DIRECT_URL"}


def test_the_image_is_built_on_a_base_that_stays_the_same() -> None:
    stages = [rest for word, rest in containers.instructions() if word == "FROM"]
    assert re.fullmatch(PINNED, stages[0])
    assert [stage.split()[0] for stage in stages[1:]] == ["base"] * (len(stages) - 1)


def test_the_image_runs_as_somebody_by_number() -> None:
    assert ("USER", "10001") in containers.image()
    assert containers.environment()["DEBUG"] == "false"


def test_the_image_has_what_the_application_needs_and_no_more() -> None:
    application, tests, needed = re.split(
        r"# Tests and checks|# What those need", (PROJECT / "requirements.txt").read_text()
    )
    for name in ("Django", "gunicorn", "psycopg-pool"):
        assert f"\n{name}==" in application
    assert "\npytest==" in tests and "\nasgiref==" in needed


def test_secrets_and_data_stay_out_of_the_image_and_the_repository() -> None:
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert {".git", ".env", ".data", "secrets"} <= set(ignored)
    assert "secrets/" in (PROJECT / ".gitignore").read_text().splitlines()


def test_every_setting_is_in_the_example() -> None:
    example = (PROJECT / ".env.example").read_text()
    read = []
    for name in ("settings", "databases"):
        text = (PROJECT / "vibomat" / f"{name}.py").read_text()
        ways = r"(?:env\.\w+|environ\.get|milliseconds|networks|secret|\w+_number|checked)"
        read += re.findall(ways + r"""\(\s*"([A-Z_]+)\"""", text)
    assert len(read) > 20
    assert [name for name in read if f"#{name}=" not in example] == []
