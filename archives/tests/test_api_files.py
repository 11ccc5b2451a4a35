"""Archives go out as files and come in as files over HTTP."""

import gzip
import io
import json
from typing import Any
from unittest import mock

import pytest
import zstandard
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from archives import exporting, formats
from archives.api import files
from archives.api.parsers import MAX_BODY_BYTES
from archives.formats import Format
from archives.models import Archive, Visibility
from archives.tests.playlists import only
from vibomat.accounts.models import User

IMPORT = "/api/archives/import/"
WRITTEN = [format for format in Format if format.is_written]
LOSSLESS = [Format.VIBOMAT, Format.JSPF, Format.XSPF]
CONTENT: dict[str, Any] = {
    "name": "Día",
    "tracks": [
        {"artist": "Beyoncé", "track": "Halo", "duration_ms": 261000, "mine": {"ü": [1, None]}},
        {"artist": "方", "track": "=1+1", "album": "\u2028", "playable": {"spotify": False}},
    ],
    "metadata": {"mood": "calm", "tags": ["a", "b"], "source_version": 3},
    "further": [True, {"x": 1.5}],
}


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("ann@example.org", handle="ann")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def archive(user: User) -> Archive:
    return Archive.objects.create(
        owner=user,
        name="Día / Noche",
        visibility=Visibility.PUBLIC,
        provider="spotify",
        provider_id="x",
        content=CONTENT,
    )


def export(client: Client, archive: Archive, query: str = "", **headers: str) -> Any:
    return client.get(f"/api/archives/{archive.pk}/export/?{query}", headers=headers)


def upload(
    client: Client, body: bytes | str, query: str = "", type: str = "application/octet-stream"
) -> Any:
    return client.post(f"{IMPORT}?{query}", body, content_type=type)


def lines(*names: str) -> bytes:
    rows = [{"name": name, "tracks": [{"artist": "Air", "track": "Talisman"}]} for name in names]
    return "\n".join(map(json.dumps, rows)).encode()


class TestExport:
    @pytest.mark.parametrize("format", WRITTEN)
    def test_the_file_has_its_formats_type_name_and_content(
        self, client: Client, archive: Archive, format: Format
    ) -> None:
        response = export(client, archive, f"to={format}", Accept="image/png")
        assert response.status_code == 200
        assert response.headers["Content-Type"].partition(";")[0] == format.media_type
        name = f"d%C3%ADa-noche-{archive.pk.hex[-8:]}{format.suffix}"
        assert response.headers["Content-Disposition"] == f"attachment; filename*=utf-8''{name}"
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert formats.detect(response.content) == format
        found = only(response.content)
        assert [track["track"] for track in found.content["tracks"]] == ["Halo", "=1+1"]

    def test_without_a_format_nothing_is_lost(self, client: Client, archive: Archive) -> None:
        assert only(export(client, archive).content) == exporting.playlist_of(archive)

    @pytest.mark.parametrize("name", ['a"; filename="b.exe', "a\r\nSet-Cookie: x=1", "../..", "漢"])
    def test_no_name_breaks_the_header(self, client: Client, user: User, name: str) -> None:
        made = Archive.objects.create(owner=user, name=name, content=CONTENT)
        said = export(client, made).headers["Content-Disposition"]
        assert said.startswith("attachment; filename")
        assert not set(said.removeprefix("attachment; ")) & set(";\r\n/\\")
        assert said.count('"') in (0, 2)

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("to=mp3", "to"),
            ("to=kcrw", "to"),
            ("to=", "to"),
            ("to=csv&to=xspf", "to"),
            ("to=%00", "to"),
            ("format=csv", "format"),
            ("to=csv&x=1", "x"),
        ],
    )
    def test_a_bad_parameter_is_a_400_that_names_it(
        self, client: Client, archive: Archive, query: str, field: str
    ) -> None:
        response = export(client, archive, query)
        assert response.status_code == 400
        assert list(response.json()) == [field]

    def test_what_no_file_holds_is_refused(self, client: Client, archive: Archive) -> None:
        deep: Any = 1
        for _ in range(200):
            deep = [deep]
        Archive.objects.update(content={"metadata": {"older_content": deep}})
        response = export(client, archive, "to=jspf")
        assert response.status_code == 400
        assert list(response.json()) == ["to"]


