"""The admin's pages for the catalogue and its vocabulary."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from search import engine
from search.models import Artist, CatalogueImport, Lexeme, Track, TrackArtist
from search.plans import plans_of
from search.tests.catalogues import loaded
from vibomat import pagination
from vibomat.accounts.models import User

LISTS = ["artist", "track", "lexeme", "catalogueimport"]


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("admin@example.org"))
    return client


def address(model: str, page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:search_{model}_{page}", args=args)


def listed(client: Client, model: str, **parameters: Any) -> list[str]:
    answer = client.get(address(model), parameters)
    assert answer.status_code == 200
    return [str(row) for row in answer.context["cl"].result_list]


def track_data(**changes: Any) -> dict[str, Any]:
    return {
        "title": "Teardrop",
        "artist_credit": "Massive Attack",
        "popularity": "60",
        "trackartist_set-TOTAL_FORMS": "0",
        "trackartist_set-INITIAL_FORMS": "0",
    } | changes


def post(client: Client, url: str, data: dict[str, Any]) -> Any:
    """As a browser does; values may be bytes, of which not all are UTF-8."""
    return client.post(url, urlencode(data), content_type="application/x-www-form-urlencoded")


def errors_of(answer: Any) -> set[str]:
    assert answer.status_code == 200
    return set(answer.context["adminform"].form.errors)


class TestSearching:
    @pytest.mark.usefixtures("catalogue")
    @pytest.mark.parametrize(
        ("model", "typed", "first"),
        [
            ("artist", "beyonse", "Beyoncé"),
            ("artist", "mondogroso", "Mondo Grosso"),
            ("track", "daft pnk one more tme", "Daft Punk – One More Time"),
            ("track", 'title:"pranoid android" year:1990-1999', "Radiohead – Paranoid Android"),
        ],
    )
    def test_forgives_typing_mistakes(
        self, admin: Client, model: str, typed: str, first: str
    ) -> None:
        assert listed(admin, model, q=typed)[0] == first

    @pytest.mark.usefixtures("catalogue")
    def test_keeps_the_order_of_the_search(self, admin: Client) -> None:
        ranked = [str(row) for row in Track.objects.search("blue moon")]
        assert len(ranked) >= 3
        assert listed(admin, "track", q="blue moon", o="2") == ranked

    @pytest.mark.usefixtures("catalogue")
    def test_is_narrowed_by_a_filter(self, admin: Client) -> None:
        assert listed(admin, "track", q="radiohead", popularity="80") == ["Radiohead – Creep"]

    @pytest.mark.usefixtures("catalogue")
    def test_completes_the_artists_of_a_track(self, admin: Client) -> None:
        answer = admin.get(
            reverse("admin:autocomplete"),
            {
                "app_label": "search",
                "model_name": "trackartist",
                "field_name": "artist",
                "term": "radiohaed",
            },
        )
        assert answer.json()["results"][0]["text"] == "Radiohead"

    @pytest.mark.usefixtures("catalogue")
    @pytest.mark.parametrize("model", ["artist", "track", "lexeme"])
    @pytest.mark.parametrize(
        "typed", ["   ", '"', "!?*", "' | !(:*", "%_%", "\u202e", "😀", "-", "@"]
    )
    def test_takes_anything(self, admin: Client, model: str, typed: str) -> None:
        assert isinstance(listed(admin, model, q=typed), list)

    @pytest.mark.parametrize("model", LISTS)
    def test_refuses_text_that_cannot_be_stored(self, admin: Client, model: str) -> None:
        assert admin.get(f"{address(model)}?q=%00").status_code == 400
        assert admin.get(f"{address(model)}?q=%ED%A0%80").status_code == 400

    @pytest.mark.parametrize("model", ["artist", "track", "lexeme"])
    def test_says_when_the_text_is_too_long(self, admin: Client, model: str) -> None:
        answer = admin.get(address(model), {"q": "love " * 2000})
        assert "Search for at most 500 characters." in answer.content.decode()


class TestLists:
    @pytest.mark.usefixtures("catalogue")
    def test_show_the_most_popular_first(self, admin: Client) -> None:
        assert listed(admin, "artist")[:2] == ["The Beatles", "Radiohead"]
        assert listed(admin, "track", o="-1")[:2] == [
            "Radiohead – Creep",
            "The Beatles – Let It Be",
        ]

    @pytest.mark.usefixtures("catalogue")
    @pytest.mark.parametrize("model", ["artist", "track"])
    @pytest.mark.parametrize("value", ["80", "50", "20", "0"])
    def test_are_filtered_by_popularity(self, admin: Client, model: str, value: str) -> None:
        bounds = {"80": (80, 1e9), "50": (50, 80), "20": (20, 50), "0": (0, 20)}
        low, high = bounds[value]
        rows = (Artist if model == "artist" else Track).objects.order_by("-popularity", "pk")
        wanted = [str(row) for row in rows if low <= row.popularity < high]
        assert listed(admin, model, popularity=value) == wanted

    def test_show_one_artists_tracks(self, admin: Client) -> None:
        artist, other = (Artist.objects.create(name=name) for name in ("Portishead", "Björk"))
        for artist_of, title in ((artist, "Roads"), (other, "Jóga")):
            track = Track.objects.create(title=title)
            TrackArtist.objects.create(track=track, artist=artist_of)
        page = admin.get(address("artist", "change", artist.pk)).content.decode()
        assert f"{address('track')}?artist={artist.pk}" in page
        assert listed(admin, "track", artist=artist.pk) == ["Roads"]

    @pytest.mark.parametrize(
        "parameters", [{"artist": "5"}, {"artist": str(UUID(int=1))}, {"popularity": "much"}]
    )
    def test_know_their_filters_values(self, admin: Client, parameters: dict[str, str]) -> None:
        assert admin.get(address("track"), parameters).url == f"{address('track')}?e=1"  # type: ignore[attr-defined]

    @pytest.mark.parametrize("lookup", ["title__icontains", "album", "artists__name", "is_sample"])
    def test_allow_no_lookup_that_reads_the_whole_table(self, admin: Client, lookup: str) -> None:
        assert admin.get(address("track"), {lookup: "1"}).status_code == 400

    @pytest.mark.parametrize("page", ["0", "-1", "9" * 40, "x", "1.5"])
    @pytest.mark.parametrize("model", LISTS)
    def test_take_absurd_page_numbers(self, admin: Client, model: str, page: str) -> None:
        Track.objects.bulk_create(Track(title=f"track {n}") for n in range(60))
        assert admin.get(address(model), {"p": page}).status_code in (200, 302)

    @pytest.mark.parametrize(
        ("model", "count"), [("artist", 4), ("track", 4), ("lexeme", 4), ("catalogueimport", 4)]
    )
    def test_take_as_many_queries_for_many_rows_as_for_one(
        self,
        admin: Client,
        model: str,
        count: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for size in (1, 30):
            for n in range(size):
                track = Track.objects.create(title=f"track {size} {n}", artist_credit="Someone")
                artist = Artist.objects.create(name=f"artist {size} {n}")
                TrackArtist.objects.create(track=track, artist=artist)
                CatalogueImport.objects.create(file=f"{size} {n}", name="a file")
            # Session, user, the bounded count, the rows.
            with django_assert_num_queries(count):
                admin.get(address(model))

    def test_a_tracks_page_takes_a_query_for_each_artist_at_most(self, admin: Client) -> None:
        taken = []
        for size in (1, 5):
            track = Track.objects.create(title="Track")
            for position in range(size):
                artist = Artist.objects.create(name=f"artist {position}")
                TrackArtist.objects.create(track=track, artist=artist, position=position)
            with CaptureQueriesContext(
                connection,
            ) as queries:
                admin.get(address("track", "change", track.pk))
            taken.append(len(queries))
        assert taken[1] - taken[0] <= 4


class TestActions:
    def test_delete_what_a_search_found(self, admin: Client) -> None:
        tracks = Track.objects.bulk_create(Track(title=f"Roads {n}") for n in range(5))
        Track.objects.create(title="Jóga")
        data = {
            "action": "delete_selected",
            "select_across": "1",
            "index": "0",
            "_selected_action": [str(tracks[0].pk)],
            "post": "yes",
        }
        assert admin.post(f"{address('track')}?q=roads", data).status_code == 302
        assert [track.title for track in Track.objects.all()] == ["Jóga"]

    def test_touch_no_more_rows_than_a_request_can(
        self, admin: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("vibomat.indexed_admin.MOST_AT_ONCE", 50)
        tracks = Track.objects.bulk_create(Track(title=f"Roads {n}") for n in range(60))
        data = {
            "action": "delete_selected",
            "select_across": "1",
            "index": "0",
            "_selected_action": [str(tracks[0].pk)],
            "post": "yes",
        }
        answer = admin.post(address("track"), data, follow=True)
        assert "Select at most 50 rows" in answer.content.decode()
        assert Track.objects.count() == 60


class TestPermissions:
    @pytest.fixture
    def staff(self, client: Client, db: None) -> User:
        user = User.objects.create_user("staff@example.org", is_staff=True)
        client.force_login(user)
        return user

    @pytest.mark.parametrize("model", LISTS)
    def test_staff_without_rights_see_nothing(
        self, client: Client, staff: User, model: str
    ) -> None:
        assert client.get(address(model)).status_code == 403

    @pytest.mark.parametrize("model", LISTS)
    def test_strangers_are_asked_to_log_in(self, client: Client, db: None, model: str) -> None:
        assert client.get(address(model)).status_code == 302

    def test_who_may_not_see_artists_gets_none_completed(self, client: Client, staff: User) -> None:
        parameters = {"app_label": "search", "model_name": "trackartist", "field_name": "artist"}
        assert client.get(reverse("admin:autocomplete"), parameters).status_code == 403

    def test_who_may_look_may_not_change(self, client: Client, staff: User) -> None:
        staff.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
        track = Track.objects.create(title="Roads", artist_credit="Portishead", genres=["trip hop"])
        change = address("track", "change", track.pk)
        assert "trip hop" in client.get(change).content.decode()
        assert client.post(change, track_data()).status_code == 403
        assert client.get(address("track", "add")).status_code == 403
        assert client.post(address("track", "delete", track.pk)).status_code == 403
        assert Track.objects.get().title == "Roads"

    @pytest.mark.parametrize("model", ["lexeme", "catalogueimport"])
    def test_what_the_project_writes_itself_nobody_changes(self, admin: Client, model: str) -> None:
        Track.objects.create(title="Roads")
        done = CatalogueImport.objects.create(file="x", name="a file")
        key = "roads" if model == "lexeme" else done.pk
        change = address(model, "change", key)
        assert admin.get(change).status_code == 200
        assert admin.post(change, {"ndoc": "7", "line": "7"}).status_code == 403
        assert admin.post(address(model, "delete", key), {"post": "yes"}).status_code == 403
        assert admin.get(address(model, "add")).status_code == 403


class TestWriting:
    def test_a_new_track_is_found_at_once(self, admin: Client) -> None:
        artist = Artist.objects.create(name="Massive Attack")
        data = track_data(
            genres="trip hop\r\n\r\n trip hop \r\nDrum, and Bass",
            isrc="gb-aye-92-00113",
            external_ids='{"spotify": "abc"}',
            **{
                "trackartist_set-TOTAL_FORMS": "1",
                "trackartist_set-0-artist": str(artist.pk),
                "trackartist_set-0-position": "0",
            },
        )
        assert admin.post(address("track", "add"), data).status_code == 302
        track = Track.objects.get()
        assert track.genres == ["trip hop", "Drum, and Bass"]
        assert (track.isrc, track.external_id) == ("GBAYE9200113", None)
        assert track.external_ids == {"spotify": "abc"}
        assert list(track.artists.all()) == [artist]
        assert engine.search("masive atack tear drop").hits[0].id == track.pk

    def test_a_changed_artist_is_found_by_the_new_name_only(self, admin: Client) -> None:
        artist = Artist.objects.create(name="Prinse", external_id="p1", popularity=5)
        change = address("artist", "change", artist.pk)
        data = {"name": "Prince", "aliases": "TAFKAP\nBeatles, The", "popularity": "80"}
        assert admin.post(change, data).status_code == 302
        artist.refresh_from_db()
        assert artist.aliases == ["TAFKAP", "Beatles, The"]
        assert [hit.name for hit in engine.search("tafkap").hits] == ["Prince"]
        assert not Lexeme.objects.filter(word="prinse", ndoc__gt=0).exists()

    def test_one_more_artist_is_the_last_of_the_credit(self, admin: Client) -> None:
        track = Track.objects.create(title="Empire State of Mind")
        for position, name in enumerate(("Jay-Z", "Alicia Keys")):
            artist = Artist.objects.create(name=name)
            TrackArtist.objects.create(track=track, artist=artist, position=position)
        page = admin.get(address("track", "change", track.pk))
        (formset,) = page.context["inline_admin_formsets"]
        assert formset.formset.empty_form["position"].value() == 2

    def test_a_form_sent_back_unchanged_changes_nothing(self, admin: Client) -> None:
        track = Track.objects.create(
            title="Roads", artist_credit="Portishead", genres=["a, b", "c"], year=1994,
            duration_ms=304000, external_id="x", external_ids={"spotify": "y"}, is_sample=True,
        )  # fmt: skip
        before = Track.objects.values().get()
        form = admin.get(address("track", "change", track.pk)).context["adminform"].form
        data = {name: form[name].value() for name in form.fields if form[name].value() is not None}
        data["genres"] = "\r\n".join(track.genres)
        answer = admin.post(address("track", "change", track.pk), track_data(**data))
        assert answer.status_code == 302
        assert Track.objects.values().get() == before

    def test_generated_columns_are_not_in_the_form(self, admin: Client) -> None:
        form = admin.get(address("track", "add")).context["adminform"].form
        assert not {"id", "search_vector", "title_key", "credit_key"} & set(form.fields)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("title", ""),
            ("title", "   "),
            ("title", "a\0b"),
            ("title", "a\tb"),
            ("title", "a\u2028b"),
            ("title", b"a\xed\xa0\x80b"),
            ("title", "x" * 1001),
            ("artist_credit", "a\0b"),
            ("artist_credit", b"\xed\xa0\x80"),
            ("album", "a\0b"),
            ("album", "x" * 1001),
            ("isrc", "a\0b"),
            ("isrc", "not an ISRC"),
            ("external_id", "x" * 256),
            ("external_id", "\0"),
            ("genres", "rock\na\0b"),
            ("genres", "x" * 1001),
            ("genres", "\n".join(map(str, range(1001)))),
            ("external_ids", "{"),
            ("external_ids", "[]"),
            ("external_ids", '{"a": 1}'),
            ("external_ids", '{"a": NaN}'),
            ("external_ids", '{"a": "\\u0000"}'),
            ("external_ids", '{"\\ud800": "a"}'),
            ("external_ids", '{"a":' * 10_000),
            ("popularity", ""),
            ("popularity", "-1"),
            ("popularity", "NaN"),
            ("popularity", "1e999"),
            ("year", "999"),
            ("year", "99999999999999999999"),
            ("year", "1997.5"),
            ("duration_ms", "-1"),
            ("duration_ms", "2147483648"),
        ],
    )
    def test_a_bad_value_of_a_track_is_told_in_the_form(
        self, admin: Client, field: str, value: Any
    ) -> None:
        answer = post(admin, address("track", "add"), track_data(**{field: value}))
        assert errors_of(answer) == {field}
        assert not Track.objects.exists()

    @pytest.mark.parametrize("field", ["name", "sort_name", "aliases"])
    @pytest.mark.parametrize("value", ["a\0b", b"a\xed\xa0\x80", "x" * 1001])
    def test_a_bad_name_of_an_artist_is_told_in_the_form(
        self, admin: Client, field: str, value: Any
    ) -> None:
        data = {"name": "Prince", "popularity": "1", field: value}
        assert errors_of(post(admin, address("artist", "add"), data)) == {field}
        assert not Artist.objects.exists()

    @pytest.mark.parametrize("artist", ["x", "\0", str(UUID(int=1))])
    def test_a_bad_artist_of_a_track_is_told_in_the_form(self, admin: Client, artist: str) -> None:
        data = track_data(
            **{
                "trackartist_set-TOTAL_FORMS": "1",
                "trackartist_set-0-artist": artist,
                "trackartist_set-0-position": "0",
            }
        )
        answer = admin.post(address("track", "add"), data)
        assert answer.status_code == 200 and answer.context["errors"]
        assert not Track.objects.exists()

    def test_an_artist_twice_in_a_credit_is_told_in_the_form(self, admin: Client) -> None:
        artist = Artist.objects.create(name="Prince")
        lines = {f"trackartist_set-{n}-artist": str(artist.pk) for n in range(2)}
        places = {f"trackartist_set-{n}-position": str(n) for n in range(2)}
        data = track_data(**{"trackartist_set-TOTAL_FORMS": "2"}, **lines, **places)
        answer = admin.post(address("track", "add"), data)
        assert answer.status_code == 200 and answer.context["errors"]
        assert not Track.objects.exists()


class TestVocabulary:
    @pytest.mark.usefixtures("catalogue")
    def test_is_searched_by_near_words_and_beginnings(self, admin: Client) -> None:
        assert listed(admin, "lexeme", q="radiohaed")[:2] == ["@radiohead", "radiohead"]
        assert listed(admin, "lexeme", q="radioh") == ["@radiohead", "radiohead"]
        assert listed(admin, "lexeme", q="Beyoncé", kind="word") == ["beyonce"]
        assert "=onemoretime" in listed(admin, "lexeme", q="One More Time")

    @pytest.mark.usefixtures("catalogue")
    def test_shows_how_many_documents_have_a_lexeme(self, admin: Client) -> None:
        page = admin.get(address("lexeme"), {"q": "radiohead", "kind": "word"}).content.decode()
        assert '<td class="field-ndoc">4</td>' in page
        assert f"{address('track')}?q=radiohead" in page

    @pytest.mark.usefixtures("catalogue")
    @pytest.mark.parametrize(
        ("kind", "signs"), [("artist", {"@"}), ("title", {"="}), ("word", set())]
    )
    def test_is_filtered_by_kind(self, admin: Client, kind: str, signs: set[str]) -> None:
        words = listed(admin, "lexeme", kind=kind)
        assert words and {word[0] for word in words} & {"@", "="} == signs
        assert words == sorted(words)


def is_bounded(plan: str) -> bool:
    """Whether a plan is of a whole table's count, which stops early, or of no query that runs."""
    limit = f'" LIMIT {pagination.COUNTED + 1})'
    return plan.startswith("Query Text: EXPLAIN") or limit in plan.splitlines()[0]


