"""Who sees which archives, and what the database writes beside them."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from model_bakery import baker

from archives.fields import uuid7
from archives.models import Archive
from vibomat.accounts.models import User

pytestmark = pytest.mark.django_db

KINDS = ["private", "unlisted", "public", "private in the bin", "unlisted in the bin",
         "public in the bin"]  # fmt: skip
ALIVE = {"private", "unlisted", "public"}
BIN = set(KINDS) - ALIVE


@pytest.fixture
def people() -> dict[str, Any]:
    owner, other = baker.make(User, is_active=True, is_staff=False, _quantity=2)
    plain_staff, staff = baker.make(User, is_active=True, is_staff=True, _quantity=2)
    staff.user_permissions.add(Permission.objects.get(codename="view_archive"))
    has_permission = baker.make(User, is_active=True, is_staff=False)
    has_permission.user_permissions.add(Permission.objects.get(codename="view_archive"))
    for name in KINDS:
        visibility, _, deleted = name.partition(" in the ")
        for holder in (owner, None):
            Archive.objects.create(
                name=name,
                owner=holder,
                visibility=visibility,
                deleted=datetime(2026, 1, 1, tzinfo=UTC) if deleted else None,
            )
    return {
        "anonymous": AnonymousUser(),
        "owner": owner,
        "other": other,
        "inactive owner": User(pk=owner.pk, is_active=False, is_staff=True, is_superuser=True),
        "plain staff": plain_staff,
        "permission without staff": has_permission,
        "staff": staff,
        "superuser": baker.make(User, is_active=True, is_staff=True, is_superuser=True),
    }


SEES = {
    # who: (visible_to, readable_by, owned_by, bin_of), of the owner's archives
    "anonymous": ({"public"}, {"public", "unlisted"}, set(), set()),
    "owner": (ALIVE, ALIVE, ALIVE, BIN),
    "other": ({"public"}, {"public", "unlisted"}, set(), set()),
    "inactive owner": ({"public"}, {"public", "unlisted"}, set(), set()),
    "plain staff": ({"public"}, {"public", "unlisted"}, set(), set()),
    "permission without staff": ({"public"}, {"public", "unlisted"}, set(), set()),
    "staff": (ALIVE, ALIVE, set(), set()),
    "superuser": (ALIVE, ALIVE, set(), set()),
}


def test_who_sees_what(people: dict[str, Any]) -> None:
    found = {}
    for who, user in people.items():
        scopes = [
            getattr(Archive.objects, scope)(user).filter(owner=people["owner"])
            for scope in ("visible_to", "readable_by", "owned_by", "bin_of")
        ]
        found[who] = tuple({archive.name for archive in scope} for scope in scopes)
    assert found == SEES


def test_what_nobody_owns_is_nobodys(people: dict[str, Any]) -> None:
    for who, user in people.items():
        sees = {a.name for a in Archive.objects.visible_to(user).filter(owner=None)}
        assert sees == (ALIVE if who in ("staff", "superuser") else {"public"})
        assert not Archive.objects.owned_by(user).filter(owner=None).exists()
        assert not Archive.objects.bin_of(user).filter(owner=None).exists()


def test_public_is_the_same_for_all(people: dict[str, Any]) -> None:
    assert [archive.name for archive in Archive.objects.public()] == ["public", "public"]


def test_the_bin_takes_and_returns() -> None:
    archive = Archive.objects.create(name="Late")
    archive.soft_delete()
    time = archive.deleted
    assert time is not None
    archive.soft_delete()
    assert Archive.objects.get().deleted == time
    archive.restore()
    assert Archive.objects.get().deleted is None
    assert Archive.objects.soft_delete() == 1
    assert Archive.objects.soft_delete() == 0
    assert Archive.objects.restore() == 1
    assert Archive.objects.restore() == 0
    assert Archive.objects.all().delete()[0] == 1


def test_a_copy_is_a_private_draft_and_outlives_its_source() -> None:
    owner, other = baker.make(User, _quantity=2)
    source = Archive.objects.create(
        name="Late",
        description="For late",
        owner=owner,
        visibility="public",
        status="synced",
        provider="spotify",
        provider_id="37i9",
        last_synced=datetime(2026, 1, 1, tzinfo=UTC),
        content={"tracks": [{"artist": "Air", "duration_ms": 5}]},
    )
    copy = source.derive_copy(other)
    found = Archive.objects.get(pk=copy.pk)
    assert (found.owner, found.derived_from, found.name) == (other, source, "Late")
    assert (found.description, found.content) == ("For late", source.content)
    assert (found.visibility, found.status, found.provider) == ("private", "draft", "")
    assert (found.provider_id, found.last_synced, found.revision) == ("", None, 1)
    copy.content["tracks"].append({})
    assert source.content == {"tracks": [{"artist": "Air", "duration_ms": 5}]}
    source.delete()
    assert Archive.objects.get(pk=copy.pk).derived_from is None
    other.delete()
    assert not Archive.objects.exists()


def test_an_archive_has_its_id_before_it_is_saved() -> None:
    before = datetime.now(UTC)
    archive = Archive(name="Late")
    assert archive.pk.version == 7
    saved = Archive.objects.create(name="Late")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO playlist (name) VALUES ('Late') RETURNING id")
        [(by_database,)] = cursor.fetchall()
    assert by_database.version == 7
    for pk in (archive.pk, saved.pk, by_database):
        made = datetime.fromtimestamp((pk.int >> 80) / 1000, UTC)
        assert abs((made - before).total_seconds()) < 60
    assert archive.pk < saved.pk < by_database


def test_ids_made_here_are_distinct_and_well_formed() -> None:
    ids = [uuid7() for _ in range(10_000)]
    assert len(set(ids)) == len(ids)
    assert {(pk.version, pk.variant) for pk in ids} == {(7, uuid.RFC_4122)}


def test_the_database_counts_tracks_and_their_duration_whoever_writes() -> None:
    archive = Archive.objects.create(
        name="Late", content={"tracks": [{"duration_ms": 5}, {}, {"duration_ms": 7}]}
    )
    assert (archive.track_count, archive.total_duration_ms, archive.revision) == (3, 12, 1)
    archive.content = {"tracks": [{"duration_ms": 5}]}
    archive.save()
    assert (archive.track_count, archive.total_duration_ms, archive.revision) == (1, 5, 2)
    updated = archive.updated
    assert updated > archive.created
    Archive.objects.update(content={"tracks": []}, track_count=99, revision=1)
    archive.refresh_from_db()
    assert (archive.track_count, archive.total_duration_ms, archive.revision) == (0, None, 3)
    assert archive.updated > updated
    Archive.objects.update(total_duration_ms=99)
    archive.refresh_from_db()
    assert (archive.total_duration_ms, archive.revision) == (None, 4)


@pytest.mark.parametrize(
    ("tracks", "count", "total"),
    [
        ("null", 0, None),
        ("{}", 0, None),
        ("[]", 0, None),
        ('["a", null, 5]', 3, None),
        ('[{"duration_ms": "5"}, {"duration_ms": -5}, {"duration_ms": null}]', 3, None),
        ('[{"duration_ms": 2.9}, {"duration_ms": 1e400}, {"duration_ms": 4294967296}]', 3, 2),
        ('[{"duration_ms": 4294967295}, {"duration_ms": 4294967295}]', 2, 8589934590),
        ('[[{"duration_ms": 5}]]', 1, None),
        ('[{"duration_ms": [5]}]', 1, None),
    ],
)
def test_tracks_of_any_shape_are_counted(tracks: str, count: int, total: int | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO playlist (name, content) VALUES ('x', %s) "
            "RETURNING track_count, total_duration_ms",
            [f'{{"tracks": {tracks}}}'],
        )
        assert cursor.fetchone() == (count, total)


def test_a_revision_tells_whether_somebody_wrote_meanwhile() -> None:
    archive = Archive.objects.create(name="Late")
    mine = Archive.objects.filter(pk=archive.pk, revision=archive.revision)
    assert mine.update(name="Mine") == 1
    assert mine.update(name="Yours") == 0


def test_the_database_refuses_what_no_validation_let_pass() -> None:
    values: dict[str, Any]
    for values in ({"visibility": "secret"}, {"content": []}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Archive.objects.create(name="x", **values)
    with pytest.raises(ValidationError, match="visibility"):
        Archive(name="x", visibility="secret").full_clean()
