"""What the environment makes of the settings."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
import pytest
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ImproperlyConfigured

from vibomat.environment import secret
from vibomat.postgresql.application_name import busy_with
from vibomat.throttling.rates import SCOPES, Rate

PROJECT = Path(__file__).parents[2]
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "of-at-least-fifty-characters-and-of-many-different-ones-0123456789",
    "ALLOWED_HOSTS": "vibomat.example",
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Settings as they are with just these variables."""
    monkeypatch.setattr(environ.Env, "read_env", lambda *args, **kwargs: None)

    def load(**variables: str) -> dict[str, Any]:
        monkeypatch.setattr(os, "environ", {"DATA_DIR": str(tmp_path / "data"), **variables})
        monkeypatch.setattr(environ.Env, "ENVIRON", os.environ)
        return runpy.run_path(str(PROJECT / "vibomat" / "settings.py"))

    return load


def test_nothing_set_is_development_on_the_embedded_server(load: Any, tmp_path: Path) -> None:
    loaded = load()
    assert loaded["DEBUG"] is True
    assert loaded["DATABASES"]["default"]["ENGINE"] == "vibomat.embedded"
    key = tmp_path / "data" / "secret_key"
    assert loaded["SECRET_KEY"] == key.read_text() != ""
    assert key.stat().st_mode & 0o777 == 0o600
    assert load()["SECRET_KEY"] == loaded["SECRET_KEY"]


@pytest.mark.parametrize(("command", "size"), [("runserver", 4), ("migrate", None), ("", None)])
def test_the_development_server_keeps_its_connections(
    load: Any, command: str, size: int | None
) -> None:
    token = busy_with.set(command)
    try:
        options = load()["DATABASES"]["default"]["OPTIONS"]
    finally:
        busy_with.reset(token)
    assert options.get("pool", {}).get("max_size") == size


def test_a_comment_in_the_file_is_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = (PROJECT / ".env.example").read_text()
    wanted = re.compile("^#((?:DEBUG|ALLOWED_HOSTS|SECRET_KEY|METRICS_TOKEN)=.*)$", re.MULTILINE)
    lines = [*wanted.findall(example), "OPENAI_API_KEY=a#b  # mine", 'DATABASE_PASSWORD="p # q"']
    (tmp_path / ".env").write_text("\n".join(lines))
    (tmp_path / "vibomat").mkdir()
    copy = str(shutil.copy(PROJECT / "vibomat" / "settings.py", tmp_path / "vibomat"))
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr(environ.Env, "ENVIRON", os.environ)
    with pytest.raises(ImproperlyConfigured, match="needs SECRET_KEY"):
        runpy.run_path(copy)
    assert secret("METRICS_TOKEN") == ""
    assert (secret("OPENAI_API_KEY"), secret("DATABASE_PASSWORD")) == ("a#b", "p # q")


def test_empty_database_url_is_none(load: Any) -> None:
    assert load(DATABASE_URL="")["DATABASES"]["default"]["ENGINE"] == "vibomat.embedded"


def test_database_url_is_used(load: Any) -> None:
    url = "postgresql://me:secret@db:5433/music?options=-c%20work_mem%3D1MB"
    database = load(DATABASE_URL=url)["DATABASES"]["default"]
    assert database["ENGINE"] == "vibomat.postgresql"
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db", 5433, "music")
    assert database["OPTIONS"]["options"] == (
        "-c statement_timeout=5000 -c idle_in_transaction_session_timeout=60000 -c work_mem=1MB"
    )


