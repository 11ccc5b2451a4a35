"""Many write the same archive at once, and no write is lost."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from archives.models import Archive
from vibomat.accounts.models import User

MANY = 32
# Who retry: each of them as often as another one succeeds.
WRITERS = 16

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def archive() -> Archive:
    owner = User.objects.create_user("ann@example.org")
    return Archive.objects.create(name="Late", owner=owner)


def at_once(
    archive: Archive, write: Callable[[Client, int], Any], writers: int = MANY
) -> list[Any]:
    """What `write` returned for each of the writers, all of them logged in and started together."""
    clients = []
    assert archive.owner is not None
    for _ in range(writers):
        client = Client()
        client.force_login(archive.owner)
        clients.append(client)
    barrier = Barrier(writers)

    def run(n: int) -> Any:
        try:
            barrier.wait()
            return write(clients[n], n)
        finally:
            connection.close()

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(run, range(writers)))


def put(client: Client, archive: Archive, if_match: str, content: Any) -> Any:
    return client.put(
        f"/api/archives/{archive.pk}/",
        json.dumps({"name": "Late", "content": content}),
        content_type="application/json",
        headers={"If-Match": if_match},
    )


def test_of_many_writes_over_one_revision_one_succeeds(archive: Archive) -> None:
    answers = at_once(archive, lambda client, n: put(client, archive, '"1"', {"writer": n}))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: MANY - 1}
    (winner,) = [n for n, answer in enumerate(answers) if answer.status_code == 200]
    archive.refresh_from_db()
    assert (archive.content, archive.revision) == ({"writer": winner}, 2)


def test_whoever_reads_again_and_retries_loses_nothing(archive: Archive) -> None:
    def add(client: Client, n: int) -> str:
        while True:
            read = client.get(f"/api/archives/{archive.pk}/")
            writers = read.json()["content"].get("writers", [])
            answer = put(client, archive, read.headers["ETag"], {"writers": [*writers, n]})
            if answer.status_code == 200:
                return str(answer.headers["ETag"])
            assert answer.status_code == 412

    tags = at_once(archive, add, WRITERS)
    archive.refresh_from_db()
    assert sorted(archive.content["writers"]) == list(range(WRITERS))
    assert {tag.partition(".")[0] for tag in tags} == {
        f'"{revision}' for revision in range(2, WRITERS + 2)
    }


def test_a_write_over_any_revision_does_not_take_it_out_of_the_bin(archive: Archive) -> None:
    def write(client: Client, n: int) -> int:
        if n:
            return int(put(client, archive, "*", {"writer": n}).status_code)
        headers = {"If-Match": "*"}
        return int(client.delete(f"/api/archives/{archive.pk}/", headers=headers).status_code)

    statuses = at_once(archive, write)
    assert statuses[0] == 204
    assert set(statuses[1:]) <= {200, 409, 412}
    archive.refresh_from_db()
    assert archive.deleted is not None
    assert archive.revision == 2 + statuses.count(200)
