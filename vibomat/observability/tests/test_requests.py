"""What is logged, named and measured of a request."""

import json
import logging
from logging.config import DictConfigurator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from prometheus_client import REGISTRY

from vibomat.observability import logs, slow_queries
from vibomat.observability.requests import CurrentRequest, current_request, request_id
from vibomat.postgresql.application_name import busy_with


def requests_counted(**labels: str) -> float:
    return REGISTRY.get_sample_value("vibomat_request_seconds_count", labels) or 0.0


def test_a_sane_id_is_taken_and_answered(client: Client) -> None:
    response = client.get("/health/", headers={"X-Request-ID": "from-the-proxy.1"})
    assert response["X-Request-ID"] == "from-the-proxy.1"


@pytest.mark.parametrize(
    "asked",
    ["", "short", "a b c d e f g h", "x" * 49, "breaks\nthe-line", "-begins-so", "ünïcödé-id"],
)
def test_another_id_is_replaced(asked: str) -> None:
    made = request_id(asked)
    assert made != asked and len(made) == 32 and made != request_id(asked)


def test_even_a_refused_request_has_an_id(client: Client) -> None:
    response = client.get("/api/search/?q=%00", headers={"X-Request-ID": "refused-request"})
    assert response.status_code == 400
    assert response["X-Request-ID"] == "refused-request"


def test_nothing_of_a_request_is_left_behind_it(client: Client) -> None:
    client.get("/health/", headers={"X-Request-ID": "soon-forgotten"})
    assert current_request.get() is None
    assert busy_with.get() == ""


@pytest.mark.django_db
def test_time_is_measured_by_pattern(client: Client) -> None:
    labels = {"method": "GET", "route": "/api/tracks/<pk>/", "status": "404"}
    before = requests_counted(**labels)
    for number in range(3):
        client.get(f"/api/tracks/0192e4a0-0000-7000-8000-00000000000{number}/")
    assert requests_counted(**labels) == before + 3


def test_paths_and_methods_that_nobody_knows_are_counted_as_one(client: Client) -> None:
    labels = {"method": "other", "route": "unmatched", "status": "404"}
    before = requests_counted(**labels)
    client.generic("BREW", "/one/")
    client.generic("PROPFIND", "/another/")
    assert requests_counted(**labels) == before + 2


@pytest.mark.django_db
def test_a_request_is_a_line_without_what_was_typed(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "vibomat.requests"):
        client.get("/api/search/?q=my+secret+song")
        client.get("/health/")
    (record,) = [record for record in caplog.records if record.name == "vibomat.requests"]
    assert record.getMessage().startswith("GET /api/search/: 200 in ")
    assert record.__dict__["status"] == 200 and record.__dict__["method"] == "GET"
    assert record.__dict__["duration_ms"] > 0


def line(format: str, record: logging.LogRecord) -> str:
    configuration = logs.configuration(format, "INFO")
    formatter = configuration["formatters"]["line"]
    made = DictConfigurator(configuration).configure_formatter(formatter)
    logs.AddRequest().filter(record)
    return str(made.format(record))


@pytest.fixture
def record() -> logging.LogRecord:
    record = logging.LogRecord("a.logger", logging.INFO, __file__, 1, "Done: %s", ("naïve",), None)
    record.duration_ms = 12.5
    # Django's own lines come with the request.
    record.request = HttpRequest()
    return record


@pytest.fixture
def in_request() -> Any:
    token = current_request.set(CurrentRequest("the-request", HttpRequest()))
    yield
    current_request.reset(token)


def test_a_line_of_json_tells_its_request(record: logging.LogRecord, in_request: None) -> None:
    read = json.loads(line("json", record))
    assert "+00:00" in read.pop("timestamp")
    assert read == {
        "level": "INFO",
        "logger": "a.logger",
        "message": "Done: naïve",
        "duration_ms": 12.5,
        "request_id": "the-request",
        "route": "unmatched",
    }


def test_a_line_of_json_outside_a_request_has_no_id(record: logging.LogRecord) -> None:
    assert "request_id" not in json.loads(line("json", record))


def test_a_line_of_text_ends_with_its_request(record: logging.LogRecord, in_request: None) -> None:
    assert line("text", record).endswith("INFO a.logger: Done: naïve [the-request]")


def test_a_traceback_is_part_of_its_line(record: logging.LogRecord) -> None:
    try:
        raise ValueError("wrong")
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    text = line("json", record)
    assert "\n" not in text
    assert json.loads(text)["traceback"].endswith("ValueError: wrong")


@pytest.mark.parametrize(
    ("format", "level", "name"), [("xml", "INFO", "LOG_FORMAT"), ("json", "LOUD", "LOG_LEVEL")]
)
def test_another_format_or_level_is_refused(format: str, level: str, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{name} must be one of"):
        logs.configuration(format, level)


@pytest.mark.django_db
def test_a_slow_statement_is_logged_with_its_route_and_without_values(
    caplog: pytest.LogCaptureFixture, settings: Any, in_request: None
) -> None:
    with connection.cursor() as cursor:
        settings.SLOW_QUERY_MS = 60_000
        cursor.execute("SELECT %s", ["quick"])
        settings.SLOW_QUERY_MS = 20
        cursor.execute("SELECT %s,\n   pg_sleep(0.03)", ["private"])
    (record,) = [record for record in caplog.records if record.name == slow_queries.logger.name]
    assert record.__dict__["sql"] == "SELECT %s, pg_sleep(0.03)"
    assert record.__dict__["duration_ms"] >= 30
    assert "ms in unmatched: SELECT %s, pg_sleep(0.03)" in record.getMessage()
    assert "private" not in record.getMessage()


@pytest.mark.django_db
def test_a_statement_that_fails_slowly_is_logged_too(
    caplog: pytest.LogCaptureFixture, settings: Any, in_request: None
) -> None:
    settings.SLOW_QUERY_MS = 20
    with connection.cursor() as cursor, pytest.raises(Exception, match="division by zero"):
        cursor.execute("SELECT 1 / (length(pg_sleep(0.03)::text))")
    assert "Slow query" in caplog.text


@pytest.mark.django_db
def test_a_command_may_take_its_time(caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    settings.SLOW_QUERY_MS = 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.03)")
    assert caplog.text == ""
