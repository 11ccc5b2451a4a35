"""Prompts over HTTP: stored first, listed by pages, found by meaning; errors name their field."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from embeddings.embedders import EmbedderError
from embeddings.models import MOST_CHARACTERS, Embedding, EmbeddingModel, Interaction
from embeddings.tests.household import stored
from embeddings.tests.moody import MoodyEmbedder
from vibomat.accounts.models import User

PROMPTS = "/api/prompts/"
SIMILAR = "/api/prompts/similar/"


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("ann@example.org")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def post(client: Client, address: str, body: Any) -> Any:
    """Send a body as JSON, or as it is if it is text."""
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post(address, text, content_type="application/json")


def texts(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["text"] for row in response.json()["results"]]


class TestOne:
    def test_what_is_created_is_read_again_whole(
        self,
        client: Client,
        user: User,
        moody: EmbeddingModel,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        given = {
            "kind": "search",
            "text": " leise\tMusik\n für 🎵 ",
            "language": "de-CH",
            "metadata": {"client": "web", "ü": [1, None, {"a": 1.5}]},
            "archive": None,
        }
        with django_capture_on_commit_callbacks(execute=True):
            response = post(client, PROMPTS, given)
        assert response.status_code == 201
        created = response.json()
        location = f"http://testserver{PROMPTS}{created['id']}/"
        assert response.headers["Location"] == location
        row = Interaction.objects.get()
        assert created == given | {
            "id": str(row.pk),
            "user": str(user.pk),
            "created": row.created.isoformat().replace("+00:00", "Z"),
            # In this test the transaction was still open when it was answered.
            "embedded": False,
        }
        assert client.get(f"{PROMPTS}{row.pk}/").json() == created | {"embedded": True}
        assert Embedding.objects.get().interaction_id == row.pk

    @pytest.mark.django_db(transaction=True)
    def test_its_vector_is_there_when_it_is_answered(
        self, client: Client, moody: EmbeddingModel
    ) -> None:
        assert post(client, PROMPTS, {"text": "quiet piano"}).json()["embedded"]

    @pytest.mark.django_db(transaction=True)
    def test_it_is_stored_even_if_the_model_fails(
        self, client: Client, moody: EmbeddingModel
    ) -> None:
        MoodyEmbedder.errors.append(EmbedderError("https://secret.example is down"))
        response = post(client, PROMPTS, {"text": "quiet piano"})
        assert response.status_code == 201
        assert not response.json()["embedded"]
        assert "secret" not in response.content.decode()
        assert Interaction.objects.get().text == "quiet piano"

    def test_a_text_is_enough(self, client: Client) -> None:
        created = post(client, PROMPTS, {"text": "quiet piano"}).json()
        fields = ("kind", "language", "metadata", "archive", "embedded")
        assert [created[name] for name in fields] == ["prompt", "", {}, None, False]

    def test_what_is_deleted_goes_with_its_vectors(
        self, client: Client, user: User, moody: EmbeddingModel
    ) -> None:
        gone, stays = stored("one", moody, user), stored("two", moody, user)
        assert client.delete(f"{PROMPTS}{gone.pk}/").status_code == 204
        assert client.get(f"{PROMPTS}{gone.pk}/").status_code == 404
        assert [row.interaction_id for row in Embedding.objects.all()] == [stays.pk]
        assert texts(post(client, SIMILAR, {"text": "one"})) == ["two"]

    @pytest.mark.parametrize("pk", ["x", "1", "0" * 32, "%F0%9F%8E%B5"])
    def test_there_is_none_of_a_wrong_id(self, client: Client, pk: str) -> None:
        for action in ("", "similar/"):
            assert client.get(f"{PROMPTS}{pk}/{action}").status_code == 404

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "text"),
            ({"text": None}, "text"),
            ({"text": ""}, "text"),
            ({"text": " \n\t\u2003"}, "text"),
            ({"text": 5}, "text"),
            ({"text": ["a"]}, "text"),
            ({"text": "x" * (MOST_CHARACTERS + 1)}, "text"),
            ({"text": "a\0b"}, "text"),
            ({"text": "a\x07b"}, "text"),
            ({"text": "a\x85b"}, "text"),
            ({"text": "\x1b[31m"}, "text"),
            ('{"text": "a\\ud800b"}', "text"),
            ({"text": "a", "kind": "order"}, "kind"),
            ('{"text": "a", "kind": "\\ud800"}', "kind"),
            ('{"text": "a", "\\ud800": 1}', "\ufffd"),
            ({"text": "a", "kind": None}, "kind"),
            ({"text": "a", "kind": {}}, "kind"),
            ({"text": "a", "language": "d"}, "language"),
            ({"text": "a", "language": "de_CH"}, "language"),
            ({"text": "a", "language": "de CH"}, "language"),
            ({"text": "a", "language": "de-" + "x" * 40}, "language"),
            ({"text": "a", "language": 5}, "language"),
            ({"text": "a", "metadata": []}, "metadata"),
            ({"text": "a", "metadata": None}, "metadata"),
            ({"text": "a", "metadata": {"x": "\0"}}, "metadata"),
            ('{"text": "a", "metadata": {"x": "\\udfff"}}', "metadata"),
            ('{"text": "a", "metadata": {"x": NaN}}', "metadata"),
            ('{"text": "a", "metadata": {"x": 1e999}}', "metadata"),
            ({"text": "a", "metadata": {"x": "y" * 70_000}}, "metadata"),
            ('{"text": "a", "metadata": ' + '{"x":' * 99 + "1" + "}" * 99 + "}", "metadata"),
            ({"text": "a", "archive": "x"}, "archive"),
            ({"text": "a", "archive": 5}, "archive"),
            ({"text": "a", "archive": "0" * 32}, "archive"),
            ({"text": "a", "txet": "b"}, "txet"),
            ({"text": "a", "x\0": "b"}, "x\0"),
            ([], "non_field_errors"),
            ("", "text"),
            ("{", "non_field_errors"),
            ('{"text": "a", "text": "b"}', "non_field_errors"),
            ("[" * 100_000, "non_field_errors"),
            ('{"text": "a", "metadata": {"x": ' + "9" * 5000 + "}}", "non_field_errors"),
        ],
    )
    def test_a_bad_field_is_a_400_that_names_it(
        self, client: Client, body: Any, field: str
    ) -> None:
        response = post(client, PROMPTS, body)
        assert response.status_code == 400, response.content
        assert list(response.json()) == [field]
        assert all(isinstance(message, str) for message in response.json()[field])
        assert not Interaction.objects.exists()

    def test_a_body_that_is_too_large_is_not_read(self, client: Client) -> None:
        response = post(client, PROMPTS, {"text": "x" * 1024 * 1024})
        assert response.status_code == 413
        assert response.json() == {"detail": "A body may have at most 1,048,576 bytes."}

    def test_only_json_is_read(self, client: Client) -> None:
        assert client.post(PROMPTS, {"text": "a"}).status_code == 415


class TestList:
    @pytest.fixture
    def rows(self, user: User) -> list[str]:
        """Named by their age in hours, of which two are as old as each other."""
        ages = [0, 1, 1, 2, 3, 4]
        for number, hours in enumerate(ages):
            Interaction.objects.create(
                text=f"{hours}",
                user=user,
                kind="search" if hours == 2 else "prompt",
                language="pt-BR" if hours == 3 else "",
                metadata={"mood": "calm", "n": number},
                created=datetime(2026, 10, 1, 12, tzinfo=UTC) - timedelta(hours=hours),
            )
        return [str(hours) for hours in ages]

    def walk(self, client: Client, query: str) -> list[list[str]]:
        address: str | None = f"{PROMPTS}?{query}"
        pages = []
        while address:
            response = client.get(address)
            pages.append(texts(response))
            address = response.json()["next"]
        return pages

    def test_pages_show_each_row_once_the_newest_first(
        self, client: Client, rows: list[str]
    ) -> None:
        assert self.walk(client, "limit=2") == [["0", "1"], ["1", "2"], ["3", "4"]]
        assert self.walk(client, "limit=6") == [rows]

    def test_a_page_goes_on_where_it_was_while_others_arrive(
        self, client: Client, rows: list[str], user: User
    ) -> None:
        first = client.get(f"{PROMPTS}?limit=2").json()
        Interaction.objects.create(text="new", user=user)
        Interaction.objects.get(pk=first["results"][0]["id"]).delete()
        assert texts(client.get(first["next"])) == ["1", "2"]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("kind=search", ["2"]),
            ("language=pt-BR", ["3"]),
            ("language=pt", []),
            ("created_after=2026-10-01T10:00:00Z", ["0", "1", "1", "2"]),
            ("created_before=2026-10-01T09:00:00Z", ["3", "4"]),
            ("created_before=2026-10-01T10:00:00%2B01:00", ["3", "4"]),
            ("created_after=2026-10-02", []),
            ('metadata={"n":4}', ["3"]),
            ('metadata={"mood":"calm"}&kind=prompt&limit=1', ["0"]),
            ("owner=me&kind=&language=&cursor=", ["0", "1", "1", "2", "3", "4"]),
        ],
    )
    def test_filters(
        self, client: Client, rows: list[str], query: str, expected: list[str]
    ) -> None:
        assert texts(client.get(f"{PROMPTS}?{query}")) == expected

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=ten", "limit"),
            ("limit=1&limit=2", "limit"),
            ("cursor=x", "cursor"),
            ("cursor=" + "x" * 5000, "cursor"),
            ("cursor=WzEsMl0:1abc:xyz", "cursor"),
            ("owner=you", "owner"),
            ("kind=order", "kind"),
            ("kind=a%00", "kind"),
            ("language=%ff", "language"),
            ("language=e", "language"),
            ("archive=x", "archive"),
            ("archive=" + "0" * 32, "archive"),
            ("created_after=soon", "created_after"),
            ("created_before=9999-99-99", "created_before"),
            ("created_before=0001-01-01", "created_before"),
            ("metadata={", "metadata"),
            ("metadata=[]", "metadata"),
            ('metadata={"x":NaN}', "metadata"),
            ('metadata={"x":"%5Cu0000"}', "metadata"),
            ('metadata={"x":"%5Cud800"}', "metadata"),
            ("metadata=" + '{"x":' * 99 + "1" + "}" * 99, "metadata"),
            ("metadata=" + "[" * 60_000, "metadata"),
            ("knid=prompt", "knid"),
            ("page=2", "page"),
            ("k=3", "k"),
        ],
    )
    def test_a_bad_parameter_is_a_400_that_names_it(
        self, client: Client, query: str, field: str
    ) -> None:
        response = client.get(PROMPTS, QUERY_STRING=query)
        assert response.status_code == 400
        assert list(response.json()) == [field]
        assert all(isinstance(message, str) for message in response.json()[field])

    def test_no_row_costs_a_query(
        self,
        client: Client,
        user: User,
        moody: EmbeddingModel,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for n in range(30):
            stored(f"song {n}", moody, user)
        # The session, the user, the page, the active model, which of the page have vectors of it.
        with django_assert_num_queries(5):
            assert len(texts(client.get(PROMPTS))) == 20


class TestSimilar:
    @pytest.fixture(autouse=True)
    def prompts(self, moody: EmbeddingModel, user: User) -> None:
        for text in ("quiet piano", "quiet piano evening", "loud drums", "punk rock"):
            stored(
                text, moody, user, kind="search" if text == "loud drums" else "prompt",
                language="en", metadata={"words": len(text.split())},
                created=datetime(2026, 10, len(text), tzinfo=UTC),
            )  # fmt: skip

    def test_the_most_similar_come_first(self, client: Client) -> None:
        answer = post(client, SIMILAR, {"text": "quiet piano", "k": 2}).json()
        (first, second), prompt = answer["results"], Interaction.objects.get(text="quiet piano")
        assert first == {
            "id": str(prompt.pk),
            "text": "quiet piano",
            "kind": "prompt",
            "similarity": 1.0,
            "created": "2026-10-11T00:00:00Z",
            "archive": None,
        }
        assert second["text"] == "quiet piano evening"
        assert 0.5 < second["similarity"] < 1
        assert (answer["model"], answer["mode"]) == ("moody", "vector")
        assert answer["took_ms"] > 0

    @pytest.mark.parametrize("mode", ["vector", "exact", "hybrid"])
    def test_every_mode_gives_k_however_narrow_the_filter(self, client: Client, mode: str) -> None:
        body = {"text": "loud drums", "mode": mode, "kind": "prompt", "k": 3}
        answer = post(client, SIMILAR, body)
        assert set(texts(answer)) == {"quiet piano", "quiet piano evening", "punk rock"}
        assert answer.json()["mode"] == mode

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({"kind": "search"}, {"loud drums"}),
            ({"metadata": {"words": 3}}, {"quiet piano evening"}),
            ({"created_after": "2026-10-11", "kind": "prompt"},
             {"quiet piano", "quiet piano evening"}),
            ({"created_before": "2026-10-09T00:00:00Z"}, {"punk rock"}),
            ({"language": "de"}, set()),
            ({"owner": "me", "language": "en", "k": 1}, {"quiet piano"}),
        ],
    )  # fmt: skip
    def test_filters_are_combined_with_the_search(
        self, client: Client, filters: dict[str, Any], expected: set[str]
    ) -> None:
        assert set(texts(post(client, SIMILAR, {"text": "quiet piano"} | filters))) == expected

    def test_a_vector_of_any_length_is_as_good_as_a_text(self, client: Client) -> None:
        (vector,) = MoodyEmbedder().embed_queries(["loud drums"])
        for scale in (1e-30, 1, 1e30):
            body = {"vector": [float(x) * scale for x in vector], "k": 1}
            assert texts(post(client, SIMILAR, body)) == ["loud drums"]

    def test_what_is_like_a_prompt_is_without_itself(self, client: Client) -> None:
        prompt = Interaction.objects.get(text="quiet piano")
        address = f"{PROMPTS}{prompt.pk}/similar/"
        assert texts(client.get(address + "?k=1")) == ["quiet piano evening"]
        assert texts(client.get(address + "?kind=search")) == ["loud drums"]
        assert len(texts(client.get(address + '?mode=exact&metadata={"words":2}'))) == 2

    def test_one_that_waits_for_its_vector_is_compared_by_its_text(
        self, client: Client, user: User
    ) -> None:
        prompt = stored("drums, loud", user=user)
        assert texts(client.get(f"{PROMPTS}{prompt.pk}/similar/?k=1")) == ["loud drums"]

    def test_a_text_without_meaning_has_nothing_like_it(self, client: Client) -> None:
        assert texts(post(client, SIMILAR, {"text": "\ue000"})) == []

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "text"),
            ({"text": ""}, "text"),
            ({"text": " "}, "text"),
            ({"text": None}, "text"),
            ({"text": 5}, "text"),
            ({"text": "a\0"}, "text"),
            ({"text": "a\x1b"}, "text"),
            ('{"text": "\\ud800"}', "text"),
            ({"text": "x" * (MOST_CHARACTERS + 1)}, "text"),
            ('{"text": "a", "mode": "\\ud800"}', "mode"),
            ({"text": "a", "vector": [1] * 64}, "vector"),
            ({"vector": []}, "vector"),
            ({"vector": [1] * 63}, "vector"),
            ({"vector": [1] * 65}, "vector"),
            ({"vector": [1] * 4001}, "vector"),
            ({"vector": [0] * 64}, "vector"),
            ({"vector": ["1"] * 64}, "vector"),
            ({"vector": [True] * 64}, "vector"),
            ({"vector": [None] * 64}, "vector"),
            ({"vector": [[1] * 64]}, "vector"),
            ({"vector": "1,2"}, "vector"),
            ({"vector": {"0": 1}}, "vector"),
            ({"vector": 1}, "vector"),
            ({"vector": None}, "vector"),
            ('{"vector": [' + "NaN," * 63 + "1]}", "vector"),
            ('{"vector": [' + "Infinity," * 63 + "1]}", "vector"),
            ('{"vector": [' + "-Infinity," * 63 + "1]}", "vector"),
            ('{"vector": [' + "1e999," * 63 + "1]}", "vector"),
            ('{"vector": [' + "9" * 4000 + ",1" * 63 + "]}", "vector"),
            ({"vector": [1] * 64, "mode": "hybrid"}, "mode"),
            ({"text": "a", "mode": "fuzzy"}, "mode"),
            ({"text": "a", "mode": ["vector"]}, "mode"),
            ({"text": "a", "k": 0}, "k"),
            ({"text": "a", "k": -1}, "k"),
            ({"text": "a", "k": 101}, "k"),
            ({"text": "a", "k": 10**400}, "k"),
            ({"text": "a", "k": 1.5}, "k"),
            ({"text": "a", "k": True}, "k"),
            ({"text": "a", "k": None}, "k"),
            ({"text": "a", "k": [1]}, "k"),
            ('{"text": "a", "k": NaN}', "k"),
            ('{"text": "a", "k": Infinity}', "k"),
            ({"text": "a", "kind": "order"}, "kind"),
            ({"text": "a", "owner": 5}, "owner"),
            ({"text": "a", "owner": "x"}, "owner"),
            ({"text": "a", "archive": "x"}, "archive"),
            ({"text": "a", "created_after": 5}, "created_after"),
            ({"text": "a", "created_before": "x"}, "created_before"),
            ({"text": "a", "metadata": "x"}, "metadata"),
            ('{"text": "a", "metadata": {"x": NaN}}', "metadata"),
            ({"text": "a", "language": {}}, "language"),
            ({"text": "a", "limit": 5}, "limit"),
        ],
    )  # fmt: skip
    def test_a_bad_field_is_a_400_that_names_it(
        self, client: Client, body: Any, field: str
    ) -> None:
        response = post(client, SIMILAR, body)
        assert response.status_code == 400, response.content
        assert list(response.json()) == [field]
        assert all(isinstance(message, str) for message in response.json()[field])

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({"vector": [1, 2, 3]},
             "A vector of the model in use has 64 dimensions, this one 3."),
            ({"vector": [0] * 64}, "The zero vector has no direction: nothing is near it."),
            ('{"vector": [NaN]}', "A vector can't have NaN or infinity in it."),
        ],
    )  # fmt: skip
    def test_what_is_wrong_with_a_vector_is_said(
        self, client: Client, body: Any, message: str
    ) -> None:
        assert post(client, SIMILAR, body).json() == {"vector": [message]}

    @pytest.mark.parametrize("query", ["k=0", "k=101", "k=ten", "mode=fuzzy", "text=a", "limit=1"])
    def test_a_bad_parameter_is_a_400_that_names_it(self, client: Client, query: str) -> None:
        pk = Interaction.objects.get(text="quiet piano").pk
        response = client.get(f"{PROMPTS}{pk}/similar/?{query}")
        assert response.status_code == 400
        assert list(response.json()) == [query.partition("=")[0]]

    def test_a_text_that_the_model_refuses_is_a_400(self, client: Client) -> None:
        MoodyEmbedder.refused = {"a"}
        response = post(client, SIMILAR, {"text": "a"})
        assert response.status_code == 400
        assert response.json() == {"text": ["It is not to my liking."]}

    def test_no_row_costs_a_query(
        self,
        client: Client,
        user: User,
        moody: EmbeddingModel,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for n in range(30):
            stored(f"piano {n}", moody, user)
        with django_assert_max_num_queries(12):
            assert len(texts(post(client, SIMILAR, {"text": "piano", "k": 30}))) == 30


class TestWithoutAnAnswer:
    """No model in use, or one that does not answer."""

    @pytest.fixture(params=["no model", "failing", "unknown embedder"])
    def prompt(self, request: Any, moody: EmbeddingModel, user: User) -> Interaction:
        # Without a vector: its text is what the model is asked for.
        prompt = stored("piano", user=user)
        stored("quiet piano", moody, user)
        stored("loud drums", moody, user)
        if request.param == "no model":
            EmbeddingModel.objects.update(state="retired")
        elif request.param == "failing":
            failure = EmbedderError("https://secret.example is down", retry_after=7.2)
            MoodyEmbedder.errors = [failure] * 5
        else:
            EmbeddingModel.objects.update(name="gone")
        return prompt

    def test_it_is_a_503_that_says_so(self, client: Client, prompt: Interaction) -> None:
        for response in (
            post(client, SIMILAR, {"text": "piano"}),
            post(client, SIMILAR, {"text": "piano", "mode": "exact"}),
            client.get(f"{PROMPTS}{prompt.pk}/similar/"),
        ):
            assert response.status_code == 503
            assert "With mode hybrid" in response.json()["detail"]
            assert "secret" not in response.content.decode()
            assert response.headers.get("Retry-After") in (None, "7")

    def test_a_hybrid_search_finds_by_words_and_says_so(
        self, client: Client, prompt: Interaction
    ) -> None:
        own = client.get(f"{PROMPTS}{prompt.pk}/similar/?mode=hybrid")
        assert texts(own) == ["quiet piano"]
        response = post(client, SIMILAR, {"text": "quiet piano", "mode": "hybrid", "k": 5})
        assert texts(response) == ["quiet piano", "piano"]
        for answer in (own.json(), response.json()):
            assert (answer["model"], answer["mode"]) == (None, "words")
            assert {row["similarity"] for row in answer["results"]} == {None}

    def test_bad_input_is_still_a_400(self, client: Client, prompt: Interaction) -> None:
        response = post(client, SIMILAR, {"vector": [0, 0]})
        assert response.status_code == 400
        assert list(response.json()) == ["vector"]


def test_the_schema_documents_every_address_status_and_parameter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("spectacular", "--format", "openapi-json", "--validate", "--fail-on-warn")
    schema = json.loads(capsys.readouterr().out)
    statuses = {
        (address, method): set(operation["responses"])
        for address, methods in schema["paths"].items()
        if address.startswith(PROMPTS)
        for method, operation in methods.items()
    }
    body = {"411", "413", "415"}
    assert {key: found - {"406", "429", "503"} for key, found in statuses.items()} == {
        (PROMPTS, "get"): {"200", "400", "401", "403"},
        (PROMPTS, "post"): {"201", "400", "401", "403", *body},
        (PROMPTS + "{id}/", "get"): {"200", "400", "401", "404"},
        (PROMPTS + "{id}/", "delete"): {"204", "400", "401", "403", "404"},
        (PROMPTS + "{id}/similar/", "get"): {"200", "400", "401", "403", "404"},
        (SIMILAR, "post"): {"200", "400", "401", "403", *body},
    }
    filters = {
        "owner", "kind", "archive", "created_after", "created_before", "language", "metadata",
    }  # fmt: skip

    def parameters(address: str) -> set[str]:
        return {p["name"] for p in schema["paths"][address]["get"]["parameters"]}

    assert parameters(PROMPTS) == filters | {"limit", "cursor"}
    assert parameters(PROMPTS + "{id}/similar/") == filters | {"id", "k", "mode"}
    components = schema["components"]["schemas"]
    asked = components["SimilarRequest"]["properties"]
    assert set(asked) == filters | {"text", "vector", "k", "mode"}
    assert (asked["k"]["minimum"], asked["k"]["maximum"], asked["k"]["default"]) == (1, 100, 10)
    assert set(components["SimilarResponse"]["properties"]) == {
        "results", "model", "mode", "took_ms",
    }  # fmt: skip
    assert set(components["Similar"]["properties"]) == {
        "id", "text", "kind", "similarity", "created", "archive",
    }  # fmt: skip


def test_it_is_among_the_documentation(client: Client) -> None:
    schema = client.get(reverse("schema"), headers={"Accept": "application/json"})
    assert SIMILAR in schema.content.decode()
