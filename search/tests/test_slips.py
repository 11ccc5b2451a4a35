"""Common slips count for less than other edits."""

import pytest

from search import slips
from search.engine import search
from search.models import Artist


@pytest.mark.parametrize(
    ("typed", "name", "discount"),
    [
        ("daftpunk", "daftpunk", 0),
        ("tiga", "tigga", slips.DOUBLED),
        ("tigga", "tiga", slips.DOUBLED),
        ("kelea", "kelela", slips.LEFT_OUT),
        ("tristez", "tristeza", slips.SILENT_OR_LAST),
        ("tomyork", "thomyorke", 2 * slips.SILENT_OR_LAST),
        ("marian", "marion", slips.VOWEL),
        ("nicolai", "nikolai", slips.SOUNDS_ALIKE),
        ("flus", "fluk", slips.SOUNDS_ALIKE),
        ("flut", "fluk", 0),
        ("xtiga", "tiga", 0),
        ("", "tiga", 3 * slips.LEFT_OUT + slips.SILENT_OR_LAST),
    ],
)
def test_a_slip_is_less_than_an_edit(typed: str, name: str, discount: float) -> None:
    assert slips.discount(typed, name) == pytest.approx(discount)


def test_no_discount_outweighs_the_edits_it_is_for() -> None:
    for typed, name in [("aaaa", "aaaaaaaa"), ("eeee", "aaaa"), ("cccc", "kkkk")]:
        assert slips.discount(typed, name) < 4 / 2


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("onemoretim", "onemoretime"),
        ("onemoretimeclub", "onemoretimeclubmix"),
        ("daftpunkonemoretime", "daftpunkonemoretime"),
        ("onemoretimdaftpunk", "onemoretimedaftpunk"),
        ("daftpunkromanthonyonemoretimeclubmx", "daftpunkromanthonyonemoretimeclubmix"),
    ],
)
def test_a_tracks_nearest_spelling(typed: str, nearest: str) -> None:
    keys = ["onemoretimeclubmix", "onemoretime", "daftpunkromanthony", "daftpunk"]
    assert slips.nearest(typed, "track", keys) == nearest


def test_an_artists_nearest_spelling_may_be_an_alias() -> None:
    assert slips.nearest("princ", "artist", ["tafkap", "prince"]) == "prince"
    assert slips.nearest("princ", "artist", []) is None


def test_of_names_as_near_the_likelier_slip_comes_first(db: None) -> None:
    Artist.objects.bulk_create(
        Artist(name=name, popularity=50) for name in ("Tristen", "Tristeza", "Tristes")
    )
    assert [hit.name for hit in search("tristez").hits] == ["Tristes", "Tristeza", "Tristen"]
