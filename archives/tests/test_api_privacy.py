"""Who may do what: every viewer, every kind of archive, every action."""

import json
import uuid
from typing import Any

import pytest

from archives.models import Archive, Visibility
from archives.tests.conftest import COMMON_TRACK, KINDS, VIEWERS, House
from vibomat.accounts.models import User

Statuses = dict[str, tuple[int, ...]]

# By action and kind: the status for anonymous, the owner, somebody else, staff, and staff who may
# view archives.
READ: Statuses = {
    "private": (404, 200, 404, 404, 200),
    "unlisted": (200, 200, 200, 200, 200),
    "public": (200, 200, 200, 200, 200),
    "deleted": (404, 200, 404, 404, 404),
    "ownerless": (200, 200, 200, 200, 200),
    "nobodys": (404, 404, 404, 404, 200),
}
CHANGE: Statuses = {
    "private": (401, 200, 404, 404, 403),
    "unlisted": (401, 200, 403, 403, 403),
    "public": (401, 200, 403, 403, 403),
    "deleted": (401, 409, 404, 404, 404),
    "ownerless": (401, 403, 403, 403, 403),
    "nobodys": (401, 404, 404, 404, 403),
}
DELETE: Statuses = {
    kind: tuple(204 if s == 200 else s for s in row) for kind, row in CHANGE.items()
}
RESTORE: Statuses = CHANGE | {"deleted": (401, 200, 404, 404, 404)}
RESOLVE: Statuses = {
    "private": (401, 200, 404, 404, 200),
    "unlisted": (401, 200, 403, 200, 200),
    "public": (401, 200, 403, 200, 200),
    "deleted": (401, 409, 404, 404, 404),
    "ownerless": (401, 403, 403, 200, 200),
    "nobodys": (401, 404, 404, 404, 200),
}
DERIVE: Statuses = {
    "private": (401, 201, 404, 404, 201),
    "unlisted": (401, 201, 201, 201, 201),
    "public": (401, 201, 201, 201, 201),
    "deleted": (401, 409, 404, 404, 404),
    "ownerless": (401, 201, 201, 201, 201),
    "nobodys": (401, 404, 404, 404, 201),
}
ACTIONS: dict[str, tuple[str, str, Any, Statuses]] = {
    "retrieve": ("get", "", None, READ),
    "export": ("get", "export/?to=xspf", None, READ),
    "replace": ("put", "", {"name": "New", "content": {}}, CHANGE),
    "change": ("patch", "", {"name": "New"}, CHANGE),
    "delete": ("delete", "", None, DELETE),
    "restore": ("post", "restore/", None, RESTORE),
    "derive": ("post", "derive/", {}, DERIVE),
    "resolve": ("post", "resolve/", None, RESOLVE),
}


