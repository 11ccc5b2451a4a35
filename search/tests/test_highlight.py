"""Which words of a name are marked. (Which words there are: test_normalise.py.)"""

import pytest

from search import engine
from search.highlight import Highlighter
from search.models import Artist, Track


def highlights(text: str, title: str, credit: str = "") -> dict[str, str]:
    Track.objects.create(title=title, artist_credit=credit)
    results = engine.search(text)
    assert results.hits
    return Highlighter(results.reading).highlights(results.hits[0])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "credit", "title", "marked"),
    [
        ("halo beyonce", "Beyoncé", "Halo", "<mark>Beyoncé</mark> – <mark>Halo</mark>"),
        ("beyonse halo", "Beyoncé", "Halo", "<mark>Beyoncé</mark> – <mark>Halo</mark>"),
        ("dont cry", "Guns N’ Roses", "Don’t Cry",
         "Guns N’ Roses – <mark>Don’t</mark> <mark>Cry</mark>"),
        ("acdc tnt", "AC/DC", "T.N.T.", "<mark>AC</mark>/<mark>DC</mark> – <mark>T.N.T</mark>."),
        ("pink so what", "P!nk", "So What",
         "<mark>P!nk</mark> – <mark>So</mark> <mark>What</mark>"),
        ("asap rocky peso", "A$AP Rocky", "Peso",
         "<mark>A$AP</mark> <mark>Rocky</mark> – <mark>Peso</mark>"),
        ("simon and garfunkle cecilia", "Simon & Garfunkel", "Cecilia",
         "<mark>Simon</mark> <mark>&amp;</mark> <mark>Garfunkel</mark> – <mark>Cecilia</mark>"),
        ("mondogrosso life", "Mondo Grosso", "Life",
         "<mark>Mondo</mark> <mark>Grosso</mark> – <mark>Life</mark>"),
        ("radio head creep", "Radiohead", "Creep", "<mark>Radiohead</mark> – <mark>Creep</mark>"),
        ("radiohead paranoid andr", "Radiohead", "Paranoid Android",
         "<mark>Radiohead</mark> – <mark>Paranoid</mark> <mark>Android</mark>"),
        ("группа кров", "Кино", "Группа крови", "Кино – <mark>Группа</mark> <mark>крови</mark>"),
        ("방탄소년단 봄날", "방탄소년단", "봄날", "<mark>방탄소년단</mark> – <mark>봄날</mark>"),
        ("คาราบาว บัวลอย", "คาราบาว", "บัวลอย", "<mark>คาราบาว</mark> – <mark>บัวลอย</mark>"),
        ("title:moon", "Moon", "Moon", "Moon – <mark>Moon</mark>"),
        ("artist:moon", "Moon", "Moon", "<mark>Moon</mark> – Moon"),
        ("one on one", "Someone", "One On One",
         "Someone – <mark>One</mark> <mark>On</mark> <mark>One</mark>"),
    ],
)  # fmt: skip
def test_the_words_that_were_meant_are_marked(
    typed: str, credit: str, title: str, marked: str
) -> None:
    found = highlights(typed, title, credit)
    assert f"{found['artist']} – {found['title']}" == marked


@pytest.mark.django_db
def test_a_word_that_is_there_leaves_its_neighbours_unmarked() -> None:
    assert highlights("time", "Time and Tame")["title"] == "<mark>Time</mark> and Tame"


@pytest.mark.django_db
def test_a_name_of_signs_only() -> None:
    Artist.objects.create(name="!!!")
    results = engine.search("!!!")
    assert Highlighter(results.reading).highlights(results.hits[0]) == {"name": "<mark>!!!</mark>"}


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["<mark>", "</mark>Rock<mark>", "a<b>c</b> Rock", "&lt; Rock"])
def test_markup_in_a_name_stays_text(name: str) -> None:
    marked = highlights("rock mark", name + " rock mark")["title"]
    text = marked.replace("<mark>", "").replace("</mark>", "")
    assert "<" not in text and ">" not in text
    assert text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == (
        name + " rock mark"
    )
    assert marked.count("<mark>") == marked.count("</mark>")
