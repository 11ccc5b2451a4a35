"""The admin's pages for looking into embeddings: readable, and fast with many rows."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from archives.models import Archive
from embeddings.embedders import EmbedderError
from embeddings.models import Embedding, EmbeddingModel, Interaction
from embeddings.tests.admin_pages import address
from embeddings.tests.household import stored
from embeddings.tests.moody import MoodyEmbedder
from vibomat.accounts.models import User
from vibomat.content_policy import POLICY, directives


def listed(client: Client, **parameters: Any) -> list[str]:
    answer = client.get(address("interaction"), parameters)
    assert answer.status_code == 200
    return [row.text for row in answer.context["cl"].result_list]


def page_of(client: Client, *place: Any, **parameters: Any) -> str:
    answer = client.get(address(*place), parameters)
    assert answer.status_code == 200
    assert directives(answer.headers["Content-Security-Policy"]) == directives(POLICY)
    page = answer.content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=.?/)", page)
    return page


@pytest.fixture
def piano(moody: EmbeddingModel) -> Interaction:
    ann = User.objects.create_user("ann@example.org")
    for text in ("quiet piano <evening>", "loud drums", "punk rock"):
        stored(text, moody, ann if text == "loud drums" else None)
    return stored("quiet piano", moody, ann, metadata={"client": "web"})


class TestInteractions:
    def test_are_listed_the_newest_first(self, admin: Client, piano: Interaction) -> None:
        texts = ["quiet piano", "punk rock", "loud drums", "quiet piano <evening>"]
        assert listed(admin) == texts

    def test_filters(self, admin: Client, piano: Interaction) -> None:
        Interaction.objects.filter(text="punk rock").update(kind="feedback")
        stored("waits")
        assert listed(admin, kind="feedback") == ["punk rock"]
        assert listed(admin, user=piano.user_id) == ["quiet piano", "loud drums"]
        assert listed(admin, waiting="1") == ["waits"]
        assert listed(admin, waiting="1", kind="feedback") == []

    @pytest.mark.parametrize("query", ["kind=x", "user=x", "waiting=2", "text__contains=a"])
    def test_a_wrong_filter_leads_back_to_the_list(
        self, admin: Client, piano: Interaction, query: str
    ) -> None:
        assert admin.get(f"{address('interaction')}?{query}").status_code in (302, 400)

    def test_the_search_box_finds_by_meaning(self, admin: Client, piano: Interaction) -> None:
        found = listed(admin, q="piano evening")
        assert found[:2] == ["quiet piano <evening>", "quiet piano"]
        assert set(found[2:]) == {"loud drums", "punk rock"}
        page = page_of(admin, "interaction", q="quiet piano")
        assert '<td class="field-similarity">1.000</td>' in page
        assert "quiet piano &lt;evening&gt;" in page
        assert listed(admin, q="piano evening", user=piano.user_id) == [
            "quiet piano", "loud drums",
        ]  # fmt: skip

    @pytest.mark.parametrize("reason", ["no model", "failing"])
    def test_without_a_model_it_finds_by_words_and_says_so(
        self, admin: Client, piano: Interaction, reason: str
    ) -> None:
        if reason == "no model":
            EmbeddingModel.objects.update(state="retired")
        else:
            MoodyEmbedder.errors = [EmbedderError("It is down.")] * 2
        assert listed(admin, q="evening piano") == ["quiet piano <evening>", "quiet piano"]
        if reason == "failing":
            MoodyEmbedder.errors = [EmbedderError("It is down.")]
        assert "So these are not like it, but have its words." in page_of(
            admin, "interaction", q="evening"
        )

    def test_a_text_that_is_too_long_is_told_so(self, admin: Client, piano: Interaction) -> None:
        page = page_of(admin, "interaction", q="a" * 600)
        assert "Search for at most 500 characters." in page

    @pytest.mark.parametrize("q", [" ", "\ue000", "x" * 500, "' : * & | ! <-> \\", "🎵"])
    def test_whatever_is_typed_is_searched_for(
        self, admin: Client, piano: Interaction, q: str
    ) -> None:
        page_of(admin, "interaction", q=q)

    def test_one_is_shown_with_its_vectors_and_the_nearest(
        self, admin: Client, piano: Interaction
    ) -> None:
        page = page_of(admin, "interaction", "change", piano.pk)
        similarity = Interaction.objects.similar_to(piano, 1)[0].similarity
        nearest = Interaction.objects.get(text="quiet piano <evening>")
        rows = re.findall(r'<td class="number">(.*?)</td>\s*<td><a href="(.*?)">(.*?)</a>', page)
        assert rows[0] == (
            f"{similarity:.3f}",
            address("interaction", "change", nearest.pk),
            "quiet piano &lt;evening&gt;",
        )
        assert len(rows) == 3
        assert "64 dimensions · half precision · norm 1.000" in page
        values = Embedding.objects.get(interaction=piano).values
        assert "<code>" + ", ".join(f"{x:.4f}" for x in values[:8].tolist()) in page
        (strip,) = re.findall(r'<svg class="vector-strip" viewBox="0 0 64 40".*?</svg>', page)
        assert strip.count("M") == 64
        assert not re.search('<input[^>]*name="_save"|<textarea', page)

    def test_one_that_waits_says_so(self, admin: Client, piano: Interaction) -> None:
        waits = stored("waits")
        assert "It waits for its vector." in page_of(admin, "interaction", "change", waits.pk)
        MoodyEmbedder.errors = [EmbedderError("It is <down>.")]
        page = page_of(admin, "interaction", "change", waits.pk)
        assert "the model does not answer. It is &lt;down&gt;." in page

    def test_an_older_vector_may_be_zero(self, admin: Client, piano: Interaction) -> None:
        older = EmbeddingModel.objects.create(
            name="older", dimensions=3, precision="full", state="retired"
        )
        Embedding.objects.create(interaction=piano, model=older, full_vector=[0, 0, 0])
        page = page_of(admin, "interaction", "change", piano.pk)
        assert "3 dimensions · full precision · norm 0.0000" in page

    def test_one_is_deleted_with_its_vectors(
        self, admin: Client, piano: Interaction, loaded: list[str]
    ) -> None:
        url = address("interaction", "delete", piano.pk)
        assert "Vectors: 1" in admin.get(url).content.decode()
        assert admin.post(url, {"post": "yes"}).status_code == 302
        assert not Interaction.objects.filter(pk=piano.pk).exists()
        assert Embedding.objects.count() == 3
        action = {"action": "delete_selected", "_selected_action": [
            str(pk) for pk in Interaction.objects.values_list("pk", flat=True)
        ]}  # fmt: skip
        assert "Vectors: 3" in admin.post(address("interaction"), action).content.decode()
        assert admin.post(address("interaction"), action | {"post": "yes"}).status_code == 302
        assert not Embedding.objects.exists()
        assert loaded == []


class TestEmbeddings:
    def test_are_listed_by_model(self, admin: Client, piano: Interaction) -> None:
        other = EmbeddingModel.objects.create(name="other", dimensions=2)
        other.store([(piano, [1, 2])])
        for model, count in ((None, 5), (other.pk, 1)):
            answer = admin.get(address("embedding"), {"model": model} if model else {})
            assert len(answer.context["cl"].result_list) == count
        assert admin.get(address("embedding"), {"model": "99"}).status_code == 302

    def test_one_is_shown_with_its_numbers(self, admin: Client, piano: Interaction) -> None:
        other = EmbeddingModel.objects.create(name="other", dimensions=2)
        other.store([(piano, [3, -4])])
        embedding = Embedding.objects.get(model=other)
        page = page_of(admin, "embedding", "change", embedding.pk)
        assert "0.6001, -0.7998" in page
        assert 'aria-label="2 numbers from -0.7998 to 0.6001"' in page
        assert 'class="above" d="M0.5 20v-15.0"' in page
        assert 'class="below" d="M1.5 20v20.0"' in page
        assert address("interaction", "change", piano.pk) in page


class TestMap:
    def test_shows_each_once_linked_to_its_nearest(self, admin: Client, piano: Interaction) -> None:
        page = page_of(admin, "interaction", "map")
        names = re.findall(r"<title>(.*?)</title></circle>", page)
        assert names == ["quiet piano", "punk rock", "loud drums", "quiet piano &lt;evening&gt;"]
        assert 'data-of="0 3"' in page
        assert f'<a href="../{piano.pk}/change/" data-point="0">' in page
        for x, y in re.findall(r'cx="(.*?)" cy="(.*?)"', page):
            assert 0 < float(x) < 1200 and 0 < float(y) < 760

    def test_filters(self, admin: Client, piano: Interaction) -> None:
        Interaction.objects.filter(text="punk rock").update(kind="feedback")
        stored("waits")

        def names(**parameters: Any) -> list[str]:
            page = page_of(admin, "interaction", "map", **parameters)
            return re.findall(r"<title>(.*?)</title></circle>", page)

        assert names(kind="feedback") == ["punk rock"]
        for user in ("ann@example.org", str(piano.user_id)):
            assert names(user=user) == ["quiet piano", "loud drums"]
        assert names(user="ann@example.org", kind="feedback") == []
        assert "1 more wait" in page_of(admin, "interaction", "map", newest="500")

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"user": "nobody"}, "There is no user"),
            ({"user": "x" * 301}, "at most 300 characters"),
            ({"kind": "order"}, "Select a valid choice"),
            ({"newest": "1000000"}, "Select a valid choice"),
        ],
    )
    def test_a_wrong_filter_is_said(
        self, admin: Client, piano: Interaction, parameters: dict[str, str], message: str
    ) -> None:
        page = page_of(admin, "interaction", "map", **parameters)
        assert message in page
        assert "<circle" not in page

    def test_without_a_model_it_says_so(self, admin: Client) -> None:
        stored("waits")
        assert "No embedding model is in use yet" in page_of(admin, "interaction", "map")


class TestModels:
    def test_shows_how_far_each_is(self, admin: Client, piano: Interaction) -> None:
        EmbeddingModel.objects.create(name="next", dimensions=2)
        EmbeddingModel.objects.create(name="last", dimensions=768, state="retired")
        table = page_of(admin, "embeddingmodel").partition('<table class="embedding-table')[2]
        cells = [
            re.findall(r"<t[dh]\b.*?</t", row, re.DOTALL)
            for row in re.findall("<tr>(.*?)</tr>", table, re.DOTALL)
        ]
        rows = [[re.sub("<.*?>|</t", "", cell).strip() for cell in row] for row in cells[1:]]
        assert [[row[0], row[1], *row[5:9]] for row in rows] == [
            ["last", "Retired", "0", "", "none", ""],
            ["next", "Building", "0", "4", "none", ""],
            ["moody", "Active", "4", "0", "none", ""],
        ]

    @pytest.mark.parametrize("chosen", ["", "x", "99999999999999999999"])
    def test_nothing_is_measured_of_no_model(
        self, admin: Client, piano: Interaction, chosen: str
    ) -> None:
        assert admin.post(address("embeddingmodel"), {"measure": chosen}).status_code == 200

    def test_one_without_an_index_is_not_measured(
        self, admin: Client, piano: Interaction, moody: EmbeddingModel
    ) -> None:
        answer = admin.post(address("embeddingmodel"), {"measure": moody.pk})
        assert "There are no vectors of moody under an index." in answer.content.decode()


class TestRights:
    PAGES = [
        ("interaction", "changelist"),
        ("interaction", "map"),
        ("embedding", "changelist"),
        ("embeddingmodel", "changelist"),
    ]

    @pytest.mark.parametrize(("model", "page"), PAGES)
    def test_each_page_is_for_staff_who_may_view_it(
        self, client: Client, db: None, model: str, page: str
    ) -> None:
        url = address(model, page)
        assert client.get(url).status_code == 302
        staff = User.objects.create_user("staff@example.org", is_staff=True)
        client.force_login(staff)
        assert client.get(url).status_code == 403
        assert client.post(url, {"measure": "1"}).status_code == 403
        staff.user_permissions.add(Permission.objects.get(codename=f"view_{model}"))
        assert client.get(url).status_code == 200

    def test_the_archive_it_led_to_is_told_to_who_may_view_archives(
        self, client: Client, piano: Interaction
    ) -> None:
        archive = Archive.objects.create(name="Secret nights")
        Interaction.objects.filter(pk=piano.pk).update(archive=archive)
        staff = User.objects.create_user("staff@example.org", is_staff=True)
        client.force_login(staff)
        for codename, told in (("view_interaction", False), ("view_archive", True)):
            staff.user_permissions.add(Permission.objects.get(codename=codename))
            page = page_of(client, "interaction", "change", piano.pk)
            assert ("Secret nights" in page) == (str(archive.pk) in page) == told

    def test_nothing_is_added_or_changed_here(self, admin: Client, piano: Interaction) -> None:
        embedding = Embedding.objects.filter(interaction=piano).get()
        for model, pk in (("interaction", piano.pk), ("embedding", embedding.pk)):
            assert admin.get(address(model, "add")).status_code == 403
            assert admin.post(address(model, "change", pk), {"text": "x"}).status_code == 403
        assert admin.post(address("embedding", "delete", embedding.pk)).status_code == 403
        piano.refresh_from_db()
        assert piano.text == "quiet piano"