def ask(
    house: House, viewer: str, method: str, address: str, body: Any = None, **headers: str
) -> Any:
    call = getattr(house.clients[viewer], method)
    text = "" if body is None else json.dumps(body)
    return call(address, text, content_type="application/json", headers=headers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("action", ACTIONS)
def test_matrix(house: House, action: str, viewer: str, kind: str) -> None:
    method, path, body, statuses = ACTIONS[action]
    before = Archive.objects.filter(pk=house.archives[kind].pk).values().get()
    headers = {} if method == "get" else {"If-Match": "*"}
    if method == "get":
        response = house.clients[viewer].get(house.address(kind, path))
    else:
        response = ask(house, viewer, method, house.address(kind, path), body, **headers)
    assert response.status_code == statuses[kind][VIEWERS.index(viewer)]
    after = Archive.objects.filter(pk=house.archives[kind].pk).values().get()
    changes = response.status_code in (200, 204) and action not in ("retrieve", "export", "restore")
    changes |= action == "restore" and (viewer, kind) == ("owner", "deleted")
    assert (after != before) == changes
    if response.status_code >= 400:
        assert "Secret" not in response.content.decode()
        assert "Name of" not in response.content.decode()
        assert "ETag" not in response.headers


@pytest.mark.parametrize("viewer", ["other", "staff"])
@pytest.mark.parametrize("kind", ["private", "deleted", "nobodys"])
@pytest.mark.parametrize(
    ("method", "path", "body", "headers"),
    [
        ("get", "", None, {}),
        ("get", "export/?to=mp3", None, {}),
        ("put", "", "no archive", {}),
        ("patch", "", {"name": ""}, {"If-Match": '"99"'}),
        ("patch", "", {"content": []}, {"If-Match": "nonsense"}),
        ("delete", "", None, {"If-Match": '"99"'}),
        ("post", "restore/", None, {"If-Match": '"99"'}),
        ("post", "derive/", {"name": 5, "x": 1}, {}),
        ("post", "resolve/", None, {"If-Match": '"99"'}),
    ],
)
def test_what_one_may_not_know_of_is_answered_as_if_it_did_not_exist(
    house: House, viewer: str, kind: str, method: str, path: str, body: Any, headers: dict[str, str]
) -> None:
    hidden = ask(house, viewer, method, house.address(kind, path), body, **headers)
    absent = ask(house, viewer, method, f"/api/archives/{uuid.uuid4()}/{path}", body, **headers)
    assert hidden.status_code == 404
    assert hidden.content == absent.content
    ours = {"X-Request-ID": "each its own"}
    assert {**hidden.headers, **ours} == {**absent.headers, **ours}


OWN = {"private", "unlisted", "public"}
PUBLIC = {"public", "ownerless"}
# For anonymous, the owner and anybody else: the kinds that are found, or a status.
LISTS: dict[str, tuple[set[str] | int, set[str] | int, set[str] | int]] = {
    "": (PUBLIC, OWN | PUBLIC, PUBLIC),
    "owner=public": (PUBLIC, PUBLIC, PUBLIC),
    "owner=me": (401, OWN, set()),
    "deleted=true": (401, {"deleted"}, set()),
    "deleted=true&owner=me": (401, {"deleted"}, set()),
    "deleted=true&owner=public": (400, 400, 400),
}
# All of them find every archive. The first are of each way by which a list is found.
FILTERS = [
    "",
    "&mood=calm",
    "&q=artist&mood=calm",
    "&q=nmae+one",
    "&q=name",
    "&tags=common",
    "&tags_any=common,other",
    "&track=song",
    "&provider=spotify",
    "&status=draft",
    "&min_tracks=1&max_tracks=1",
    "&created_after=2020-01-01",
    "&min_duration_ms=1000&max_duration_ms=2000",
    f"&catalogue_track={COMMON_TRACK}",
    '&contains={"metadata":{"mood":"calm"}}',
]


@pytest.mark.parametrize(
    ("query", "extra"),
    [
        *((query, extra) for query in LISTS for extra in FILTERS[:4]),
        *((query, extra) for query in ("", "owner=me") for extra in FILTERS[4:]),
    ],
)
def test_lists_have_only_what_the_viewer_may_find(house: House, query: str, extra: str) -> None:
    for viewer in VIEWERS:
        expected = LISTS[query][min(VIEWERS.index(viewer), 2)]
        response = house.clients[viewer].get("/api/archives/?" + query + extra)
        if isinstance(expected, int):
            assert response.status_code == expected
            continue
        assert response.status_code == 200
        assert house.kinds(response.json()) == expected
        for kind in set(KINDS) - expected:
            assert f"the {kind} one" not in response.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "artist=artist+{kind}",
        "q=artist{kind}",
        "album=album+{kind}",
        "tags=tag-{kind}",
        "provider_id=id-{kind}",
        "min_duration_ms={duration}&max_duration_ms={duration}",
        "catalogue_track={track}",
        'contains={{"metadata":{{"tags":["tag-{kind}"]}}}}',
    ],
)
def test_no_filter_finds_what_the_viewer_may_not(house: House, query: str) -> None:
    for viewer in VIEWERS:
        absent = house.clients[viewer].get(
            "/api/archives/?" + query.format(**house.of_its_own("absent"))
        )
        for kind in KINDS:
            found = house.clients[viewer].get(
                "/api/archives/?" + query.format(**house.of_its_own(kind))
            )
            expected = {kind} & (PUBLIC | OWN if viewer == "owner" else PUBLIC)
            assert found.status_code == 200
            assert house.kinds(found.json()) == expected
            if not expected:
                assert found.content == absent.content


def test_not_even_a_jsonpath_finds_what_staff_may_view_but_not_find(house: House) -> None:
    for viewer in VIEWERS:
        for kind in KINDS:
            query = {"path": f'$.metadata.tags[*] == "tag-{kind}"'}
            found = house.clients[viewer].get("/api/archives/", query)
            if viewer != "reader":
                assert found.status_code == 403
                continue
            assert found.status_code == 200
            assert house.kinds(found.json()) == {kind} & PUBLIC


@pytest.mark.parametrize("kind", KINDS)
def test_no_misspelling_finds_what_the_viewer_may_not(house: House, kind: str) -> None:
    for viewer in VIEWERS:
        may_find = PUBLIC | OWN if viewer == "owner" else PUBLIC
        for typed in (f"artist {kind}", f"artst {kind}", f"secret of the {kind[:-1]} one"):
            found = house.clients[viewer].get("/api/archives/", {"q": typed})
            assert house.kinds(found.json()) <= may_find
            assert (kind in house.kinds(found.json())) == (kind in may_find)


