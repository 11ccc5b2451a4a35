"""Who may read the metrics, and what they tell."""

import time
from ipaddress import ip_network
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from model_bakery import baker
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from search import engine
from search.models import CatalogueImport
from vibomat.observability import exposition, pool
from vibomat.probing import probe


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def closed(settings: Any) -> Any:
    settings.METRICS_TOKEN = ""
    settings.METRICS_ALLOW = []
    return settings


def test_metrics_are_not_there_unless_somebody_may_read_them(client: Client, closed: Any) -> None:
    assert client.get("/metrics/").status_code == 404


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Basic sesame", "Bearer sesam", "Bearer sésame"],
)
def test_a_stranger_is_refused(client: Client, closed: Any, header: str) -> None:
    closed.METRICS_TOKEN = "sesame"
    response = client.get("/metrics/", headers={"Authorization": header})
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.django_db
def test_the_token_opens(client: Client, closed: Any) -> None:
    closed.METRICS_TOKEN = "sesame"
    response = client.get("/metrics/", headers={"Authorization": "Bearer sesame"})
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=")
    assert response["Cache-Control"].startswith("max-age=0")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("10.1.2.3", 200),
        ("::ffff:10.1.2.3", 200),
        ("10.2.0.1", 401),
        ("::1", 401),
        ("", 401),
    ],
)
def test_allowed_addresses_open(client: Client, closed: Any, address: str, status: int) -> None:
    closed.METRICS_ALLOW = [ip_network("10.1.0.0/16")]
    # What a client claims counts for nothing.
    response = client.get("/metrics/", REMOTE_ADDR=address, headers={"X-Forwarded-For": "10.1.2.3"})
    assert response.status_code == status


@pytest.mark.django_db(transaction=True)
def test_rows_are_told_with_partitions_together() -> None:
    baker.make("search.Artist", _quantity=7)
    baker.make("archives.Archive", _quantity=3, content={"tracks": []})
    with connection.cursor() as cursor:
        # What this session stored would be added to what ANALYZE counts.
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("ANALYZE artist, playlist")
    found = samples(exposition.exposition().decode())
    assert found["vibomat_rows", ("artist",)] == 7
    assert found["vibomat_rows", ("playlist",)] == 3
    assert found["vibomat_database_bytes", ()] > 1_000_000
    assert found["vibomat_database_up", ()] == 1


@pytest.mark.django_db(transaction=True)
def test_the_newest_import_tells_how_far_it_has_come() -> None:
    CatalogueImport.objects.create(
        file="a", name="a", line=5, finished=timezone.now(), started=timezone.now()
    )
    newest = CatalogueImport.objects.create(file="b", name="b", line=20_000)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('search.import_catalogue'), 0)")
        found = samples(exposition.exposition().decode())
        cursor.execute("SELECT pg_advisory_unlock(hashtext('search.import_catalogue'), 0)")
    assert found["vibomat_catalogue_import_line", ()] == 20_000
    assert found["vibomat_catalogue_import_running", ()] == 1
    assert found["vibomat_catalogue_import_finished_timestamp_seconds", ()] == 0
    started = found["vibomat_catalogue_import_started_timestamp_seconds", ()]
    assert started == pytest.approx(newest.started.timestamp(), abs=0.001)
    found = samples(exposition.exposition().decode())
    assert found["vibomat_catalogue_import_running", ()] == 0


@pytest.mark.django_db
def test_a_search_tells_the_time_of_its_stages() -> None:
    def count(stage: str) -> float:
        name = "vibomat_search_stage_seconds_count"
        return REGISTRY.get_sample_value(name, {"stage": stage}) or 0.0

    before = count("words"), count("every word")
    engine.search("nobody knows")
    engine.search("  ")
    assert (count("words"), count("every word")) == (before[0] + 1, before[1])


@pytest.mark.django_db
def test_without_the_database_the_rest_is_told() -> None:
    with patch.dict(connection.settings_dict, {"NAME": "test_no_such_database"}):
        text = exposition.exposition().decode()
    assert samples(text)["vibomat_database_up", ()] == 0
    assert "vibomat_request_seconds" in text


def test_a_pool_is_measured_at_most_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pooled:
        stats = {"pool_max": 4, "pool_size": 2, "pool_available": 1, "requests_waiting": 3}

        @property
        def pool(self) -> Any:
            return self

        def get_stats(self) -> dict[str, int]:
            return self.stats

    def value(name: str) -> float:
        return REGISTRY.get_sample_value(name) or 0.0

    pooled = Pooled()
    clock = iter([1000.0, 1000.5, 1001.5])
    monkeypatch.setattr(pool, "connections", {"default": pooled})
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(pool, "_last_time", 0.0)
    monkeypatch.setattr(pool, "_last_counts", {})
    waited = value("vibomat_pool_wait_seconds_total")
    pool.measure()
    assert value("vibomat_pool_connections_max") == 4
    assert value("vibomat_pool_connections") == 2
    assert value("vibomat_pool_connections_idle") == 1
    assert value("vibomat_pool_waiting") == 3
    pooled.stats = {**pooled.stats, "requests_waiting": 0, "requests_wait_ms": 1500}
    pool.measure()
    assert value("vibomat_pool_waiting") == 3
    pool.measure()
    assert value("vibomat_pool_waiting") == 0
    assert value("vibomat_pool_wait_seconds_total") == waited + 1.5


@pytest.mark.django_db
def test_a_probe_has_its_own_connection_and_leaves_none() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (own,) = cursor.fetchone()
    with probe() as bounded, bounded() as cursor:
        cursor.execute("SELECT pg_backend_pid(), current_setting('statement_timeout')")
        pid, timeout = cursor.fetchone()
    assert (pid != own, timeout) == (True, "2s")
    assert not hasattr(connections._connections, "probe")  # type: ignore[attr-defined]
