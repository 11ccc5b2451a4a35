"""The admin's pages for archives: readable, fast with many rows, and safe from one another."""

import json
import re
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from archives.admin import typed_filters
from archives.filters import Range
from archives.models import Archive
from archives.partitions import Period
from archives.paths import PATHS
from search.plans import plans_of
from vibomat.accounts.models import User

CONTENT: dict[str, Any] = {
    "tracks": [
        {
            "artist": "Air <b>",
            "track": "Sexy Boy",
            "album": "Moon Safari",
            "version": "Live",
            "duration_ms": 298000,
            "playable": {"spotify": True, "tidal": False},
        },
        {"artist": "Beyoncé"},
    ],
    "metadata": {"mood": "calm", "tags": ["night"]},
}
NO_ID = str(uuid.UUID(int=1))


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("admin@example.org"))
    return client


@pytest.fixture
def archive(db: None) -> Archive:
    owner = User.objects.create_user("ann@example.org")
    return Archive.objects.create(name="Late", owner=owner, content=CONTENT)


def address(page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:archives_archive_{page}", args=args)


def listed(client: Client, **parameters: Any) -> list[str]:
    answer = client.get(address(), parameters)
    assert answer.status_code == 200
    return [row.name for row in answer.context["cl"].result_list]


def data(archive: Archive | None = None, **changes: Any) -> dict[str, Any]:
    """What a browser sends for the form."""
    fields: dict[str, Any] = {
        "name": "Late",
        "description": "",
        "owner": "",
        "visibility": "private",
        "status": "draft",
        "provider": "",
        "provider_id": "",
        "last_synced_0": "",
        "last_synced_1": "",
        "deleted_0": "",
        "deleted_1": "",
        "content": json.dumps(CONTENT),
    }
    if archive is not None:
        fields["read_revision"] = archive.revision
    return fields | changes


def errors_of(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 200
    errors: dict[str, list[str]] = answer.context["adminform"].form.errors
    return errors


class TestOne:
    def test_its_tracks_are_a_table(self, admin: Client, archive: Archive) -> None:
        page = admin.get(address("change", archive.pk)).content.decode()
        cells = [
            "<td>Air &lt;b&gt;</td>",
            '<td>Sexy Boy <span class="quiet">Live</span></td>',
            "<td>Moon Safari</td>",
            '<td class="number">4:58</td>',
            '<span class="plays">spotify</span>',
            "<td>Beyoncé</td>",
        ]
        assert [cell for cell in cells if cell not in page] == []
        assert "tidal</span>" not in page

    def test_its_json_is_folded_and_can_be_edited(self, admin: Client, archive: Archive) -> None:
        page = admin.get(address("change", archive.pk)).content.decode()
        before, _, after = page.partition('<textarea name="content"')
        assert before.rindex("<details") > before.rindex(
            "</details>" if "</details>" in before else "<form"
        )
        assert "&quot;mood&quot;: &quot;calm&quot;" in after
        changed = CONTENT | {"metadata": {"mood": "wild"}}
        response = admin.post(
            address("change", archive.pk), data(archive, content=json.dumps(changed), name="Later")
        )
        assert response.status_code == 302
        archive.refresh_from_db()
        assert (archive.content, archive.name, archive.revision) == (changed, "Later", 2)

    def test_one_is_added(self, admin: Client) -> None:
        assert admin.get(address("add")).status_code == 200
        assert admin.post(address("add"), data()).status_code == 302
        assert Archive.objects.get().content == CONTENT

    @pytest.mark.parametrize(
        ("content", "error"),
        [
            ("{", "This is not valid JSON"),
            ("[]", "Enter a JSON object."),
            ('{"a": 1, "a": 2}', 'the key "a" stands twice'),
            ('{"x": NaN}', "NaN is no JSON number"),
            ('{"x": "\\u0000"}', "x: Null characters are not allowed."),
            ('{"x": "\\ud800"}', "x: Lone surrogates are not allowed."),
            ("[" * 100_000, "nested more than 32 levels"),
            (
                '{"tracks": [{"artist": "Air"}, {"artist": "Air", "duration_ms": "4:58"}]}',
                "tracks[1].duration_ms: Enter a whole number of milliseconds",
            ),
        ],
    )
    def test_an_error_in_the_content_names_its_place(
        self, admin: Client, archive: Archive, content: str, error: str
    ) -> None:
        for url, read in ((address("add"), None), (address("change", archive.pk), archive)):
            answer = admin.post(url, data(read, content=content))
            assert list(errors_of(answer)) == ["content"]
            assert error in errors_of(answer)["content"][0]
        assert Archive.objects.get().content == CONTENT

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("name", " "),
            ("name", "x" * 1001),
            ("description", "x" * 10_001),
            ("owner", "nobody"),
            ("visibility", "secret"),
            ("status", "x" * 51),
            ("last_synced_0", "soon"),
            ("provider_id", "x" * 256),
        ],
    )
    def test_bad_input_names_its_field(self, admin: Client, field: str, value: str) -> None:
        answer = admin.post(address("add"), data(None, **{field: value}))
        assert list(errors_of(answer)) == [field.removesuffix("_0")]
        assert not Archive.objects.exists()

    @pytest.mark.parametrize("value", ["a\0b", "\ud800"])
    def test_text_that_cannot_be_stored_is_refused(self, admin: Client, value: str) -> None:
        body = f"name={value}".encode("utf-8", "surrogatepass")
        answer = admin.post(address("add"), body, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 200 or answer.status_code == 400
        assert not Archive.objects.exists()

    def test_a_change_over_somebody_elses_is_refused(self, admin: Client, archive: Archive) -> None:
        Archive.objects.update(name="Theirs")
        answer = admin.post(address("change", archive.pk), data(archive, name="Mine"))
        assert "Somebody changed this archive meanwhile" in errors_of(answer)["__all__"][0]
        assert Archive.objects.get().name == "Theirs"

    @pytest.mark.parametrize("revision", ["", "x", "-1", "9" * 50])
    def test_a_change_says_what_it_was_made_from(
        self, admin: Client, archive: Archive, revision: str
    ) -> None:
        answer = admin.post(address("change", archive.pk), data(archive, read_revision=revision))
        assert errors_of(answer)
        assert Archive.objects.get().revision == 1

    def test_the_row_is_locked_until_it_is_saved(self, admin: Client, archive: Archive) -> None:
        plans = plans_of(
            lambda: admin.post(address("change", archive.pk), data(archive, name="New"))
        )
        assert any("LockRows" in plan for plan in plans)

    def test_content_too_large_for_a_form_is_shown_only(
        self, admin: Client, archive: Archive
    ) -> None:
        content = CONTENT | {"x": "x" * 600_000}
        Archive.objects.update(content=content)
        archive.refresh_from_db()
        page = admin.get(address("change", archive.pk)).content.decode()
        assert '<textarea name="content"' not in page
        sent = data(archive, name="New")
        del sent["content"]
        assert admin.post(address("change", archive.pk), sent).status_code == 302
        archive.refresh_from_db()
        assert (archive.name, archive.content) == ("New", content)

    @pytest.mark.parametrize(
        "content",
        [
            {"tracks": None},
            {"tracks": {"a": 1}},
            {"tracks": ["x", None, {"artist": ["y"], "duration_ms": "z", "playable": [1]}]},
            {"tracks": [{"artist": "A"}] * 2000},
            {},
        ],
    )
    def test_older_content_of_any_shape_is_shown(
        self, admin: Client, archive: Archive, content: Any
    ) -> None:
        Archive.objects.update(content=content)
        page = admin.get(address("change", archive.pk))
        assert page.status_code == 200
        assert ("… and 1500 more" in page.content.decode()) == (
            len(content.get("tracks") or ()) == 2000
        )

    def test_its_source_and_copies_are_linked(self, admin: Client, archive: Archive) -> None:
        copy = archive.derive_copy(User.objects.get(email="ann@example.org"), name="Copy")
        page = admin.get(address("change", copy.pk)).content.decode()
        assert address("change", archive.pk) in page
        page = admin.get(address("change", archive.pk)).content.decode()
        assert f"?derived_from={archive.pk}" in page
        assert listed(admin, derived_from=archive.pk) == ["Copy"]


PAGES = ["changelist", "add", "change", "delete", "history"]


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        ([], []),
        (["view"], ["changelist", "change", "history"]),
        (["view", "change"], ["changelist", "change", "history"]),
        (["view", "add"], ["changelist", "add", "change", "history"]),
        (["view", "delete"], ["changelist", "change", "delete", "history"]),
    ],
)
def test_a_page_needs_its_permission(
    client: Client, archive: Archive, permissions: list[str], allowed: list[str]
) -> None:
    staff = User.objects.create_user("staff@example.org", is_staff=True)
    codes = [f"{permission}_archive" for permission in permissions]
    staff.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client.force_login(staff)
    for page in PAGES:
        args = [] if page in ("changelist", "add") else [archive.pk]
        status = client.get(address(page, *args)).status_code
        assert (page, status) == (page, 200 if page in allowed else 403)
    sent = client.post(address("change", archive.pk), data(archive, name="New"))
    assert sent.status_code == (302 if "change" in permissions else 403)
    assert Archive.objects.get().name == ("New" if "change" in permissions else "Late")