@pytest.mark.parametrize("viewer", VIEWERS)
def test_an_upload_is_stored_as_the_viewers_own(house: House, viewer: str) -> None:
    client, body = house.clients[viewer], {"name": "Sent", "tracks": [{"artist": "Air"}]}
    response = ask(house, viewer, "post", "/api/archives/import/", body)
    if viewer == "anonymous":
        assert response.status_code == 401
        assert client.post("/api/archives/import/?x=1").status_code == 401
        assert not Archive.objects.filter(name="Sent").exists()
    else:
        assert response.status_code == 201
        assert Archive.objects.get(name="Sent").owner == house.users[viewer]


def test_an_upload_tells_nothing_of_what_others_have(house: House) -> None:
    body = {"name": "Sent", "tracks": [{"artist": "Air"}]}
    ask(house, "owner", "post", "/api/archives/import/", body)
    answer = ask(house, "other", "post", "/api/archives/import/", body).json()
    assert (len(answer["created"]), answer["unchanged"]) == (1, 0)


def test_a_list_counts_nothing(house: House) -> None:
    body = house.clients["other"].get("/api/archives/").json()
    assert list(body) == ["results", "next"]


def test_neither_an_address_nor_a_hidden_profile_is_told(house: House) -> None:
    page = house.clients["anonymous"].get(house.address("public")).json()
    assert page["owner"] == {"id": str(house.users["owner"].pk), "handle": "owner"}
    User.objects.filter(handle="owner").update(is_public=False)
    response = house.clients["anonymous"].get(house.address("public"))
    assert response.json()["owner"]["handle"] is None
    assert "example.org" not in response.content.decode()


class TestDerivedFrom:
    @pytest.fixture
    def copy(self, house: House) -> Archive:
        """Somebody else's public copy."""
        derived = ask(house, "other", "post", house.address("public", "derive/")).json()
        Archive.objects.filter(pk=derived["id"]).update(visibility=Visibility.PUBLIC)
        return Archive.objects.get(pk=derived["id"])

    def told(self, house: House, copy: Archive) -> list[bool]:
        """Whether each viewer is told the source, by the copy itself and by lists alike. The source
        is the owner's, the copy somebody else's."""
        source = str(copy.derived_from_id)
        answers = []
        for viewer in VIEWERS:
            alone = house.clients[viewer].get(f"/api/archives/{copy.pk}/")
            rows = house.clients[viewer].get("/api/archives/?owner=public").json()["results"]
            (listed,) = [row for row in rows if row["id"] == str(copy.pk)]
            assert alone.json()["derived_from"] == listed["derived_from"]
            answers.append(listed["derived_from"] == source)
            if not answers[-1]:
                assert source not in alone.content.decode()
        return answers

    def test_a_public_source_is_told_to_all(self, house: House, copy: Archive) -> None:
        assert self.told(house, copy) == [True] * 5

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({"visibility": "unlisted"}, [False, True, True, False, False]),
            ({"visibility": "private"}, [False, True, False, False, True]),
            ({"deleted": "2026-01-01T00:00Z"}, [False, True, False, False, False]),
        ],
    )
    def test_another_one_only_to_those_who_know_it(
        self, house: House, copy: Archive, values: dict[str, Any], expected: list[bool]
    ) -> None:
        Archive.objects.filter(pk=copy.derived_from_id).update(**values)
        assert self.told(house, copy) == expected

    @pytest.mark.parametrize(
        ("ownerless", "expected"),
        [
            ({"copy"}, [False, True, False, False, False]),
            ({"source"}, [False, False, True, False, False]),
            ({"copy", "source"}, [False] * 5),
        ],
    )
    def test_what_nobody_owns_is_not_everybodys(
        self, house: House, copy: Archive, ownerless: set[str], expected: list[bool]
    ) -> None:
        sources = Archive.objects.filter(pk=copy.derived_from_id)
        sources.update(visibility=Visibility.UNLISTED)
        for name, rows in (("copy", Archive.objects.filter(pk=copy.pk)), ("source", sources)):
            if name in ownerless:
                rows.update(owner=None)
        assert self.told(house, copy) == expected


def test_no_cache_keeps_what_one_viewer_was_told(house: House) -> None:
    for address in (house.address("public"), "/api/archives/"):
        headers = house.clients["owner"].get(address).headers
        assert headers["Cache-Control"] == "private, no-cache"
        assert headers["Vary"] == "Authorization, Cookie, origin"
