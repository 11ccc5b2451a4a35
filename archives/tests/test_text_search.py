"""Archives are found by badly typed words, best first, and private words never show."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection

from archives import listing
from archives.models import Archive, Lexeme
from archives.partitions import Period
from archives.text_search import Place, search
from search.plans import plans_of
from vibomat.accounts.models import User

pytestmark = pytest.mark.django_db


def archive(name: str, *artists: str, **values: Any) -> Archive:
    content = {"tracks": [{"artist": artist} for artist in artists]}
    return Archive.objects.create(**{"visibility": "public"} | values, name=name, content=content)


def names(text: str, user: Any = None, whose: Any = None, limit: int = 50) -> list[str]:
    parts = listing.listed_for(user or AnonymousUser(), Archive.objects.all(), whose)
    return [found.archive.name for found in search(text, parts, limit)]


@pytest.fixture
def shelf(db: None) -> None:
    archive("Robots", "Daft Punk", "Kraftwerk")
    archive("Daft Punk", "Air")
    archive("The best of Daft Punk", "Justice")
    archive("Night drive", "Mondo Grosso", "Beyoncé", description="For the long way home")
    archive("T.N.T.", "AC/DC")
    archive("Группа крови", "Кино")
    archive("!!!", "Sigur Rós")
    archive("Punk for daft people", "The Clash")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The name, then names with both words and archives with the artist, the newest first.
        ("Daft Punk", ["Daft Punk", "Punk for daft people", "The best of Daft Punk", "Robots"]),
        ("daft pnuk", ["Punk for daft people", "The best of Daft Punk", "Daft Punk", "Robots"]),
        ("dafpunk", ["Daft Punk", "Robots"]),
        ("kraftwrk", ["Robots"]),
        ("beyonce", ["Night drive"]),
        ("byonce", ["Night drive"]),
        ("mondogrosso", ["Night drive"]),
        ("nightdrive", ["Night drive"]),
        ("night dri ve", ["Night drive"]),
        ("mondo gross", ["Night drive"]),
        ("long way hone", ["Night drive"]),
        ("night air", ["Night drive", "Daft Punk"]),
        ("drive beyonce", ["Night drive"]),
        ("tnt", ["T.N.T."]),
        ("acdc", ["T.N.T."]),
        ("ac dc", ["T.N.T."]),
        ("группа крови", ["Группа крови"]),
        ("група крови", ["Группа крови"]),
        ("кино", ["Группа крови"]),
        ("!!!", ["!!!"]),
        ("sigur ros", ["!!!"]),
        ("kraffwerg", ["Robots"]),
        ("the", ["The best of Daft Punk", "Night drive", "Punk for daft people"]),
        ("rob", ["Robots", "!!!"]),
        ("zzyzx", []),
        (" ", []),
        ("", []),
        ("\u200f", []),
    ],
)
@pytest.mark.parametrize("common", [4, -1])
def test_what_is_typed_is_found_best_first(
    shelf: None, monkeypatch: pytest.MonkeyPatch, text: str, expected: list[str], common: int
) -> None:
    """Also where every word is taken for a common one."""
    monkeypatch.setattr("archives.text_search.COMMON", common)
    found = names(text)
    if text == "the":
        assert set(found) == set(expected)
    else:
        assert found == expected


def test_the_tiers_in_order(db: None) -> None:
    """Newest first, so that only the tiers can bring them into this order."""
    archive("Late", "X")
    archive("Other", "Late")
    archive("Too late", "X")
    archive("Else", "Late Night")
    archive("Lately", "X")
    archive("Lace", "X")
    assert names("late") == ["Late", "Too late", "Other", "Else", "Lately", "Lace"]


def test_when_nothing_is_near_words_further_away_are_asked(db: None) -> None:
    archive("Thunderstruck")
    assert names("thnderstrck") == ["Thunderstruck"]
    archive("Thnderstruck")
    assert names("thnderstrck") == ["Thnderstruck"]


def test_when_nothing_has_every_word_one_is_left_out(shelf: None) -> None:
    assert names("kraftwerk zzyzx") == ["Robots"]
    assert names("zzyzx wrong kraftwerk") == []


@pytest.mark.parametrize("common", [4, -1])
def test_pages_make_up_what_is_found(
    shelf: None, monkeypatch: pytest.MonkeyPatch, common: int
) -> None:
    monkeypatch.setattr("archives.text_search.COMMON", common)
    for n in range(9):
        archive(f"Punk {n}", "Daft Punk" if n % 2 else "Deft Punk")
    parts = listing.listed_for(AnonymousUser(), Archive.objects.all())
    whole = search("daft punk", parts, 100)
    assert len(whole) == 4 + 9
    place: Place | None = None
    paged = []
    while page := search("daft punk", parts, 2, place):
        paged += page
        place = page[-1].place
        archive("Punk", "Daft Punk")
    assert [found.archive for found in paged] == [found.archive for found in whole]


def test_later_pages_of_the_last_resort_go_on_there(shelf: None) -> None:
    archive("Kraftwerk live")
    parts = listing.listed_for(AnonymousUser(), Archive.objects.all())
    (first,) = search("kraftwerk zzyzx", parts, 1)
    archive("Kraftwerk zzyzx")
    (second,) = search("kraftwerk zzyzx", parts, 5, first.place)
    assert [first.archive.name, second.archive.name] == ["Kraftwerk live", "Robots"]


class TestPrivateWords:
    """What others keep private has no effect on what is found."""

    @pytest.fixture
    def ann(self) -> User:
        return User.objects.create_user("ann@example.org")

    def test_own_private_archives_are_found_by_their_misspelt_words(self, ann: User) -> None:
        archive("Quixotic", "Zephyrine", owner=ann, visibility="private")
        assert names("quixotc", ann) == ["Quixotic"]
        assert names("zephyrne", ann, "me") == ["Quixotic"]
        assert names("quixotic") == names("quixotic", ann, "public") == []

    def test_they_displace_no_public_word(self, ann: User, monkeypatch: Any) -> None:
        monkeypatch.setattr("archives.text_search.ALTERNATIVES", 1)
        archive("Quixotix")
        assert names("quixotiz") == ["Quixotix"]
        for letter in "abcdefgh":
            archive(f"Quixoti{letter}", owner=ann, visibility="private")
        assert names("quixotiz") == ["Quixotix"]
        bob = User.objects.create_user("bob@example.org")
        assert names("quixotiz", bob) == ["Quixotix"]
        archive("Quixotiy", owner=bob, visibility="private")
        assert set(names("quixotiz", bob)) == {"Quixotix", "Quixotiy"}
        assert names("quixotiz", bob, "me") == ["Quixotiy"]

    def test_an_archive_made_public_makes_its_words_public(self, ann: User) -> None:
        hidden = archive("Quixotic", owner=ann, visibility="private")
        assert set(Lexeme.objects.values_list("is_public", flat=True)) == {False}
        hidden.visibility = "public"
        hidden.save()
        assert names("quixotc") == ["Quixotic"]
        hidden.soft_delete()
        assert names("quixotc") == names("quixotic") == []


class TestTrigger:
    def vector(self, made: Archive) -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tsvector_to_array(search_vector) FROM playlist WHERE id = %s", [made.pk]
            )
            return set(cursor.fetchone()[0])

    def test_it_keeps_words_of_names_and_artists(self) -> None:
        made = archive("Late Night", "Beyoncé", "The The", description="for it")
        expected = {
            *("late", "night", "~late", "~night", "=latenight"),
            *("for", "it", "beyonce", "@beyonce", "the", "@thethe"),
        }
        assert self.vector(made) == expected
        made.name = "Later"
        made.save()
        assert self.vector(made) == expected - {
            "late",
            "night",
            "~late",
            "~night",
            "=latenight",
        } | {
            "later",
            "~later",
            "=later",
        }
        Archive.objects.update(content={"tracks": [{"artist": "Air"}, {"artist": 5}, "x"]})
        assert self.vector(made) == {"later", "~later", "=later", "for", "it", "air", "@air"}

    def test_filling_it_is_no_edit(self) -> None:
        made = archive("Late")
        before = Archive.objects.values().get()
        Archive.objects.update(search_vector=None)
        assert Archive.objects.values().get() == before
        Archive.objects.update(name="Later")
        made.refresh_from_db()
        assert made.revision == 2

    def test_what_is_known_is_noted_once(self) -> None:
        # One occurrence in 500, drawn by lot, is noted again: none of these.
        with connection.cursor() as cursor:
            cursor.execute("SELECT setseed(0.5)")
        for _ in range(3):
            archive("Late", "Air")
        assert sorted(Lexeme.objects.values_list("word", flat=True)) == [
            "=late", "@air", "air", "late",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "content",
        [
            {"tracks": [{"artist": f"{n} " + "方" * 200} for n in range(3000)]},
            {"tracks": [{"artist": " ".join(f"{n}x{m}" for m in range(100))} for n in range(5000)]},
            {"tracks": [{"artist": ["a", {"artist": "b"}]}, [{"artist": "c"}]]},
            {"tracks": "none"},
            {"tracks": [{"artist": "' & | ! <-> :* \\"}]},
        ],
    )
    def test_no_content_is_too_much_for_it(self, content: Any) -> None:
        made = Archive.objects.create(name="x" * 1000, description="y " * 5000, content=content)
        assert len(self.vector(made)) >= 3


@pytest.mark.parametrize(
    "text",
    ["' : * & | ! <-> \\ % _ ( )", "a:*b & !c | (d <-> e)", "'; DROP TABLE playlist; --", "@", "=",
     "~late", "=late", "@air", "x" * 500, "word " * 100, "é" * 500, "ab" * 250, "🎵🎶", "%s", "\\"],
)  # fmt: skip
def test_whatever_is_typed_gets_a_list(shelf: None, text: str) -> None:
    assert isinstance(names(text, User.objects.create_user("ann@example.org")), list)


@pytest.mark.usefixtures("many", "db")
class TestManyRows:
    @pytest.mark.parametrize(
        ("text", "is_common"),
        [("night eccbc87e4b5ce2fe28308fd9f2a7baf3", False), ("zzyzx", False), ("air", True)],
    )
    def test_nothing_is_read_but_by_indexes(self, text: str, is_common: bool) -> None:
        found: list[str] = []
        plans = "\n".join(plans_of(lambda: found.extend(names(text, limit=20))))
        assert len(found) == {"zzyzx": 0, "air": 20}.get(text, 1)
        assert "Bitmap Index Scan on archive_lexeme_deletes" in plans
        this = Period.of(Period.now().start, 3).name
        assert f"Bitmap Index Scan on {this}_archive_search" in plans or is_common
        assert f"Seq Scan on {this}" not in plans
        assert "Seq Scan on archive_lexeme" not in plans

    def test_how_many_archives_have_a_word_is_known_by_samples(self) -> None:
        """One in 500 of 12,000, apart from a private and a public one that are noted anyway."""
        assert 6 < Lexeme.objects.filter(word="air").count() < 60
        assert Lexeme.objects.filter(word="eccbc87e4b5ce2fe28308fd9f2a7baf3").count() < 3