@pytest.mark.parametrize("url", ["nonsense", "mysql://db/music", "postgresql://db:x/music"])
def test_other_database_urls_are_refused(load: Any, url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL must look like postgresql://"):
        load(DATABASE_URL=url)


@pytest.mark.parametrize("value", ["soon", "-1"])
def test_statement_timeout_is_a_number_of_milliseconds(load: Any, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="STATEMENT_TIMEOUT_MS must be"):
        load(STATEMENT_TIMEOUT_MS=value)


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS"])
def test_production_needs(load: Any, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"needs {name} in the environment"):
        load(**PRODUCTION | {name: ""})


def test_a_secret_key_may_start_with_a_dollar_sign(load: Any) -> None:
    assert load(**PRODUCTION | {"SECRET_KEY": "$HOME"})["SECRET_KEY"] == "$HOME"


def test_production_is_https_only(load: Any) -> None:
    loaded = load(**PRODUCTION)
    assert loaded["SECURE_SSL_REDIRECT"] and loaded["SESSION_COOKIE_SECURE"]
    assert loaded["SECURE_HSTS_SECONDS"] == 31_536_000
    assert "SECURE_PROXY_SSL_HEADER" not in loaded
    assert "SECURE_PROXY_SSL_HEADER" in load(**PRODUCTION, TRUST_X_FORWARDED_PROTO="true")


def test_the_whole_domain_is_bound_to_https_only_if_asked_for(load: Any) -> None:
    names = ("SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD")
    loaded = load(**PRODUCTION)
    assert not any(loaded[name] for name in names)
    loaded = load(**PRODUCTION, HSTS_INCLUDE_SUBDOMAINS="true", HSTS_PRELOAD="true")
    assert all(loaded[name] for name in names)


def test_production_can_do_without_https(load: Any) -> None:
    loaded = load(**PRODUCTION, HTTPS="false")
    assert not loaded["SECURE_SSL_REDIRECT"]
    assert loaded["SECURE_HSTS_SECONDS"] == 0


def test_an_empty_setting_is_none(load: Any) -> None:
    assert load(**PRODUCTION, HTTPS="")["SECURE_SSL_REDIRECT"]
    assert not load(**PRODUCTION | {"DEBUG": ""})["DEBUG"]


def test_production_logs_requests_as_json_and_keeps_metrics_closed(load: Any) -> None:
    loaded = load(**PRODUCTION)
    assert (loaded["LOG_FORMAT"], loaded["LOG_LEVEL"]) == ("json", "INFO")
    assert (loaded["METRICS_TOKEN"], loaded["METRICS_ALLOW"]) == ("", [])
    loaded = load(**PRODUCTION, METRICS_TOKEN="$HOME", METRICS_ALLOW="10.0.0.7, 10.1.0.0/16")
    assert loaded["METRICS_TOKEN"] == "$HOME"
    assert [str(network) for network in loaded["METRICS_ALLOW"]] == ["10.0.0.7/32", "10.1.0.0/16"]


def test_development_shows_metrics_to_this_machine(load: Any) -> None:
    loaded = load()
    assert (loaded["LOG_FORMAT"], loaded["LOG_LEVEL"]) == ("text", "WARNING")
    assert [str(network) for network in loaded["METRICS_ALLOW"]] == ["127.0.0.0/8", "::1/128"]


def test_production_limits_requests_and_development_does_not(load: Any) -> None:
    loaded = load(**PRODUCTION)
    assert list(loaded["THROTTLE_RATES"]) == list(SCOPES)
    assert loaded["REST_FRAMEWORK"]["NUM_PROXIES"] == 0
    assert load()["THROTTLE_RATES"] == {}
    assert load(**PRODUCTION, THROTTLE_RATES="")["THROTTLE_RATES"] == {}
    set_by_hand = load(THROTTLE_RATES="search=5/s", NUM_PROXIES="2")
    assert set_by_hand["THROTTLE_RATES"] == {"search": Rate(5, timedelta(seconds=1))}
    assert set_by_hand["REST_FRAMEWORK"]["NUM_PROXIES"] == 2


def test_nothing_but_its_own_files_is_let_in_unless_set(load: Any) -> None:
    loaded = load(**PRODUCTION)
    assert loaded["CORS_ALLOWED_ORIGINS"] == []
    policy = loaded["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    loaded = load(CORS_ALLOWED_ORIGINS="https://a.example", CONTENT_SECURITY_POLICY="img-src a b")
    assert loaded["CORS_ALLOWED_ORIGINS"] == ["https://a.example"]
    assert loaded["CONTENT_SECURITY_POLICY"]["DIRECTIVES"] == {"img-src": ["a", "b"]}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("HTTPS", "maybe", "must be true or false"),
        ("DEBUG", "2", "must be true or false"),
        ("THROTTLE_RATES", "search=many", "is no rate such as search=240/min"),
        ("NUM_PROXIES", "-1", "must be a whole number of proxies"),
        ("TOKEN_DAYS", "soon", "must be a number of days"),
        ("TOKEN_DAYS", "36501", "must be a number of days up to 36500"),
        ("ARCHIVE_MONTHS_AHEAD", "some", "must be a number of months from 1 to 120"),
        ("ARCHIVE_PARTITION_MONTHS", "2", "must be 1, 3 or 12"),
        ("OPENAI_EMBEDDING_DIMENSIONS", "0", "must be a number of dimensions"),
        ("OPENAI_TIMEOUT", "soon", "must be a number of seconds"),
        ("OPENAI_TIMEOUT", "nan", "must be a number of seconds"),
        ("CONTENT_SECURITY_POLICY", "img-src", "has no sources"),
        ("CONTENT_SECURITY_POLICY", "img-src a; img-src b", "stands twice"),
    ],
)
def test_wrong_numbers_and_policies_are_refused(
    load: Any, name: str, value: str, message: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{name}.*{message}"):
        load(**{name: value})


@pytest.mark.parametrize("value", ["everyone", "10.0.0.0/99", "10.1.2.3/8"])
def test_allowed_addresses_are_addresses_and_networks(load: Any, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="METRICS_ALLOW must be addresses and networks"):
        load(METRICS_ALLOW=value)


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": "", **variables},
        capture_output=True,
        text=True,
    )


def test_production_passes_the_deployment_checks(tmp_path: Path) -> None:
    done = manage("check", "--deploy", "--fail-level=WARNING", **PRODUCTION, DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())


def test_incomplete_production_is_said_in_one_line(tmp_path: Path) -> None:
    done = manage("migrate", DEBUG="false", SECRET_KEY="", DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == (
        "ImproperlyConfigured: DEBUG=false is production and needs "
        "SECRET_KEY and ALLOWED_HOSTS in the environment.\n"
    )


def test_processes_starting_at_once_agree_on_the_development_key(tmp_path: Path) -> None:
    code = "from vibomat.settings import SECRET_KEY; print(SECRET_KEY)"
    variables = {**os.environ, "SECRET_KEY": "", "DEBUG": "true", "DATA_DIR": str(tmp_path)}

    def key(_: int) -> str:
        return subprocess.check_output(
            [sys.executable, "-c", code], cwd=PROJECT, env=variables, text=True
        )

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(key, range(4)))) == 1


def test_passwords_are_argon2_and_older_ones_bcrypt() -> None:
    assert make_password("x").startswith("argon2$")
    older = "bcrypt$$2b$12$eWEBhv68Tj7wUuXc8NrG9u9t8J/p0p0Z8nJ7NQfZzJ9SvbDPzqWZC"
    assert not check_password("wrong", older)
    assert check_password("right", make_password("right", hasher="bcrypt"))


def test_every_connection_has_a_statement_timeout() -> None:
    options = settings.DATABASES["default"]["OPTIONS"]["options"]
    assert f"-c statement_timeout={settings.STATEMENT_TIMEOUT_MS}" in options