def test_an_imports_progress_is_shown(admin: Client) -> None:
    now = timezone.now()
    CatalogueImport.objects.create(file="a", name="a.tsv", line=12_345, started=now)
    CatalogueImport.objects.create(
        file="b", name="b.tsv", line=20, started=now, finished=now + timedelta(seconds=65)
    )
    page = admin.get(address("catalogueimport")).content.decode()
    assert "12,345 lines so far" in page
    assert "20 lines in 1:05 minutes" in page


ROWS = 12_000
FILL = f"""
INSERT INTO artist (name, popularity)
SELECT 'band' || md5(n::text), n % 100 FROM generate_series(1, {ROWS // 4}) AS n;
INSERT INTO track (title, artist_credit, popularity)
SELECT 'song ' || md5(n::text), 'band' || md5((n / 4)::text), n % 100
FROM generate_series(1, {ROWS}) AS n;
ANALYZE track, artist;
INSERT INTO search_trackartist (track_id, artist_id)
SELECT track.id, artist.id FROM track JOIN artist ON credit_key = name_key;
"""


@pytest.fixture(scope="module")
def large_catalogue(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), loaded(FILL):
        yield


@pytest.mark.usefixtures("large_catalogue")
class TestLargeTables:
    """Pages of tables with more rows than are counted."""

    @pytest.mark.parametrize(
        ("model", "parameters", "index"),
        [
            ("track", {}, "track_popularity"),
            ("track", {"p": "100"}, "track_popularity"),
            ("track", {"popularity": "80"}, "track_popularity"),
            ("track", {"q": "snog c4ca4238a0b923820dcc509a6f75849b"}, "track_search_vector"),
            ("artist", {}, "artist_popularity"),
            ("artist", {"q": "bandc4ca4238a0b923820dcc509a6f75849x"}, "artist_search_vector"),
            ("lexeme", {}, "search_lexeme_pkey"),
            ("lexeme", {"kind": "artist"}, "search_lexeme_pkey"),
            ("lexeme", {"q": "snog"}, "search_lexeme_deletes"),
            ("lexeme", {"q": "c4ca42"}, "search_lexeme_pkey"),
        ],
    )
    def test_read_indexes_only(
        self, admin: Client, model: str, parameters: dict[str, str], index: str
    ) -> None:
        found = plans_of(lambda: listed(admin, model, **parameters))
        plans = "\n".join(plan for plan in found if not is_bounded(plan))
        assert index in plans
        for table in ("track", "artist", "search_lexeme"):
            assert f"Seq Scan on {table}" not in plans, plans
        assert "~~*" not in plans

    def test_one_artists_tracks_are_read_by_indexes(self, admin: Client) -> None:
        artist = TrackArtist.objects.all()[:1].get().artist
        plans = "\n".join(plans_of(lambda: listed(admin, "track", artist=artist.pk)))
        assert "search_trackartist_artist_id" in plans
        assert "Seq Scan on track" not in plans and "Seq Scan on search_trackartist" not in plans

    @pytest.mark.usefixtures("db")
    def test_are_estimated_not_counted(self) -> None:
        tracks = Track.objects.order_by("-popularity", "id")
        paginator = pagination.EstimatingPaginator(tracks, 50)
        with CaptureQueriesContext(connection) as queries:
            assert paginator.count == ROWS
        assert len(queries) == 2
        assert f"LIMIT {pagination.COUNTED + 1}" in queries[0]["sql"]
        assert queries[1]["sql"].startswith("EXPLAIN")
        assert pagination.EstimatingPaginator(tracks.filter(popularity=7), 50).count == 120

    @pytest.mark.usefixtures("db")
    def test_end_where_pages_would_get_slow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pagination, "MAX_DEPTH", 500)
        paginator = pagination.EstimatingPaginator(Track.objects.order_by("-popularity", "id"), 50)
        assert paginator.num_pages == 10
