"""Who reaches which prompts: every viewer, everybody's prompts, every action."""

import json
import uuid
from typing import Any

import pytest

from archives.models import Archive, Visibility
from embeddings.models import Embedding, Interaction
from embeddings.tests.household import VIEWERS, Household, stored
from vibomat.accounts.models import User

# By whose prompt: the status for anonymous, the owner, somebody else, staff, staff who may view
# interactions, and superusers.
READ: dict[str, tuple[int, ...]] = {
    "owner": (401, 200, 404, 404, 200, 200),
    "other": (401, 404, 200, 404, 200, 200),
    "nobody": (401, 404, 404, 404, 200, 200),
}
DELETE: dict[str, tuple[int, ...]] = {
    "owner": (401, 204, 404, 404, 403, 204),
    "other": (401, 404, 204, 404, 403, 204),
    "nobody": (401, 404, 404, 404, 403, 204),
}
ACTIONS: dict[str, tuple[str, str, dict[str, tuple[int, ...]]]] = {
    "retrieve": ("get", "", READ),
    "similar": ("get", "similar/", READ),
    "exactly similar": ("get", "similar/?mode=exact", READ),
    "similar by words too": ("get", "similar/?mode=hybrid", READ),
    "delete": ("delete", "", DELETE),
    "replace": ("put", "", dict.fromkeys(READ, (401, *[405] * 5))),
    "change": ("patch", "", dict.fromkeys(READ, (401, *[405] * 5))),
}
ALL = {"owner", "other", "nobody"}
REACHED = {
    "owner": {"owner"},
    "other": {"other"},
    "staff": set(),
    "reader": ALL,
    "superuser": ALL,
}


def address(prompt: Interaction, action: str = "") -> str:
    return f"/api/prompts/{prompt.pk}/{action}"


def post(house: Household, viewer: str, path: str, **body: Any) -> Any:
    return house.clients[viewer].post(
        f"/api/prompts/{path}", json.dumps(body), content_type="application/json"
    )


def found(house: Household, response: Any) -> set[str]:
    assert response.status_code == 200, response.content
    by_id = {str(prompt.pk): whose for whose, prompt in house.prompts.items()}
    return {by_id[row["id"]] for row in response.json()["results"]}


@pytest.mark.parametrize("whose", READ)
@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("action", ACTIONS)
def test_matrix(household: Household, action: str, viewer: str, whose: str) -> None:
    method, path, statuses = ACTIONS[action]
    prompt = household.prompts[whose]
    response = getattr(household.clients[viewer], method)(address(prompt, path))
    assert response.status_code == statuses[whose][VIEWERS.index(viewer)]
    gone = response.status_code == 204
    assert Interaction.objects.filter(pk=prompt.pk).exists() != gone
    assert Embedding.objects.filter(interaction=prompt.pk).exists() != gone
    assert Interaction.objects.count() == 3 - gone
    if response.status_code >= 400:
        assert "quiet piano" not in response.content.decode()
    elif "similar" in action:
        assert found(household, response) == REACHED[viewer] - {whose}


@pytest.mark.parametrize("viewer", ["owner", "other"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("get", "similar/"),
        ("get", "similar/?k=absurd"),
        ("get", "similar/?owner=me&mode=none"),
        ("delete", ""),
    ],
)
def test_somebody_elses_is_answered_as_if_it_did_not_exist(
    household: Household, viewer: str, method: str, path: str
) -> None:
    call = getattr(household.clients[viewer], method)
    hidden = call(address(household.prompts["nobody"], path))
    absent = call(f"/api/prompts/{uuid.uuid4()}/{path}")
    assert hidden.status_code == 404
    assert hidden.content == absent.content
    ours = {"X-Request-ID": "each its own"}
    assert {**hidden.headers, **ours} == {**absent.headers, **ours}


@pytest.mark.parametrize("viewer", VIEWERS)
def test_lists_and_searches_have_only_what_the_viewer_reaches(
    household: Household, viewer: str
) -> None:
    client = household.clients[viewer]
    responses = [client.get("/api/prompts/"), client.get('/api/prompts/?metadata={"a":1}')]
    for mode in ("vector", "exact", "hybrid"):
        responses.append(post(household, viewer, "similar/", text="quiet piano", mode=mode))
    responses.append(post(household, viewer, "similar/", vector=[1] * 64))
    if viewer == "anonymous":
        assert {response.status_code for response in responses} == {401}
        return
    assert found(household, responses.pop(1)) == set()
    for response in responses:
        assert found(household, response) == REACHED[viewer]


@pytest.mark.parametrize("viewer", VIEWERS)
def test_a_new_prompt_is_the_viewers_own(household: Household, viewer: str) -> None:
    response = post(household, viewer, "", text="loud drums")
    assert response.status_code == (401 if viewer == "anonymous" else 201)
    made = Interaction.objects.exclude(pk__in=[p.pk for p in household.prompts.values()])
    owners = [row.user for row in made]
    assert owners == ([] if viewer == "anonymous" else [household.users[viewer]])


