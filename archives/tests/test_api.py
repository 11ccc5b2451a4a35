"""Archives over HTTP: what is written is read again, and an error is told by its place."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from archives.api.parsers import MAX_BODY_BYTES
from archives.content import MAX_BYTES
from archives.index_sizes import index_sizes
from archives.models import Archive, Visibility
from archives.paths import PATHS
from vibomat.accounts.models import AccessToken, User

NO_ID = str(uuid.UUID(int=1))
CONTENT: dict[str, Any] = {
    "name": "Inside",
    "tracks": [
        {"artist": "Beyoncé", "track": "Halo", "duration_ms": 261000, "mine": {"ü": [1, None]}},
        {"artist": "方", "duration_ms": 1000, "provider_ids": {"spotify": "x"}},
    ],
    "metadata": {"mood": "calm", "tags": ["a", "b"], "source_version": 3, "further": 1.5},
    "further": [True, "\\u0000"],
}


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("ann@example.org", handle="ann")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def send(
    client: Client, method: str, address: str, body: Any = None, if_match: str | None = None
) -> Any:
    """Send a body as JSON, or as it is if it is text or bytes."""
    data = body if isinstance(body, str | bytes) else "" if body is None else json.dumps(body)
    headers = {} if if_match is None else {"If-Match": if_match}
    call = getattr(client, method)
    return call(address, data, content_type="application/json", headers=headers)


def create(client: Client, **body: Any) -> dict[str, Any]:
    response = send(client, "post", "/api/archives/", {"name": "Late"} | body)
    assert response.status_code == 201, response.content
    answer: dict[str, Any] = response.json()
    return answer


def revision_told(response: Any) -> int:
    """By the ETag."""
    told = re.fullmatch(r'"(\d+)\.[0-9a-f]{8}"', response.headers["ETag"])
    assert told is not None
    return int(told[1])


def address(archive: dict[str, Any], action: str = "") -> str:
    return f"/api/archives/{archive['id']}/{action}"


class TestOne:
    def test_what_is_created_is_read_again_whole(self, client: Client, user: User) -> None:
        given = {
            "name": "Late",
            "description": "For the way home",
            "visibility": "public",
            "status": "synced",
            "provider": "spotify",
            "provider_id": "x1",
            "last_synced": "2026-10-01T20:00:00Z",
            "content": CONTENT,
        }
        created = create(client, **given)
        row = Archive.objects.get()
        assert created == given | {
            "id": str(row.pk),
            "owner": {"id": str(user.pk), "handle": "ann"},
            "derived_from": None,
            "created": row.created.isoformat().replace("+00:00", "Z"),
            "updated": row.updated.isoformat().replace("+00:00", "Z"),
            "deleted": None,
            "revision": 1,
            "track_count": 2,
            "total_duration_ms": 262000,
        }
        response = client.get(address(created))
        assert response.json() == created
        assert revision_told(response) == 1

    def test_a_name_is_enough(self, client: Client) -> None:
        created = create(client)
        assert (created["content"], created["visibility"], created["status"]) == (
            {},
            "private",
            "draft",
        )

    def test_what_was_read_can_be_sent_back(self, client: Client) -> None:
        created = create(client, content=CONTENT)
        response = send(client, "put", address(created), created | {"name": "Later"}, '"1"')
        assert response.status_code == 200
        answer = response.json()
        assert answer["revision"] == 2
        assert revision_told(response) == 2
        same = ("id", "owner", "created", "content", "track_count")
        assert {name: answer[name] for name in same} == {name: created[name] for name in same}

    @pytest.mark.parametrize("if_match", ['"1"', "*"])
    @pytest.mark.parametrize(
        "values",
        [
            {},
            {"name": ""},
            {"name": " \n"},
            {"name": " Late "},
            {"description": "\n  indented\n", "provider": " p ", "provider_id": "\tx"},
            {"name": "x" * 1001, "status": " " * 51},
            {"last_synced": datetime(1, 1, 1, tzinfo=UTC)},
            {"content": {"tracks": [{"artist": 5}], "metadata": []}},
            {"content": {"x": [1, 1.0, True, 0.1, 10**30, 1e-300]}},
            {"content": {"x": json.loads("[" * 400 + "]" * 400)}},
        ],
    )
    def test_all_that_was_read_can_be_sent_back_and_changes_nothing(
        self, client: Client, user: User, values: dict[str, Any], if_match: str
    ) -> None:
        row = Archive.objects.create(**{"name": "Late", "content": CONTENT, "owner": user} | values)
        before = Archive.objects.values().get()
        read = client.get(f"/api/archives/{row.pk}/").json()
        for method in ("put", "patch"):
            response = send(client, method, address(read), read, if_match)
            assert (response.status_code, response.json()) == (200, read)
            assert revision_told(response) == 1
        assert Archive.objects.values().get() == before

    def test_what_is_sent_back_beside_a_change_stays_as_it_is(
        self, client: Client, user: User
    ) -> None:
        row = Archive.objects.create(name="", provider_id=" x ", content={"x": 0}, owner=user)
        read = client.get(f"/api/archives/{row.pk}/").json()
        for if_match, description in (('"1"', "one"), ("*", "two")):
            body = read | {"description": description}
            answer = send(client, "put", address(read), body, if_match).json()
            assert (answer["name"], answer["provider_id"]) == ("", " x ")
            assert answer["description"] == description
            assert answer["content"] == {"x": 0}

    @pytest.mark.parametrize("other", [1.0, True, "1", [1]])
    def test_numbers_that_python_takes_for_equal_are_changes(
        self, client: Client, other: Any
    ) -> None:
        created = create(client, content={"x": {"y": 1}})
        body = {"content": {"x": {"y": other}}}
        answer = send(client, "patch", address(created), body, '"1"').json()
        assert (json.dumps(answer["content"]), answer["revision"]) == (
            json.dumps(body["content"]),
            2,
        )

    @pytest.mark.parametrize("name", ["", " ", "\n"])
    def test_a_blank_name_is_refused_where_it_is_new(
        self, client: Client, user: User, name: str
    ) -> None:
        row = Archive.objects.create(name="  ", owner=user)
        for method, body in (("patch", {"name": name}), ("put", {"name": name, "content": {}})):
            response = send(client, method, f"/api/archives/{row.pk}/", body, "*")
            assert response.status_code == 400
            assert response.json() == {"name": ["This field may not be blank."]}

    def test_put_sets_what_is_left_out_to_its_default(self, client: Client) -> None:
        created = create(
            client, description="x", visibility="public", status="synced", provider="spotify",
            provider_id="1", last_synced="2026-10-01T20:00:00Z", content=CONTENT,
        )  # fmt: skip
        answer = send(client, "put", address(created), {"name": "N", "content": {}}, '"1"').json()
        assert answer == created | {
            "name": "N",
            "description": "",
            "visibility": "private",
            "status": "draft",
            "provider": "",
            "provider_id": "",
            "last_synced": None,
            "content": {},
            "track_count": 0,
            "total_duration_ms": None,
            "revision": 2,
            "updated": answer["updated"],
        }

    def test_put_wants_the_content(self, client: Client) -> None:
        response = send(client, "put", address(create(client)), {"name": "N"}, '"1"')
        assert response.status_code == 400
        assert response.json() == {"content": ["This field is required."]}

    def test_patch_changes_nothing_else(self, client: Client) -> None:
        created = create(client, description="x", content=CONTENT)
        answer = send(client, "patch", address(created), {"visibility": "public"}, '"1"').json()
        assert answer == created | {
            "visibility": "public",
            "revision": 2,
            "updated": answer["updated"],
        }
        assert answer["updated"] > created["updated"]

    @pytest.mark.parametrize("body", [{}, {"revision": 7, "owner": None, "created": "x"}])
    def test_patch_of_nothing_changes_nothing(self, client: Client, body: dict[str, Any]) -> None:
        created = create(client)
        response = send(client, "patch", address(created), body, '"1"')
        assert (response.status_code, response.json()) == (200, created)
        assert send(client, "patch", address(created), body, '"2"').status_code == 412

    def test_the_bin_and_back(self, client: Client) -> None:
        created = create(client)
        response = send(client, "delete", address(created), if_match='"1"')
        assert (response.status_code, response.content) == (204, b"")
        assert client.get("/api/archives/").json()["results"] == []
        (row,) = client.get("/api/archives/?deleted=true").json()["results"]
        assert row["id"] == created["id"]
        assert row["deleted"] is not None
        for method in ("put", "patch", "delete"):
            response = send(client, method, address(created), {}, '"2"')
            assert response.status_code == 409
        restored = send(client, "post", address(created, "restore/"), if_match='"2"')
        assert restored.json() == created | {"revision": 3, "updated": restored.json()["updated"]}
        again = send(client, "post", address(created, "restore/"))
        assert again.json() == restored.json()
        assert send(client, "post", address(created, "restore/"), if_match='"2"').status_code == 412

    def test_a_derived_copy_is_a_private_draft(self, client: Client, user: User) -> None:
        source = create(
            client, description="x", visibility="public", provider="spotify", provider_id="1",
            status="synced", content=CONTENT,
        )  # fmt: skip
        response = send(client, "post", address(source, "derive/"), {"name": "Mine"})
        assert response.status_code == 201
        copy = response.json()
        assert response.headers["Location"] == f"http://testserver{address(copy)}"
        assert copy["derived_from"] == source["id"] != copy["id"]
        assert copy["content"] == CONTENT
        names = ("name", "description", "visibility", "status", "provider", "provider_id")
        assert [copy[name] for name in names] == ["Mine", "x", "private", "draft", "", ""]
        assert send(client, "post", address(source, "derive/")).json()["name"] == "Late"

    @pytest.mark.parametrize("key", [NO_ID, "1", "not-an-id", "x" * 1000, "’", "paths"])
    def test_an_id_there_is_not_is_a_404(self, client: Client, key: str) -> None:
        response = client.get(f"/api/archives/{key}/nothing/")
        assert response.status_code == 404
        for method in ("put", "patch", "delete"):
            response = send(client, method, f"/api/archives/{key}/", {"name": "x"}, "*")
            assert response.status_code == (405 if key == "paths" else 404)

    def test_a_token_logs_in_and_needs_no_csrf_token(self, user: User) -> None:
        client = Client(enforce_csrf_checks=True)
        _, secret = AccessToken.objects.issue(user)
        response = client.post(
            "/api/archives/",
            {"name": "Late"},
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )
        assert response.status_code == 201
        assert Archive.objects.get().owner == user

    def test_a_session_needs_a_csrf_token(self, user: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        response = send(client, "post", "/api/archives/", {"name": "Late"})
        assert response.status_code == 403
        assert not Archive.objects.exists()

    def test_reading_one_takes_one_query_for_it(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        created = create(client, content=CONTENT)
        with django_assert_num_queries(3):  # the session, its user, the archive with its owner
            client.get(address(created))


class TestPreconditions:
    @pytest.mark.parametrize(
        ("if_match", "status"),
        [
            (None, 428),
            ("", 400),
            ("2", 400),
            ("W/", 400),
            ('"2', 400),
            ('"2"', 200),
            ("*", 200),
            ('"1", "2"', 200),
            ('"2.c0ffee00"', 200),
            ('"2."', 200),
            ('"1.c0ffee00"', 412),
            ('".2"', 412),
            ('"22.2"', 412),
            ('"1"', 412),
            ('"3"', 412),
            ('W/"2"', 412),
            ('"x"', 412),
            ('"' + "9" * 5000 + '"', 412),
            ('"\xff"', 412),
        ],
    )
    def test_a_write_says_what_it_was_made_from(
        self, client: Client, if_match: str | None, status: int
    ) -> None:
        created = create(client)
        send(client, "patch", address(created), {"name": "Second"}, '"1"')
        for method, body in [("patch", {"name": "X"}), ("put", {"name": "X", "content": {}})]:
            response = send(client, method, address(created), body, if_match)
            assert response.status_code == status
            kept = Archive.objects.get()
            assert kept.name == ("X" if status == 200 else "Second")
            Archive.objects.update(name="Second")
            Archive.objects.filter(pk=created["id"]).update(name="Second")
            if status == 200 and if_match != "*":
                break

    def test_a_weak_tag_is_not_said_to_be_a_change(self, client: Client) -> None:
        created = create(client)
        changed = "The archive was changed meanwhile: read it again, then change it."
        weak = 'If-Match compares no weak tags: send "1" without the W/.'
        for if_match, told in (
            ('W/"1"', weak),
            ('W/"1.c0ffee00"', weak.replace('"1"', '"1.c0ffee00"')),
            ('W/"0"', changed),
            ('"0"', changed),
        ):
            response = send(client, "patch", address(created), {"name": "X"}, if_match)
            assert response.status_code == 412
            assert response.json() == {"detail": told}

    def test_deleting_needs_it_too(self, client: Client) -> None:
        created = create(client)
        assert send(client, "delete", address(created)).status_code == 428
        assert send(client, "delete", address(created), if_match='"2"').status_code == 412
        assert Archive.objects.get().deleted is None

    @pytest.mark.parametrize("if_none_match", ["{}", "W/{}", "*", '"0", {}'])
    def test_what_one_has_is_not_sent_again(self, client: Client, if_none_match: str) -> None:
        created = create(client)
        tag = client.get(address(created)).headers["ETag"]
        response = client.get(
            address(created), headers={"If-None-Match": if_none_match.format(tag)}
        )
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["ETag"] == tag

    def test_a_tag_tells_what_is_shown_of_others_and_a_write_does_not_ask_for_that(
        self, client: Client, user: User
    ) -> None:
        source = create(client, visibility="public")
        copy = send(client, "post", address(source, "derive/")).json()
        Archive.objects.filter(pk=copy["id"]).update(visibility="public")
        reader = Client()
        tags = [reader.get(address(copy)).headers["ETag"]]
        changes: list[tuple[Any, dict[str, Any]]] = [
            (User.objects.all(), {"handle": "anna"}),
            (User.objects.all(), {"is_public": False}),
            (Archive.objects.filter(pk=source["id"]), {"visibility": "private"}),
        ]
        for rows, values in changes:
            rows.update(**values)
            response = reader.get(address(copy), headers={"If-None-Match": tags[-1]})
            assert (response.status_code, revision_told(response)) == (200, 2)
            assert response.headers["ETag"] not in tags
            tags.append(response.headers["ETag"])
            response = reader.get(address(copy), headers={"If-None-Match": tags[-1]})
            assert response.status_code == 304
        assert send(client, "patch", address(copy), {"name": "X"}, tags[0]).status_code == 200

    @pytest.mark.parametrize("if_none_match", ['"2"', "", "1", "nonsense"])
    def test_what_one_has_not_is_sent(self, client: Client, if_none_match: str) -> None:
        response = client.get(address(create(client)), headers={"If-None-Match": if_none_match})
        assert response.status_code == 200


DEEP = '{"name": "x", "content": {"x": ' + "[" * 100_000 + "]" * 100_000 + "}}"


class TestBadBodies:
    @pytest.mark.parametrize(
        ("body", "field", "message"),
        [
            ({}, "name", "This field is required."),
            ({"name": None}, "name", "This field may not be null."),
            ({"name": " "}, "name", "This field may not be blank."),
            ({"name": {}}, "name", "Not a valid string."),
            ({"name": "a\0"}, "name", "Null characters are not allowed."),
            ({"name": "\ud800"}, "name", "Surrogate characters are not allowed: U+D800."),
            ({"name": "x" * 1001}, "name", "at most 1000 characters"),
            ({"description": "x" * 10_001}, "description", "at most 10000 characters"),
            ({"visibility": "secret"}, "visibility", '"secret" is not a valid choice.'),
            ({"visibility": ""}, "visibility", '"" is not a valid choice.'),
            ({"status": "x" * 51}, "status", "no more than 50 characters"),
            ({"provider": "x" * 51}, "provider", "at most 50 characters"),
            ({"provider_id": "x" * 256}, "provider_id", "at most 255 characters"),
            ({"last_synced": "yesterday"}, "last_synced", "Datetime has wrong format."),
            ({"last_synced": "9999-12-31T23:59:59-14:00"}, "last_synced", "out of range"),
            ({"nmae": "x"}, "nmae", "There is no such field."),
            ({"content": []}, "content", "Enter a JSON object."),
            ({"content": None}, "content", "Enter a JSON object."),
            ({"content": "{}"}, "content", "Enter a JSON object."),
            (
                {"content": {"tracks": [{"artist": "Air", "duration_ms": "4:58"}]}},
                "content.tracks[0].duration_ms",
                'Enter a whole number of milliseconds, not "4:58".',
            ),
            ({"content": {"tracks": [{}]}}, "content.tracks[0].artist", "Enter the artist."),
            (
                {"content": {"metadata": {"tags": [f"{n}" for n in range(200_000)]}}},
                "content.metadata.tags",
                "There are 200,000 tags; at most 1,000 are allowed.",
            ),
            ({"content": {"x": "\0"}}, "content.x", "Null characters are not allowed."),
            ({"content": {"a b": ["\ud800"]}}, 'content["a b"][0]', "Lone surrogates"),
            ({"content": {"\0": 1}}, "content", 'its key "\\u0000": Null characters'),
            ({"content": {"tracks": [{"artist": "A"}] * 10_001}}, "content.tracks", "10,001"),
            ({"content": {"x": "x" * MAX_BYTES}}, "content", "at most 8,388,608 are allowed"),
            (DEEP, "non_field_errors", "nested more than 32 levels deep"),
            ('{"name": "x", "content": {"x": NaN}}', "non_field_errors", "NaN is no JSON number"),
            ('{"name": "x", "content": {"x": -Infinity}}', "non_field_errors", "-Infinity is no"),
            ('{"name": "x", "content": {"x": 1e999}}', "content.x", "inf is no JSON number"),
            ('{"name": "x", "name": "y"}', "non_field_errors", 'the key "name" stands twice'),
            ("{", "non_field_errors", "This is not valid JSON"),
            (b'{"name": "\xff"}', "non_field_errors", "This is not valid JSON"),
            ("9" * 5000, "non_field_errors", "This is not valid JSON"),
            ("[]", "non_field_errors", "Expected a dictionary"),
            ("null", "non_field_errors", ""),
        ],
    )
    def test_an_error_names_its_place(
        self, client: Client, body: Any, field: str, message: str
    ) -> None:
        if isinstance(body, dict) and "name" not in body and body:
            body["name"] = "Late"
        response = send(client, "post", "/api/archives/", body)
        assert response.status_code == 400
        answer = response.json()
        assert list(answer) == [field]
        assert message in answer[field][0]
        assert not Archive.objects.exists()

    def test_all_errors_are_told_at_once(self, client: Client) -> None:
        body = {"visibility": 1, "x": 2, "content": {"tracks": [{"artist": 1}], "metadata": 3}}
        response = send(client, "post", "/api/archives/", body)
        assert set(response.json()) == {
            "name",
            "visibility",
            "x",
            "content.tracks[0].artist",
            "content.metadata",
        }

    @pytest.mark.parametrize("method", ["put", "patch"])
    def test_nothing_is_half_written(self, client: Client, method: str) -> None:
        created = create(client, content=CONTENT)
        body = {"name": "New", "content": {"tracks": [{"artist": 5}]}}
        response = send(client, method, address(created), body, '"1"')
        assert list(response.json()) == ["content.tracks[0].artist"]
        assert client.get(address(created)).json() == created

    @pytest.mark.parametrize("body", [{"name": "a\0"}, {"name": 5 * ["x"]}, {"x": 1}, [], "x"])
    def test_derive_validates_its_body(self, client: Client, body: Any) -> None:
        created = create(client)
        assert send(client, "post", address(created, "derive/"), body).status_code == 400
        assert Archive.objects.count() == 1

    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
         "application/xml", "nonsense", ""],
    )  # fmt: skip
    def test_another_content_type_is_a_415(self, client: Client, content_type: str) -> None:
        response = client.post("/api/archives/", b'{"name": "x"}', content_type=content_type)
        assert response.status_code == 415

    def test_a_charset_does_not_make_json_something_else(self, client: Client) -> None:
        body = '{"name": "Beyoncé"}'.encode()
        for charset in ("utf-8", "latin-1", "nonsense"):
            content_type = f"application/json; charset={charset}"
            response = client.generic("POST", "/api/archives/", body, content_type=content_type)
            assert response.json()["name"] == "Beyoncé"

    def test_eight_megabytes_of_content_are_taken(self, client: Client) -> None:
        content = {"x": "ü" * ((MAX_BYTES - 9) // 2)}
        body = json.dumps({"name": "x", "content": content}, ensure_ascii=False).encode()
        assert send(client, "post", "/api/archives/", body).status_code == 201

    def test_a_body_that_is_too_large_is_refused_unread(self, client: Client) -> None:
        response = client.generic(
            "POST",
            "/api/archives/",
            b"{}",
            content_type="application/json",
            CONTENT_LENGTH=str(MAX_BODY_BYTES + 1),
        )
        assert response.status_code == 413
        assert response.json() == {"detail": "A body may have at most 8,454,144 bytes."}

    def test_a_body_without_a_length_is_refused(self, client: Client) -> None:
        response = client.generic(
            "POST",
            "/api/archives/",
            b"",
            content_type="application/json",
            headers={"Transfer-Encoding": "chunked"},
        )
        assert response.status_code == 411


class TestLists:
    @pytest.fixture
    def rows(self, user: User) -> list[str]:
        """Ids of 25 of the user's own and 20 of others' public ones, newest first; many share
        their time."""
        other = User.objects.create_user("bob@example.org")
        start = datetime(2026, 3, 1, tzinfo=UTC)
        rows = [
            Archive(
                name=f"N{n}",
                owner=user if n % 9 < 5 else other,
                visibility=Visibility.PUBLIC if n % 9 >= 5 or n % 2 else Visibility.PRIVATE,
                created=start + timedelta(hours=n // 7),
            )
            for n in range(45)
        ]
        Archive.objects.bulk_create(rows)
        rows.sort(key=lambda row: (row.created, row.pk), reverse=True)
        return [str(row.pk) for row in rows]

    def walk(self, client: Client, query: str = "") -> list[list[str]]:
        pages = []
        next_page = f"/api/archives/?{query}"
        while next_page:
            body = client.get(next_page).json()
            pages.append([row["id"] for row in body["results"]])
            next_page = body["next"]
        return pages

    @pytest.mark.parametrize("limit", [1, 7, 44, 45, 46, 100])
    def test_pages_make_up_the_list(self, client: Client, rows: list[str], limit: int) -> None:
        pages = self.walk(client, f"limit={limit}")
        assert [pk for page in pages for pk in page] == rows
        assert {len(page) for page in pages[:-1]} <= {limit}

    def test_pages_are_right_while_rows_arrive(
        self, client: Client, user: User, rows: list[str]
    ) -> None:
        seen = []
        next_page = "/api/archives/?limit=6"
        while next_page:
            body = client.get(next_page).json()
            seen += [row["id"] for row in body["results"]]
            next_page = body["next"]
            Archive.objects.create(name="New", owner=user)
            Archive.objects.filter(pk=seen[0]).delete()
        assert seen == rows

    def test_the_next_page_keeps_the_filters(self, client: Client, rows: list[str]) -> None:
        pages = self.walk(client, "limit=4&owner=me")
        mine = {
            str(pk)
            for pk in Archive.objects.filter(owner__handle="ann").values_list("pk", flat=True)
        }
        assert [pk for page in pages for pk in page] == [pk for pk in rows if pk in mine]

    def test_a_list_has_no_content(self, client: Client) -> None:
        created = create(client, content=CONTENT)
        (row,) = client.get("/api/archives/").json()["results"]
        del created["content"]
        assert row == created

    def test_a_list_takes_the_same_queries_however_long(
        self, client: Client, rows: list[str]
    ) -> None:
        Archive.objects.update(derived_from=rows[0])
        counts = []
        # Some more where statements are prepared, or an earlier part of the list is short.
        for limit in (1, 1, 100):
            with CaptureQueriesContext(connection) as queries:
                client.get(f"/api/archives/?limit={limit}")
            counts.append(len(queries))
        assert max(counts) < 20

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=ten", "limit"),
            ("limit=" + "9" * 5000, "limit"),
            ("limit=1&limit=2", "limit"),
            ("cursor=x", "cursor"),
            ("cursor=" + "x" * 5000, "cursor"),
            ("cursor=WzEsMl0:1abc:xyz", "cursor"),
            ("cursor=%F0%9F%8E%B5", "cursor"),
            ("cursor=a&cursor=b", "cursor"),
            ("owner=you", "owner"),
            (f"owner={NO_ID}", "owner"),
            ("deleted=maybe", "deleted"),
            ("artst=air", "artst"),
            ("page=2", "page"),
            ("artist=a&artist=b", "artist"),
            ("artist=" + "x" * 1001, "artist"),
            ("artist=%20", "artist"),
            ("artist=a%00", "artist"),
            ("mood=%ff", "mood"),
            ("tags=" + "a," * 21, "tags"),
            ("min_tracks=few", "min_tracks"),
            ("min_tracks=-1", "min_tracks"),
            ("max_duration_ms=" + "9" * 30, "max_duration_ms"),
            ("created_after=soon", "created_after"),
            ("contains={", "contains"),
            ("contains=[]", "contains"),
            ('contains={"x":NaN}', "contains"),
            ('contains={"x":"%5Cu0000"}', "contains"),
            ("contains=" + '{"x":' * 100 + "1" + "}" * 100, "contains"),
            ("q=" + "x" * 501, "q"),
        ],
    )
    def test_a_bad_parameter_is_a_400_that_names_it(
        self, client: Client, query: str, field: str
    ) -> None:
        response = client.get("/api/archives/", QUERY_STRING=query)
        assert response.status_code == 400
        assert list(response.json()) == [field]
        assert all(isinstance(message, str) for message in response.json()[field])

    def test_a_cursor_that_was_touched_is_refused(self, client: Client, rows: list[str]) -> None:
        page = client.get("/api/archives/?limit=1").json()["next"]
        assert client.get(page).status_code == 200
        cursor = page.partition("cursor=")[2].partition("&")[0]
        for forged in (cursor[:-1], "A" + cursor[1:], cursor.replace("%3A", ":x", 1), cursor * 2):
            response = client.get(f"/api/archives/?cursor={forged}")
            assert response.status_code == 400
            assert list(response.json()) == ["cursor"]

    def test_empty_parameters_are_as_good_as_none(self, client: Client, rows: list[str]) -> None:
        response = client.get("/api/archives/?artist=&mood=&limit=&cursor=&owner=&q=")
        assert len(response.json()["results"]) == 20

    def test_tags_may_be_given_in_two_ways(self, client: Client) -> None:
        both = create(client, content={"metadata": {"tags": ["a", "b"]}})["id"]
        one = create(client, content={"metadata": {"tags": ["a"]}})["id"]
        for query in ("tags=a,b", "tags=a&tags=b"):
            assert self.walk(client, query) == [[both]]
        assert self.walk(client, "tags_any=a,b") == [[one, both]]

    def test_filters_are_combined(self, client: Client) -> None:
        wanted = create(client, status="synced", content=CONTENT)["id"]
        create(client, content=CONTENT)
        create(client, status="synced")
        query = "artist=beyonce&track=HALO&mood=calm&tags=a&status=synced&min_tracks=2"
        assert self.walk(client, query) == [[wanted]]

    def test_a_jsonpath_is_for_staff_who_may_view_archives(
        self, client: Client, user: User
    ) -> None:
        create(client, content=CONTENT)
        query = "/api/archives/?path=$.tracks[*].duration_ms > 200000"
        assert client.get(query).status_code == 403
        assert Client().get(query).status_code == 403
        user.user_permissions.add(Permission.objects.get(codename="view_archive"))
        assert client.get(query).status_code == 403
        User.objects.update(is_staff=True)
        assert len(client.get(query).json()["results"]) == 1
        user.user_permissions.clear()
        assert client.get(query).status_code == 403
        User.objects.update(is_superuser=True)
        assert client.get(query).status_code == 200


def test_the_declared_paths_are_listed(db: None) -> None:
    listed = Client().get("/api/archives/paths/").json()
    assert [path["name"] for path in listed] == [path.name for path in PATHS]
    for path, row in zip(PATHS, listed, strict=True):
        assert [p["name"] for p in row["parameters"]] == [p.name for p in path.parameters]
        assert row["index"] == (path.index_name or None)
        assert (row["size_bytes"] is None) == (row["index"] is None)
    assert {row["name"] for row in listed if row["index"] is None} == {"path"}


def test_an_index_s_size_is_that_of_all_its_partitions(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree('archive_owner_newest')"
        )
        (size,) = cursor.fetchone()
    assert size > 0
    assert index_sizes(["archive_owner_newest", "absent"]) == {"archive_owner_newest": size}


def test_the_schema_documents_every_address_status_and_parameter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("spectacular", "--format", "openapi-json", "--validate", "--fail-on-warn")
    paths = json.loads(capsys.readouterr().out)["paths"]
    statuses = {
        (address, method): set(operation["responses"])
        for address, methods in paths.items()
        if address.startswith("/api/archives/")
        for method, operation in methods.items()
    }
    body = {"411", "413", "415"}
    write = {"400", "401", "403", "404", "409", "412", "428"}
    one = "/api/archives/{id}/"
    expected = {
        ("/api/archives/", "get"): {"200", "400", "401", "403"},
        ("/api/archives/paths/", "get"): {"200", "400", "401"},
        ("/api/archives/", "post"): {"201", "400", "401", "403", *body},
        (one, "get"): {"200", "304", "400", "401", "404"},
        (one, "put"): {"200", *write, *body},
        (one, "patch"): {"200", *write, *body},
        (one, "delete"): {"204", *write},
        (one + "restore/", "post"): {"200", "400", "401", "403", "404", "412"},
        (one + "derive/", "post"): {"201", "400", "401", "403", "404", "409", *body},
        (one + "resolve/", "post"): {"200", "400", "401", "403", "404", "409", "412"},
        (one + "export/", "get"): {"200", "400", "401", "404"},
        ("/api/archives/import/", "post"): {"200", "201", "400", "401", "403", *body},
    }
    for key, documented in expected.items():
        takes_any_accept = key[0].endswith(("/export/", "/import/"))
        common = {"429", "503"} if takes_any_accept else {"406", "429", "503"}
        assert statuses[key] == documented | common
    listed = {parameter["name"] for parameter in paths["/api/archives/"]["get"]["parameters"]}
    declared = {parameter.name for path in PATHS for parameter in path.parameters}
    assert listed == {"owner", "deleted", "q", "limit", "cursor"} | declared