def test_who_may_only_view_sees_the_json_but_no_form(client: Client, archive: Archive) -> None:
    staff = User.objects.create_user("staff@example.org", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_archive"))
    client.force_login(staff)
    page = client.get(address("change", archive.pk)).content.decode()
    assert "&quot;mood&quot;: &quot;calm&quot;" in page
    assert "<textarea" not in page


class TestList:
    @pytest.fixture
    def shelf(self, archive: Archive) -> None:
        Archive.objects.create(
            name="Public",
            visibility="public",
            status="synced",
            provider_id="x1",
            content={"tracks": []},
        )
        Archive.objects.filter(name="Public").update(catalogue_tracks=[NO_ID])
        Archive.objects.create(name="Gone", visibility="public", deleted=datetime.now(UTC))

    def test_the_newest_come_first_whatever_is_asked(self, admin: Client, shelf: None) -> None:
        assert listed(admin) == listed(admin, o="1") == ["Gone", "Public", "Late"]

    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            ({"visibility": "public"}, ["Public"]),
            ({"status": "synced"}, ["Public"]),
            ({"tracks": "0"}, ["Gone", "Public"]),
            ({"tracks": "1"}, ["Late"]),
            ({"created": "1"}, ["Gone", "Public", "Late"]),
            ({"status": "draft", "tracks": "1"}, ["Late"]),
            ({"artist": "beyonce"}, ["Late"]),
            ({"mood": "calm", "album": "moon safari", "track": "sexy boy"}, ["Late"]),
            ({"mood": "wild"}, []),
            ({"tags_any": "night,day"}, ["Late"]),
            ({"provider_id": "x1"}, ["Public"]),
            ({"duration": "unknown"}, ["Gone", "Public"]),
            ({"duration": "0"}, ["Late"]),
            ({"duration": "180"}, []),
            ({"catalogue_track": NO_ID}, ["Public"]),
            ({"contains": '{"metadata": {"mood": "calm"}}'}, ["Late"]),
            ({"artist": ""}, ["Gone", "Public", "Late"]),
            ({"q": "beyonse"}, ["Late"]),
            ({"q": "lat"}, ["Late"]),
            ({"q": "publik", "status": "synced"}, ["Public"]),
            ({"q": "publik", "status": "draft"}, []),
            ({"q": " "}, ["Gone", "Public", "Late"]),
        ],
    )
    def test_filters_and_search(
        self, admin: Client, shelf: None, parameters: dict[str, str], expected: list[str]
    ) -> None:
        assert listed(admin, **parameters) == expected

    def test_every_declared_path_but_a_jsonpath_has_a_filter(self, admin: Client) -> None:
        filters = admin.get(address()).context["cl"].filter_specs
        asked = {name for filter in filters for name in filter.expected_parameters()}
        declared = [path.name for path in PATHS if path.name != "path"]
        assert [name for name in declared if name not in asked] == []

    def test_a_new_path_of_bounds_would_have_a_filter_for_each(self) -> None:
        year = Range("year", "a year", column="year", least="min_year", most="max_year")
        filters = typed_filters(year)
        assert [kind.parameter_name for kind in filters] == ["min_year", "max_year"]
        assert [kind.title for kind in filters] == ["min year", "max year"]

    def test_one_owners(self, admin: Client, shelf: None, archive: Archive) -> None:
        assert listed(admin, owner=archive.owner_id) == ["Late"]

    @pytest.mark.parametrize(
        "query",
        ["visibility=private", "tracks=many", "created=x", "owner=x", "derived_from=1",
         "name__contains=x", "content__x=1", "owner__password__startswith=a", "artist=%20",
         "tags=,", "catalogue_track=x", "contains=[]", "duration=1h", "min_duration_ms=1",
         "path=$.a"],
    )  # fmt: skip
    def test_other_lookups_are_refused(self, admin: Client, archive: Archive, query: str) -> None:
        answer = admin.get(f"{address()}?{query}")
        assert answer.status_code in (302, 400)
        if answer.status_code == 302:
            assert "e=1" in answer.headers["Location"]
            page = admin.get(answer.headers["Location"]).content.decode()
            assert "the list is shown without filters." in page
        assert "shown without filters" not in admin.get(address()).content.decode()

    def test_it_takes_the_same_queries_however_long(
        self, admin: Client, archive: Archive, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(30):
            Archive.objects.create(name="More", owner=archive.owner)
        with django_assert_num_queries(4):  # the session, its user, the count, the rows
            admin.get(address())


@pytest.mark.usefixtures("many")
class TestManyRows:
    def plans(self, admin: Client, **parameters: Any) -> str:
        plans = plans_of(lambda: listed(admin, **parameters))
        # A count stops early, and an estimate doesn't run.
        return "\n".join(
            plan for plan in plans if "10001" not in plan and not plan.startswith("Query Text: EXP")
        )

    @pytest.mark.parametrize(
        ("parameters", "index"),
        [
            ({}, "created"),
            ({"p": "20"}, "created"),
            ({"visibility": "public"}, "created"),
            ({"status": "synced"}, "archive_status"),
            ({"artist": "nobody"}, "archive_words"),
            ({"tracks": "1000"}, "archive_tracks"),
            ({"duration": "180"}, "archive_duration"),
            ({"provider_id": "nobodys"}, "archive_provider_id"),
            ({"catalogue_track": NO_ID}, "archive_catalogue_track"),
            ({"contains": '{"metadata": {"year": 1999}}'}, "archive_contains"),
            ({"q": "c4ca4238a0b923820dcc509a6f75849x"}, "archive_search"),
        ],
    )
    def test_are_read_by_an_index(
        self, admin: Client, parameters: dict[str, str], index: str
    ) -> None:
        plans = self.plans(admin, **parameters)
        assert re.search("Scan (Backward )?using playlist_|Bitmap Index Scan on playlist_", plans)
        assert f"_{index}" in plans
        this = Period.of(Period.now().start, 3).name
        assert f"Seq Scan on {this}" not in plans, plans
