"""Whoever writes an artist or a track, its keys and the vocabulary are right when it commits."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from model_bakery import baker

from search.models import Artist, Lexeme, LexemeChange, Track
from search.plans import plans_of

WORDS = ["love", "me", "do", "Björk", "кино", "방탄", "the", "and", "!!!", "P!nk", "a", "b", "c"]


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def counted() -> dict[str, int]:
    """The document frequencies as the triggers keep them, those that wait included."""
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT word, sum(ndoc) FROM (
                SELECT word, ndoc FROM search_lexeme
                UNION ALL SELECT word, change FROM search_lexemechange) AS every
            GROUP BY word HAVING sum(ndoc) <> 0
        """)
        return dict(cursor.fetchall())


def recounted() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT word, ndoc FROM ts_stat(
                'SELECT search_vector FROM track UNION ALL SELECT search_vector FROM artist')
        """)
        return dict(cursor.fetchall())


@contextmanager
def another_connection() -> Iterator[BaseDatabaseWrapper]:
    other = connections.create_connection("default")
    try:
        yield other
    finally:
        other.close()


def insert_track(using: BaseDatabaseWrapper, title: str) -> None:
    with using.cursor() as cursor:
        cursor.execute("INSERT INTO track (title) VALUES (%s)", [title])


@pytest.mark.django_db
def test_an_artist_has_the_keys_of_all_its_names() -> None:
    artist = Artist.objects.create(
        name="The Beatles", sort_name="Beatles, The", aliases=["Битлз", "Битлз!", "", "Fab Four"]
    )
    artist.refresh_from_db()
    assert artist.name_key == "beatles"
    assert artist.alias_keys == ["thebeatles", "битлз", "fabfour"]
    assert set(recounted()) == {
        "the", "beatles", "битлз", "fab", "four",
        "@beatles", "@thebeatles", "@битлз", "@fabfour",
    }  # fmt: skip
    assert counted() == recounted()


@pytest.mark.django_db
def test_a_track_has_the_keys_of_its_title_and_credit() -> None:
    track = Track.objects.create(
        title="Empire State of Mind (Live)",
        artist_credit="Jay-Z feat. Alicia Keys",
        album="Unplugged",
    )
    track.refresh_from_db()
    assert track.title_key == "empirestateofmind"
    assert track.full_title_key == "empirestateofmindlive"
    assert track.credit_key == "jayzaliciakeys"
    assert track.main_credit_key == "jayz"
    assert {word for word in recounted() if word[0] in "@="} == {
        "=empirestateofmind", "@jayzaliciakeys", "@jayz",
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT lexeme, weights[1] FROM track, unnest(search_vector)")
        weights = dict(cursor.fetchall())
    assert (weights["mind"], weights["jay"], weights["unplugged"]) == ("A", "B", "C")


@pytest.mark.django_db
def test_what_is_written_to_the_derived_columns_is_replaced() -> None:
    track = Track.objects.create(title="Creep", title_key="wrong", search_vector="'wrong'")
    Track.objects.update(credit_key="wrong", search_vector=None)
    track.refresh_from_db()
    assert (track.title_key, track.credit_key) == ("creep", "")
    assert counted() == recounted() == {"creep": 1, "=creep": 1}


@pytest.mark.django_db
def test_a_name_without_letters_and_an_empty_one_are_stored() -> None:
    Artist.objects.create(name="!!!")
    Artist.objects.create(name=" ")
    Track.objects.create(title="")
    assert set(Artist.objects.values_list("name_key", flat=True)) == {"u21u21u21", ""}
    assert counted() == recounted() == {"u21u21u21": 1, "@u21u21u21": 1}


@pytest.mark.django_db
def test_the_longest_name_is_stored() -> None:
    for letter in "eü漢\U00020000":
        Artist.objects.create(name=letter * 10_000, aliases=[f"{letter * 3} " * 2000])
        Track.objects.create(
            title=letter * 10_000, artist_credit=f"{letter} " * 5000, album=letter * 9999
        )
    assert counted() == recounted()


@pytest.mark.django_db
def test_the_vocabulary_follows_every_way_to_write() -> None:
    choose = random.Random(7)

    def phrase() -> str:
        return " ".join(choose.choices(WORDS, k=choose.randint(0, 5)))

    for _ in range(60):
        tracks = list(Track.objects.order_by("?")[:5])
        match choose.randrange(8):
            case 0:
                baker.make(Track, title=phrase(), artist_credit=phrase(), album=phrase())
            case 1:
                baker.make(Artist, name=phrase(), aliases=[phrase(), phrase()])
            case 2:
                Track.objects.bulk_create(Track(title=phrase()) for _ in range(20))
            case 3:
                for track in tracks:
                    track.title, track.popularity = phrase(), choose.random()
                Track.objects.bulk_update(tracks, ["title", "popularity"])
            case 4:
                Track.objects.filter(pk__in=[track.pk for track in tracks]).delete()
            case 5:
                execute(f"UPDATE track SET album = '{phrase()}' WHERE title LIKE '%l%'")
            case 6:
                execute("""
                    INSERT INTO track (id, title) SELECT id, title || ' again' FROM track LIMIT 3
                    ON CONFLICT (id) DO UPDATE SET title = excluded.title
                """)
            case 7:
                Track.objects.update(popularity=choose.random())
        assert counted() == recounted()
    assert Lexeme.objects.filter(ndoc__gt=5).exists()
    assert not LexemeChange.objects.exists()
    Track.objects.all().delete()
    Artist.objects.all().delete()
    assert counted() == {}


@pytest.mark.django_db(transaction=True)
def test_the_vocabulary_follows_truncate_and_rollback() -> None:
    Artist.objects.create(name="Air")
    Track.objects.create(title="Sexy Boy")
    before = counted()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Track.objects.create(title="Never")
        Track.objects.filter(title="Sexy Boy").delete()
        _ = 1 / 0
    assert counted() == recounted() == before
    with transaction.atomic():
        Track.objects.create(title="Talisman")
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            Track.objects.update(title="Lost")
            _ = 1 / 0
    assert counted() == recounted() == before | {"talisman": 1, "=talisman": 1}
    execute("TRUNCATE track CASCADE")
    assert counted() == recounted() == {"air": 1, "@air": 1}
    execute("TRUNCATE artist CASCADE")
    assert not Lexeme.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_writers_of_the_same_known_words_do_not_wait_for_each_other() -> None:
    Track.objects.create(title="Love Me")
    Track.objects.create(title="Me Love")
    with another_connection() as other:
        other.set_autocommit(False)
        insert_track(other, "Love Me")
        # Whoever waits for a lock gets an error.
        execute("SET lock_timeout = '1ms'")
        try:
            insert_track(connection, "Love Me")
            Track.objects.filter(title="Me Love").delete()
        finally:
            execute("RESET lock_timeout")
        assert LexemeChange.objects.exists()
        other.commit()
    assert counted() == recounted() == {"love": 3, "me": 3, "=loveme": 3}
    # The next writer folds in what waited, whatever it writes itself.
    Track.objects.create(title="Something else")
    assert not LexemeChange.objects.exists()
    assert Lexeme.objects.get(word="love").ndoc == 3
    assert counted() == recounted()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_two_transactions_may_bring_the_same_new_word(ending: str) -> None:
    with another_connection() as other:
        other.set_autocommit(False)
        insert_track(other, "Love")
        failures = []

        def insert() -> None:
            try:
                insert_track(connections["default"], "Love")
            except OperationalError as error:
                failures.append(error)
            finally:
                connections["default"].close()

        # A word's first row is unique, so this one waits until it is known whether it is there.
        second = threading.Thread(target=insert)
        second.start()
        second.join(0.2)
        getattr(other, ending)()
        second.join(10)
    assert failures == []
    total = 2 if ending == "commit" else 1
    assert counted() == recounted() == {"love": total, "=love": total}


@pytest.mark.django_db
def test_recounting_repairs_a_vocabulary_that_went_wrong() -> None:
    Track.objects.create(title="Love Me")
    Lexeme.objects.filter(word="love").update(ndoc=99)
    Lexeme.objects.filter(word="me").delete()
    Lexeme.objects.create(word="stray", ndoc=1)
    LexemeChange.objects.create(word="love", change=-7)
    execute("SELECT search_recount_lexemes()")
    assert dict(Lexeme.objects.values_list("word", "ndoc")) == recounted()
    assert not LexemeChange.objects.exists()


@pytest.mark.django_db
def test_thousands_of_rows_are_compared_at_once_after_a_single_one() -> None:
    """The plan that PL/pgSQL keeps from the first statement must suit the next."""
    Track.objects.create(title="First")
    Track.objects.update(title="Second")
    Track.objects.bulk_create(Track(title=f"Love {n}") for n in range(50))
    plans = plans_of(lambda: Track.objects.update(album="Album"))
    (comparison,) = (plan for plan in plans if "come" in plan and "gone" in plan)
    assert "Nested Loop" not in comparison
    assert counted() == recounted()
