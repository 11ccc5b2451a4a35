"""Archives' tracks matched to the catalogue: what is answered, kept, found and forgotten."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from archives import editing, resolving
from archives.models import Archive
from archives.partitions import Period
from search.models import Track
from search.plans import plans_of
from search.resolve import Entry, Resolution
from vibomat.accounts.models import User

TRACKS: list[Any] = [
    {"artist": "Radiohead", "track": "Creep", "album": "Pablo Honey"},
    {"artist": "Radio Head", "track": "Paranoit Androd"},
    {"artist": "Radiohead", "track": "Marmalade Sundial"},
    {"artist": "Radiohead"},
    {"artist": "radiohead", "track": "creep", "duration_ms": None},
]


@pytest.fixture
def catalogue(db: None) -> dict[str, Track]:
    return {
        title: Track.objects.create(artist_credit="Radiohead", title=title, album=album)
        for title, album in [("Creep", "Pablo Honey"), ("Paranoid Android", "OK Computer")]
    }


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("ann@example.org", handle="ann")


@pytest.fixture
def archive(owner: User) -> Archive:
    return Archive.objects.create(owner=owner, name="Late", content={"tracks": TRACKS})


@pytest.fixture
def client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def resolve(client: Client, archive: Archive, **headers: str) -> Any:
    return client.post(f"/api/archives/{archive.pk}/resolve/", headers=headers)


def kept(archive: Archive) -> tuple[Any, Any]:
    return Archive.objects.values_list("catalogue_tracks", "resolution").get(pk=archive.pk)


class TestAnswer:
    def test_a_field_in_a_body_is_refused(self, client: Client, archive: Archive) -> None:
        address = f"/api/archives/{archive.pk}/resolve/"
        response = client.post(address, {"tracks": []}, content_type="application/json")
        assert response.status_code == 400
        assert response.json() == {"tracks": ["There is no such field."]}
        for body in ("", "{}"):
            response = client.post(address, body, content_type="application/json")
            assert response.status_code == 200

    def test_each_track_has_what_a_list_of_them_has(
        self, client: Client, archive: Archive, catalogue: dict[str, Track]
    ) -> None:
        response = resolve(client, archive)
        assert response.status_code == 200
        assert response.headers["ETag"] == '"1"'
        entries = [
            {
                "artist": track["artist"],
                "title": track.get("track", ""),
                "album": track.get("album"),
            }
            for track in TRACKS
        ]
        searched = client.post(
            "/api/search/resolve/", {"tracks": entries}, content_type="application/json"
        )
        assert searched.status_code == 200
        assert response.json() == searched.json()
        found = response.json()["results"]
        assert [row["grade"] for row in found] == ["exact", "close", "none", "none", "exact"]
        creep, android = (str(catalogue[name].pk) for name in ("Creep", "Paranoid Android"))
        ids = [row["track"] and row["track"]["id"] for row in found]
        assert ids == [creep, android, None, None, creep]

    def test_the_result_is_kept_and_is_no_edit(
        self, client: Client, archive: Archive, catalogue: dict[str, Track]
    ) -> None:
        before = Archive.objects.values("revision", "updated", "content").get()
        found = resolve(client, archive).json()["results"]
        creep, android = catalogue["Creep"].pk, catalogue["Paranoid Android"].pk
        tracks, resolution = kept(archive)
        assert tracks == [creep, android, None, None, creep]
        assert resolution == [
            {"confidence": row["confidence"], "grade": row["grade"]} for row in found
        ]
        assert Archive.objects.values("revision", "updated", "content").get() == before

    @pytest.mark.parametrize(
        "content",
        [
            {},
            {"tracks": None},
            {"tracks": []},
            {"tracks": {"artist": "Radiohead"}},
        ],
    )
    def test_an_archive_without_tracks_has_no_results(
        self, client: Client, archive: Archive, content: Any
    ) -> None:
        Archive.objects.update(content=content)
        assert resolve(client, archive).json() == {"results": []}
        assert kept(archive) == ([], [])

    def test_older_content_that_is_no_track_means_none(
        self, client: Client, archive: Archive, catalogue: dict[str, Track]
    ) -> None:
        odd: list[Any] = [
            1, None, "Radiohead - Creep", [], {"artist": ["Radiohead"], "track": {}},
            {"artist": "x" * 5000, "track": "y" * 100_000},
            {"artist": "Radiohead", "track": "Creep", "album": 5, "duration_ms": "4:58"},
            {"artist": "Radiohead", "track": "Creep", "duration_ms": 1.5},
            {"artist": "Radiohead", "track": "Creep", "duration_ms": 10**30},
        ]  # fmt: skip
        Archive.objects.update(content={"tracks": odd})
        response = resolve(client, archive)
        assert response.status_code == 200
        grades = [row["grade"] for row in response.json()["results"]]
        assert grades == ["none"] * 6 + ["exact"] * 3

    def test_a_track_that_stands_twice_is_looked_for_once(
        self, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[Entry] = []

        def fake(entries: list[Entry]) -> list[Resolution]:
            asked.extend(entries)
            return [Resolution()] * len(entries)

        monkeypatch.setattr(resolving, "resolve", fake)
        Archive.objects.update(content={"tracks": [TRACKS[0], TRACKS[1], TRACKS[0]] * 50})
        archive.refresh_from_db()
        assert len(resolving.resolve_tracks(archive)) == 150
        assert len(asked) == 2


class TestFinding:
    def test_archives_are_found_by_a_track_of_the_catalogue(
        self, client: Client, archive: Archive, catalogue: dict[str, Track]
    ) -> None:
        def found(pk: Any) -> list[str]:
            response = client.get("/api/archives/", {"catalogue_track": str(pk)})
            return [row["id"] for row in response.json()["results"]]

        assert found(catalogue["Creep"].pk) == []
        resolve(client, archive)
        for track in catalogue.values():
            assert found(track.pk) == [str(archive.pk)]
        assert found(uuid.uuid4()) == []
        Archive.objects.update(content={"tracks": TRACKS[1:2]})
        assert found(catalogue["Paranoid Android"].pk) == []

    @pytest.mark.parametrize("value", ["x", "1", "%00", " ", "8f9b9c62", "é" * 32])
    def test_what_is_no_id_is_refused(self, client: Client, value: str) -> None:
        response = client.get("/api/archives/", {"catalogue_track": value})
        assert response.status_code == 400
        assert response.json() == {"catalogue_track": ["Enter a UUID."]}

    @pytest.mark.django_db(transaction=True)
    def test_the_index_finds_them(self) -> None:
        wanted = uuid.uuid4()
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO playlist (name, visibility)"
                " SELECT 'Number ' || n, 'public' FROM generate_series(1, 5000) AS n"
            )
            cursor.execute(
                "UPDATE playlist SET catalogue_tracks = ARRAY[gen_random_uuid(), NULL]"
                " WHERE name LIKE '%%5'"
            )
            cursor.execute(
                "UPDATE playlist SET catalogue_tracks = ARRAY[gen_random_uuid(), %s]"
                " WHERE name LIKE '%%00'",
                [wanted],
            )
            cursor.execute("VACUUM ANALYZE playlist")
        rows = Archive.objects.public().by_paths({"catalogue_track": wanted})
        this = Period.of(Period.now().start, 3).name

        def plan(ask: Callable[[], object]) -> str:
            plans = [text for text in plans_of(ask) if "catalogue_tracks" in text]
            assert plans
            return "\n".join(plans)

        assert len(rows.newest(20)) == 20 and len(rows) == 50
        for ask in (lambda: rows.newest(20), lambda: len(rows.all())):
            found = plan(ask)
            assert f"{this}_archive_catalogue_track" in found, found
            assert f"Seq Scan on {this} " not in found, found


def save(archive: Archive) -> None:
    stale = Archive.objects.get(pk=archive.pk)
    stale.content = {"tracks": TRACKS[1:]}
    stale.save()


def save_again(archive: Archive) -> None:
    stale = Archive.objects.get(pk=archive.pk)
    Archive.objects.filter(pk=archive.pk).update(content={"tracks": TRACKS[1:]})
    stale.content = {"tracks": TRACKS[1:]}
    stale.save()
    stale.name = "Other"
    stale.save()


class TestForgetting:
    @pytest.fixture(autouse=True)
    def resolved(self, archive: Archive, catalogue: dict[str, Track]) -> None:
        resolving.resolve_tracks(archive)
        assert kept(archive)[0]

    @pytest.mark.parametrize(
        "change",
        [
            lambda archive: Archive.objects.update(content={"tracks": TRACKS[:-1]}),
            lambda archive: Archive.objects.update(content={"tracks": TRACKS[::-1]}),
            lambda archive: Archive.objects.update(content={}),
            save,
            save_again,
        ],
    )
    def test_other_tracks_have_no_result(
        self, archive: Archive, change: Callable[[Archive], object]
    ) -> None:
        change(archive)
        assert kept(archive) == (None, None)

    def test_other_changes_leave_it(self, archive: Archive) -> None:
        before = kept(archive)
        Archive.objects.update(name="Other", visibility="public")
        Archive.objects.update(content={"tracks": TRACKS, "metadata": {"mood": "calm"}})
        assert kept(archive) == before
        archive = Archive.objects.get()
        archive.soft_delete()
        assert kept(archive) == before

    def test_who_saves_what_they_read_before_loses_nothing(self, archive: Archive) -> None:
        before = kept(archive)
        # `archive` was read before it was matched.
        assert archive.catalogue_tracks is None
        archive.name = "Other"
        archive.save()
        assert kept(archive) == before
        assert (archive.catalogue_tracks, archive.resolution) == before

    def test_a_copy_has_none_and_nobody_can_give_one(self, archive: Archive, owner: User) -> None:
        assert kept(archive.derive_copy(owner)) == (None, None)
        made = Archive.objects.create(name="x", catalogue_tracks=[uuid.uuid4()], resolution=[])
        assert kept(made) == (None, None)


class TestConcurrency:
    def test_what_was_changed_meanwhile_is_not_matched(
        self, client: Client, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def edited_meanwhile(entries: list[Entry]) -> list[Resolution]:
            Archive.objects.update(content={"tracks": TRACKS[:1]})
            return [Resolution()] * len(entries)

        monkeypatch.setattr(resolving, "resolve", edited_meanwhile)
        response = resolve(client, archive)
        assert response.status_code == 412
        assert kept(archive) == (None, None)
        archive.refresh_from_db()
        assert archive.content == {"tracks": TRACKS[:1]}
        with pytest.raises(editing.StaleRevision):
            resolving.resolve_tracks(archive)

    @pytest.mark.parametrize(
        ("if_match", "status"), [('"1"', 200), ("*", 200), ('"2"', 412), ("x", 400)]
    )
    def test_a_revision_may_be_asked_for(
        self, client: Client, archive: Archive, if_match: str, status: int
    ) -> None:
        assert resolve(client, archive, **{"If-Match": if_match}).status_code == status
        assert (kept(archive)[0] is not None) == (status == 200)


def test_neither_one_nor_a_list_shows_what_is_kept(
    client: Client, archive: Archive, catalogue: dict[str, Track]
) -> None:
    resolve(client, archive)
    for address in (f"/api/archives/{archive.pk}/", "/api/archives/"):
        body = client.get(address).content.decode()
        assert str(catalogue["Creep"].pk) not in body
        assert "resolution" not in json.loads(body)