class TestImport:
    @pytest.mark.parametrize("format", LOSSLESS)
    def test_what_was_downloaded_is_uploaded_as_it_was(
        self, client: Client, archive: Archive, format: Format
    ) -> None:
        data = export(client, archive, f"to={format}").content
        response = upload(client, data, type=format.media_type)
        assert response.status_code == 201
        (created,) = response.json()["created"]
        copy = Archive.objects.get(pk=created["id"])
        assert created["name"] == copy.name == archive.name
        assert copy.owner == archive.owner
        before, after = exporting.playlist_of(archive), exporting.playlist_of(copy)
        assert after.content == before.content
        assert (after.visibility, after.provider, after.provider_id) == ("public", "spotify", "x")

    @pytest.mark.parametrize("format", WRITTEN)
    def test_every_format_is_told_by_its_content(
        self, client: Client, archive: Archive, format: Format
    ) -> None:
        data = export(client, archive, f"to={format}").content
        created = upload(client, data, type="text/plain; charset=utf-8").json()["created"]
        tracks = Archive.objects.get(pk=created[0]["id"]).content["tracks"]
        assert [track["artist"] for track in tracks] == ["Beyoncé", "方"]

    def test_a_form_may_bear_the_file(self, client: Client, user: User) -> None:
        sent = SimpleUploadedFile("Late Night.csv", b"Track Name,Artist Name(s)\nTalisman,Air\n")
        response = client.post(IMPORT, {"file": sent})
        assert response.status_code == 201, response.content
        archive = Archive.objects.get()
        assert (archive.name, archive.owner) == ("Late Night", user)
        assert (archive.visibility, archive.content["tracks"][0]["artist"]) == ("private", "Air")

    @pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
    def test_the_file_may_be_compressed(self, client: Client, pack: Any) -> None:
        response = upload(client, pack(lines("a", "b")), type="application/gzip")
        assert [row["name"] for row in response.json()["created"]] == ["a", "b"]

    def test_sent_again_nothing_is_stored_twice(self, client: Client) -> None:
        assert upload(client, lines("a", "b")).status_code == 201
        again = upload(client, lines("a", "c", "b"))
        assert again.status_code == 201
        assert [row["name"] for row in again.json()["created"]] == ["c"]
        assert again.json()["unchanged"] == 2
        third = upload(client, lines("a"))
        assert (third.status_code, third.json()["created"]) == (200, [])
        assert Archive.objects.count() == 3

    def test_what_is_skipped_is_told_by_its_place(self, client: Client) -> None:
        rows = [
            {
                "name": "a",
                "tracks": [{"artist": "Air"}, {"track": ""}, {"artist": "M", "duration_ms": -1}],
            },
            {"tracks": []},
        ]
        body = upload(client, json.dumps(rows)).json()
        assert [row["name"] for row in body["created"]] == ["a"]
        assert body["skipped_count"] == 3
        assert [
            (row["playlist"], row["track"], row["field"], bool(row["reason"]))
            for row in body["skipped"]
        ] == [(0, 1, "", True), (0, 2, "duration_ms", True), (1, None, "", True)]

    def test_of_much_that_is_skipped_the_first_is_listed(self, client: Client) -> None:
        rows = "\n".join(['{"tracks": []}'] * (files.LISTED + 5))
        body = upload(client, rows).json()
        assert (len(body["skipped"]), body["skipped_count"]) == (files.LISTED, files.LISTED + 5)

    @pytest.mark.parametrize("visibility", Visibility.values)
    def test_who_may_read_them_can_be_said(self, client: Client, visibility: str) -> None:
        upload(client, lines("a"), f"visibility={visibility}")
        assert Archive.objects.get().visibility == visibility

    def test_the_format_can_be_said(self, client: Client) -> None:
        text = "Air - Talisman\n"
        refused = upload(client, text)
        assert refused.status_code == 400
        response = upload(client, "# nothing\nhttp://example.org/a.mp3", "from=m3u8")
        assert response.status_code in (200, 201)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b" \n",
            b"nonsense",
            b"\0" * 100,
            b"\xff\xfe\x00n",
            b"{",
            b"[]",
            b"{}",
            b"null",
            b'{"a":' * 5000,
            b"<",
            b"<html></html>",
            b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><playlist>&e;</playlist>',
            gzip.compress(b"nonsense", mtime=0),
            gzip.compress(lines("a"), mtime=0)[:-9],
            gzip.compress(gzip.compress(lines("a"), mtime=0), mtime=0),
            b"\x1f\x8bnonsense",
            b"(\xb5/\xfdnonsense",
        ],
    )
    def test_a_file_that_cannot_be_read_is_a_400_that_says_why(
        self, client: Client, body: bytes
    ) -> None:
        for form in (False, True):
            if form:
                response = client.post(IMPORT, {"file": SimpleUploadedFile("x", body)})
            else:
                response = upload(client, body)
            assert response.status_code == 400, response.content
            (messages,) = response.json().values()
            assert messages[0].startswith("The file" if body else ("The file", "Send one file"))
        assert not Archive.objects.exists()

    def test_of_a_file_that_breaks_off_nothing_is_stored(self, client: Client) -> None:
        whole = b"[" + lines("a", "b").replace(b"\n", b",") + b"]"
        assert upload(client, whole[:-30]).status_code == 400
        assert not Archive.objects.exists()
        assert len(upload(client, whole).json()["created"]) == 2

    def test_more_playlists_than_one_request_may_store_are_refused(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "MAX_PLAYLISTS", 2)
        assert upload(client, lines("a", "b", "c")).json() == {
            "file": ["The file has more than 2 playlists: send it in parts."]
        }
        assert not Archive.objects.exists()
        assert upload(client, lines("a", "b")).status_code == 201

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("from=mp3", "from"),
            ("from=csv&from=csv", "from"),
            ("visibility=all", "visibility"),
            ("format=csv", "format"),
            ("owner=x", "owner"),
        ],
    )
    def test_a_bad_parameter_is_a_400_that_names_it(
        self, client: Client, query: str, field: str
    ) -> None:
        response = upload(client, lines("a"), query)
        assert response.status_code == 400
        assert list(response.json()) == [field]

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"file": "text"},
            {"other": SimpleUploadedFile("x", b"x")},
            {"file": [SimpleUploadedFile("x", b"x"), SimpleUploadedFile("y", b"y")]},
            {"file": SimpleUploadedFile("x", lines("a")), "from": "csv"},
        ],
    )
    def test_a_form_has_one_file_and_nothing_else(
        self, client: Client, fields: dict[str, Any]
    ) -> None:
        response = client.post(IMPORT, fields)
        assert response.status_code == 400
        assert not Archive.objects.exists()

    @pytest.mark.parametrize(
        "type", ["image/png", "application/x-www-form-urlencoded", "nonsense", "video/*"]
    )
    def test_what_is_no_type_of_a_file_of_playlists_is_a_415(
        self, client: Client, type: str
    ) -> None:
        assert upload(client, lines("a"), type=type).status_code == 415

    @pytest.mark.parametrize("strict", [False, True])
    @pytest.mark.parametrize(
        "type", ["application/json", "multipart/form-data; boundary=x", "multipart/form-data"]
    )
    def test_a_large_body_is_refused_before_it_is_read(
        self, user: User, type: str, strict: bool
    ) -> None:
        client = Client(enforce_csrf_checks=strict)
        client.force_login(user)
        stream = mock.Mock(spec=io.BytesIO, wraps=io.BytesIO(b"x"))
        response = client.generic(
            "POST",
            IMPORT,
            b"x",
            content_type=type,
            **{"CONTENT_LENGTH": str(MAX_BODY_BYTES + 1), "wsgi.input": stream},  # type: ignore[arg-type]
        )
        assert response.status_code == 413
        assert response.json() == {"detail": f"A body may have at most {MAX_BODY_BYTES:,} bytes."}
        stream.read.assert_not_called()

    def test_what_unpacks_to_too_much_is_refused(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "MAX_UNPACKED_BYTES", 1 << 20)
        response = upload(client, gzip.compress(b" " * (1 << 23)))
        assert response.status_code == 413
        assert "uncompressed" in response.json()["detail"]

    def test_chunks_are_refused(self, client: Client) -> None:
        response = client.generic(
            "POST",
            IMPORT,
            b"",
            content_type="application/json",
            headers={"Transfer-Encoding": "chunked"},
            CONTENT_LENGTH="",
        )
        assert response.status_code == 411

    def test_a_broken_form_is_a_400(self, user: User) -> None:
        for strict in (False, True):
            client = Client(enforce_csrf_checks=strict)
            client.force_login(user)
            for type in ("multipart/form-data", "multipart/form-data; boundary=x"):
                response = upload(client, b"--x\r\nnonsense", type=type)
                assert response.status_code in ((400, 403) if strict else (400,))

    def test_a_session_needs_its_token(self, user: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        assert upload(client, lines("a")).status_code == 403
        assert not Archive.objects.exists()
