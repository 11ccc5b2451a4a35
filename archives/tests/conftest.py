"""One archive of each kind, and who may ask for it."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.test import Client

from archives.models import Archive, Visibility
from vibomat.accounts.models import User

# `reader` is of the staff too, and may view archives; `staff` may not.
VIEWERS = ("anonymous", "owner", "other", "staff", "reader")
KINDS = ("private", "unlisted", "public", "deleted", "ownerless", "nobodys")
VISIBILITY = {
    "private": Visibility.PRIVATE,
    "unlisted": Visibility.UNLISTED,
    "nobodys": Visibility.PRIVATE,
}
# What all have a track matched to.
COMMON_TRACK = uuid.UUID(int=1)


@dataclass
class House:
    """`clients` by viewer, `archives` by kind; each archive's texts bear its kind."""

    clients: dict[str, Client]
    users: dict[str, User]
    archives: dict[str, Archive]

    @staticmethod
    def of_its_own(kind: str) -> dict[str, Any]:
        """What no archive of another kind has; of a kind that is none, what no archive has."""
        return {
            "kind": kind,
            "duration": 1000 + (*KINDS, "absent").index(kind),
            "track": uuid.uuid5(COMMON_TRACK, kind),
        }

    def address(self, kind: str, action: str = "") -> str:
        return f"/api/archives/{self.archives[kind].pk}/{action}"

    def kinds(self, body: dict[str, Any]) -> set[str]:
        """Which of the archives are in a list's results."""
        kinds = {str(archive.pk): kind for kind, archive in self.archives.items()}
        return {kinds[row["id"]] for row in body["results"]}


@pytest.fixture(scope="module")
def _house(django_db_setup: None, django_db_blocker: Any) -> Iterator[House]:
    """Built once for a module's tests; each undoes what it changed."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build_house()
        transaction.set_rollback(True)


@pytest.fixture
def house(_house: House, db: None) -> House:
    return _house


def build_house() -> House:
    users = {
        viewer: User.objects.create_user(f"{viewer}@example.org", handle=viewer)
        for viewer in VIEWERS[1:]
    }
    User.objects.filter(handle__in=["staff", "reader"]).update(is_staff=True)
    users["reader"].user_permissions.add(Permission.objects.get(codename="view_archive"))
    clients = {viewer: Client() for viewer in VIEWERS}
    for viewer, user in users.items():
        clients[viewer].force_login(user)
    archives = {}
    for kind in KINDS:
        archives[kind] = Archive.objects.create(
            owner=None if kind in ("ownerless", "nobodys") else users["owner"],
            name=f"Name of the {kind} one",
            description=f"Secret of the {kind} one",
            visibility=VISIBILITY.get(kind, Visibility.PUBLIC),
            deleted=datetime(2026, 1, 2, tzinfo=UTC) if kind == "deleted" else None,
            provider="spotify",
            provider_id=f"id-{kind}",
            content={
                "tracks": [
                    {
                        "artist": f"Artist {kind}",
                        "track": "Song",
                        "album": f"Album {kind}",
                        "duration_ms": House.of_its_own(kind)["duration"],
                    }
                ],
                "metadata": {"mood": "calm", "tags": [f"tag-{kind}", "common"]},
            },
        )
        Archive.objects.filter(pk=archives[kind].pk).update(
            catalogue_tracks=[COMMON_TRACK, House.of_its_own(kind)["track"]]
        )
    return House(clients, users, archives)


ROWS = 12_000
FILL = f"""
INSERT INTO playlist (name, visibility, status, content)
SELECT 'night ' || md5(n::text), CASE WHEN n % 3 = 0 THEN 'public' ELSE 'private' END,
    CASE WHEN n % 1000 = 0 THEN 'synced' ELSE 'draft' END,
    jsonb_build_object('tracks', jsonb_build_array(jsonb_build_object('artist', 'Air')))
FROM generate_series(1, {ROWS}) AS n
"""


@pytest.fixture(scope="module")
def many(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """So many archives that a plan means something; all have the artist Air, a third is public."""
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute(FILL)
            cursor.execute("VACUUM ANALYZE playlist, archive_lexeme")
        yield
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE playlist, archive_lexeme CASCADE")
            cursor.execute("RESET statement_timeout")
