"""A small catalogue that tests of the search share."""

import pytest

from search.models import Artist, Track

ARTISTS = [
    ("Daft Punk", 88), ("Radiohead", 90), ("The Beatles", 95), ("The The", 40), ("!!!", 35),
    ("AC/DC", 88), ("will.i.am", 60), ("blink-182", 75), ("P!nk", 84), ("A$AP Rocky", 70),
    ("R.E.M.", 72), ("Beyoncé", 89), ("Björk", 65), ("Mondo Grosso", 44), ("Guns N’ Roses", 82),
    ("Simon & Garfunkel", 70), ("Florence + The Machine", 70), ("Beck", 66), ("Back", 5),
    ("Кино", 50), ("방탄소년단", 80), ("宇多田ヒカル", 60), ("Μαρία Φαραντούρη", 30), ("فيروز", 50),
    ("שרית חדד", 30), ("คาราบาว", 40), ("Sinéad O’Connor", 55), ("Bomb the Bass", 40),
    ("Jay-Z", 80), ("Alicia Keys", 78), ("Portishead", 64),
]  # fmt: skip

TRACKS = [
    ("Daft Punk", "One More Time", "Discovery", 2000, 76, ["electronic", "house"]),
    ("Daft Punk", "Around the World", "Homework", 1997, 74, ["electronic", "house"]),
    ("Radiohead", "Creep", "Pablo Honey", 1992, 90, ["rock"]),
    ("Radiohead", "Paranoid Android", "OK Computer", 1997, 75, ["rock"]),
    ("Radiohead", "Airbag", "OK Computer", 1997, 56, ["rock"]),
    ("The Beatles", "Let It Be", "Let It Be", 1970, 88, ["rock"]),
    ("The The", "This Is the Day", "Soul Mining", 1983, 40, ["new wave"]),
    ("AC/DC", "T.N.T.", "High Voltage", 1975, 82, ["rock"]),
    ("AC/DC", "Thunderstruck", "The Razors Edge", 1990, 87, ["rock"]),
    ("P!nk", "So What", "Funhouse", 2008, 70, ["pop"]),
    ("Beyoncé", "Halo", "I Am... Sasha Fierce", 2008, 77, ["pop"]),
    ("Beyonce Tribute Band", "Halo", "", None, 77, ["pop"]),
    ("Mondo Grosso", "Life", "Next Wave", 2000, 38, ["house"]),
    ("Guns N’ Roses", "Don’t Cry", "Use Your Illusion I", 1991, 70, ["rock"]),
    ("Jay-Z feat. Alicia Keys", "Empire State of Mind", "The Blueprint 3", 2009, 80, ["rap"]),
    ("Kino", "Blue Moon", "", 1988, 20, []),
    ("Elvis Presley", "Blue Moon", "Elvis Presley", 1956, 65, ["rock"]),
    ("The Mavericks", "Blue Moon", "", 1995, 35, []),
    ("Кино", "Группа крови", "Группа крови", 1988, 50, ["rock"]),
    ("방탄소년단", "봄날", "", 2017, 70, ["k-pop"]),
    ("宇多田ヒカル", "光", "", 2002, 60, ["j-pop"]),
    ("فيروز", "كيفك إنت", "", 1991, 45, []),
    ("คาราบาว", "บัวลอย", "", 1984, 40, []),
    ("Portishead", "Glory Box (Live)", "Roseland NYC Live", 1998, 50, ["trip hop"]),
    ("Portishead", "Glory Box", "Dummy", 1994, 50, ["trip hop"]),
]  # fmt: skip


@pytest.fixture
def catalogue(db: None) -> None:
    Artist.objects.bulk_create(Artist(name=name, popularity=p) for name, p in ARTISTS)
    Track.objects.bulk_create(
        Track(
            artist_credit=credit,
            title=title,
            album=album,
            year=year,
            popularity=popularity,
            genres=genres,
        )
        for credit, title, album, year, popularity, genres in TRACKS
    )