def test_nobody_says_whose_a_new_prompt_is(household: Household) -> None:
    other = str(household.users["other"].pk)
    for name in ("owner", "user_id"):
        response = post(household, "owner", "", text="loud drums", **{name: other})
        assert response.status_code == 400
        assert response.json() == {name: ["There is no such field."]}
    # As what was read can be sent again.
    created = post(household, "owner", "", text="loud drums", user=other).json()
    assert created["user"] == str(household.users["owner"].pk)


@pytest.mark.parametrize("path", ["", "similar/"])
def test_whose_to_see_may_be_asked_by_who_sees_all_only(household: Household, path: str) -> None:
    def ask(viewer: str, owner: str) -> Any:
        if path:
            return post(household, viewer, path, text="quiet piano", owner=owner)
        return household.clients[viewer].get("/api/prompts/", {"owner": owner})

    other, absent = str(household.users["other"].pk), str(uuid.uuid4())
    for reader in ("reader", "superuser"):
        assert found(household, ask(reader, other)) == {"other"}
        assert found(household, ask(reader, "me")) == set()
        assert found(household, ask(reader, absent)) == set()
    assert found(household, ask("other", "me")) == {"other"}
    assert found(household, ask("other", other)) == {"other"}
    for viewer in ("owner", "staff"):
        refused = ask(viewer, other)
        assert refused.status_code == 403
        assert refused.content == ask(viewer, absent).content


def test_a_user_who_was_deactivated_reaches_nothing(household: Household) -> None:
    User.objects.update(is_active=False)
    for viewer in VIEWERS[1:]:
        assert household.clients[viewer].get("/api/prompts/").status_code == 401


def test_a_session_needs_a_csrf_token_to_write(household: Household) -> None:
    client = household.clients["owner"]
    client.handler.enforce_csrf_checks = True
    assert post(household, "owner", "", text="x").status_code == 403
    assert client.delete(address(household.prompts["owner"])).status_code == 403
    assert Interaction.objects.count() == 3


def test_answers_are_kept_by_nobody(household: Household) -> None:
    response = household.clients["owner"].get("/api/prompts/")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert {"Authorization", "Cookie"} <= set(response.headers["Vary"].split(", "))


class TestArchives:
    """An archive that the user may not know of can't be named, and isn't told of."""

    @pytest.fixture
    def archives(self, household: Household) -> dict[str, Archive]:
        other = household.users["other"]
        kinds = {kind.value: Archive(visibility=kind) for kind in Visibility}
        kinds["deleted"] = Archive(visibility=Visibility.PUBLIC, deleted="2026-01-02T00:00Z")
        for name, archive in kinds.items():
            archive.name, archive.owner = f"the {name} one", other
            archive.save()
        return kinds

    @pytest.mark.parametrize(
        ("kind", "viewer", "may"),
        [
            ("private", "owner", False),
            ("private", "reader", False),
            ("private", "other", True),
            ("unlisted", "owner", True),
            ("public", "owner", True),
            ("deleted", "owner", False),
            ("deleted", "other", True),
        ],
    )
    def test_one_is_named_by_who_may_read_it(
        self,
        household: Household,
        archives: dict[str, Archive],
        kind: str,
        viewer: str,
        may: bool,
    ) -> None:
        pk, absent = str(archives[kind].pk), str(uuid.uuid4())
        prompt = household.prompts["owner" if viewer == "reader" else viewer]
        client = household.clients[viewer]

        def answers(archive: str) -> list[Any]:
            return [
                post(household, viewer, "", text="loud drums", archive=archive),
                client.get("/api/prompts/", {"archive": archive}),
                post(household, viewer, "similar/", text="loud drums", archive=archive),
                client.get(address(prompt, "similar/"), {"archive": archive}),
            ]

        named = answers(pk)
        if may:
            assert [response.status_code for response in named] == [201, 200, 200, 200]
            assert {r["archive"] for n in named[1:] for r in n.json()["results"]} <= {pk}
            return
        for response, other in zip(named, answers(absent), strict=True):
            assert response.status_code == 400
            assert list(response.json()) == ["archive"]
            assert response.content == other.content

    def test_one_that_was_hidden_later_is_no_longer_told_of(
        self, household: Household, archives: dict[str, Archive]
    ) -> None:
        archive = archives["public"]
        created = post(household, "owner", "", text="loud drums", archive=str(archive.pk)).json()
        assert created["archive"] == str(archive.pk)
        Archive.objects.update(visibility=Visibility.PRIVATE)
        client = household.clients["owner"]
        answers = [
            client.get(f"/api/prompts/{created['id']}/"),
            client.get("/api/prompts/"),
            post(household, "owner", "similar/", text="loud drums"),
            client.get(address(household.prompts["owner"], "similar/")),
        ]
        for response in answers:
            assert response.status_code == 200
            assert str(archive.pk) not in response.content.decode()

    def test_an_unlisted_one_is_told_to_whose_prompt_led_there(
        self, household: Household, archives: dict[str, Archive]
    ) -> None:
        pk = str(archives["unlisted"].pk)
        prompt = stored("loud drums", user=household.users["owner"], archive=archives["unlisted"])
        assert household.clients["owner"].get(address(prompt)).json()["archive"] == pk
        assert household.clients["reader"].get(address(prompt)).json()["archive"] is None
