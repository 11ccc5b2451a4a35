"""The compose file against what Vibomat needs; no container engine is started."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())[
        "services"
    ]
    return services


def test_the_database_is_postgresql_18_with_pgvector(services: dict[str, Any]) -> None:
    assert services["database"]["image"] == "pgvector/pgvector:pg18"
    assert services["database"]["volumes"] == ["database:/var/lib/postgresql"]
    assert "ports" not in services["database"]


def test_the_web_service_is_production_and_waits_for_the_database(services: dict[str, Any]) -> None:
    web = services["web"]
    assert web["environment"]["DEBUG"] == "false"
    assert web["environment"]["DATABASE_URL"].endswith("@database:5432/vibomat")
    assert web["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert web["ports"] == ["127.0.0.1:8000:8000"]


def test_secrets_have_no_default(services: dict[str, Any]) -> None:
    for service, name in (("database", "POSTGRES_PASSWORD"), ("web", "SECRET_KEY")):
        assert services[service]["environment"][name].startswith(f"${{{name}:?")


def test_every_setting_is_in_the_example() -> None:
    example = (PROJECT / ".env.example").read_text()
    settings = (PROJECT / "vibomat" / "settings.py").read_text()
    ways = r"(?:env\.\w+|environ\.get|whole_number|checked|milliseconds|networks)"
    read = re.findall(ways + r"""\(\s*"([A-Z_]+)\"""", settings)
    assert len(read) > 10
    assert [name for name in read if f"#{name}=" not in example] == []
