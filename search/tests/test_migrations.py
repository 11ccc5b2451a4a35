"""The older Vibomat's catalogue comes to the present schema and goes back, and nothing is lost."""

import random
import uuid
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from search.models import Artist, Track, TrackArtist
from vibomat.tests import migrating
from vibomat.tests.databases import connected_to, database, execute
from vibomat.tests.migrating import Killed, killed_again_and_again

OLDER = "0001_initial"
STEPS = [
    OLDER,
    "0002_extensions_and_functions",
    "0003_present_columns",
    "0004_fill_present_columns",
    "0005_indexes",
    "0006_link_artists",
]

NAMES = [
    "Daft Punk",
    "Björk",
    "Кино",
    "방탄소년단",
    "宇多田ヒカル",
    "王菲",
    "Ελευθερία Αρβανιτάκη",
    "فيروز",
    "עֹפְרָה חָזָה",
    "คาราบาว",
    "लता मंगेशकर",
    "AC/DC",
    "!!!",
    "The The",
    "Jay-Z feat. Alicia Keys",
    "Simon & Garfunkel",
    "🎸",
    "'; DROP TABLE track; --",
    "100% \\ %(first)s",
    "\u202eright to left\u202c",
    " spaces  around ",
    "tab\tand\nline",
    "x" * 255,
    "ü" * 255,
    "👩‍🎤" * 85,
    "e\u0301",
    "é",
    "",
    " ",
    "null",
]
GENRES = {
    None: [],
    "": [],
    " ": [],
    "rock": ["rock"],
    "rock, pop": ["rock", "pop"],
    "rock,pop": ["rock", "pop"],
    "rock;pop ; ": ["rock", "pop"],
    "rock|pop": ["rock", "pop"],
    ",,;|": [],
    '["rock", "drum and bass, live"]': ["rock", "drum and bass, live"],
    ' [ "rock" , null, 7, " ", ["pop"] ] ': ["rock", "7", '["pop"]'],
    "[]": [],
    "[rock, pop]": ["[rock", "pop]"],
    '["\\u0000", "rock"]': ['["\\u0000"', '"rock"]'],
    '["unclosed"': ['["unclosed"'],
    "\u0440\u043e\u043a, 록": ["рок", "록"],
    "r" * 1024: ["r" * 1024],
    "r, " * 341: ["r"] * 341,
}


def migrate(target: str | None = None) -> str:
    """Migrate the catalogue to that step, the present one by default; what was printed."""
    return migrating.migrate("search", *([target] if target else []))


@pytest.fixture(scope="module")
def older_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock(), migrating.migrated_copy("search", OLDER) as name:
        yield name


@pytest.fixture
def older(older_database: str, db: None) -> Iterator[None]:
    """The older schema, without rows."""
    with database("older", older_database) as name, connected_to(name):
        yield


def add_artist(name: str = "Air", **values: Any) -> uuid.UUID:
    """Insert an artist as the older application would."""
    row = {"id": uuid.uuid4(), "name": name, "provider_id": None, "genres": None} | values
    execute("INSERT INTO artist VALUES (%(id)s, %(name)s, %(provider_id)s, %(genres)s)", row)
    return uuid.UUID(str(row["id"]))


def add_track(title: str = "Sexy Boy", artist_name: str | None = "Air", **values: Any) -> uuid.UUID:
    """Insert a track as the older application would."""
    row = {"id": uuid.uuid4(), "title": title, "artist_name": artist_name}
    row |= {"album_name": None, "provider_id": None} | values
    execute(
        "INSERT INTO track (id, title, artist_name, album_name, provider_id) "
        "VALUES (%(id)s, %(title)s, %(artist_name)s, %(album_name)s, %(provider_id)s)",
        row,
    )
    return uuid.UUID(str(row["id"]))


def populate(tracks: int) -> None:
    """Tracks and a tenth as many artists of every sort, and each odd value at least once."""
    choose = random.Random(1)
    for name, genres in zip(NAMES, [*GENRES, *[None] * len(NAMES)], strict=False):
        add_artist(name, genres=genres, provider_id=name)
        add_track(name, name, album_name=name, provider_id=name)
        add_track(name, None)
    artists = [
        (
            uuid.UUID(int=choose.getrandbits(128), version=4),
            f"{choose.choice(NAMES)[:200]} {choose.randrange(tracks)}",
            choose.choice([None, "", f"artist:{n}"]),
            choose.choice(list(GENRES)),
        )
        for n in range(tracks // 10)
    ]
    rows = [
        (
            uuid.UUID(int=choose.getrandbits(128), version=4),
            f"{choose.choice(NAMES)[:200]} {choose.randrange(tracks)}",
            choose.choice(
                [None, "", choose.choice(NAMES), choose.choice(artists)[1] if artists else ""]
            ),
            choose.choice([None, "", choose.choice(NAMES)]),
            choose.choice([None, "", f"track:{n}"]),
        )
        for n in range(tracks)
    ]
    with connection.cursor() as cursor:
        with cursor.copy("COPY artist (id, name, provider_id, genres) FROM STDIN") as copy:
            for row in artists:
                copy.write_row(row)
        columns = "id, title, artist_name, album_name, provider_id"
        with cursor.copy(f"COPY track ({columns}) FROM STDIN") as copy:
            for track in rows:
                copy.write_row(track)


def older_rows() -> tuple[list[tuple[Any, ...]], ...]:
    return (
        execute("SELECT id, name, provider_id, genres FROM artist ORDER BY id"),
        execute("SELECT id, title, artist_name, album_name, provider_id FROM track ORDER BY id"),
    )


def present_rows() -> list[tuple[Any, ...]]:
    """Every column of every artist, track and link between them."""
    return execute("""
        SELECT 'artist', id::text, to_jsonb(artist)::text FROM artist
        UNION ALL SELECT 'track', id::text, to_jsonb(track)::text FROM track
        UNION ALL SELECT 'link', id::text, to_jsonb(link)::text FROM search_trackartist AS link
        ORDER BY 1, 2
    """)


def schema() -> list[tuple[Any, ...]]:
    return execute("""
        SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull,
            (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
             WHERE adrelid = attrelid AND adnum = attnum)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
            AND (relname ~ '^(artist|track)' OR relname ~ '^search_' AND relname !~ 'kept_aside')
        ORDER BY 1, 2
    """)


def functions() -> list[tuple[Any, ...]]:
    return execute("SELECT proname FROM pg_proc WHERE proname LIKE 'search\\_%%' ORDER BY 1")


def vocabulary_is_right() -> bool:
    return not execute("""
        (SELECT word, ndoc FROM search_lexeme WHERE ndoc <> 0)
        EXCEPT
        (SELECT word, ndoc FROM ts_stat(
            'SELECT search_vector FROM track UNION ALL SELECT search_vector FROM artist'))
    """) and not execute("""
        (SELECT word, ndoc FROM ts_stat(
            'SELECT search_vector FROM track UNION ALL SELECT search_vector FROM artist'))
        EXCEPT
        (SELECT word, ndoc FROM search_lexeme)
    """)


def test_every_row_returns_and_forward_again_is_the_same(older: None) -> None:
    populate(tracks=3000)
    before, older_schema = older_rows(), schema()
    assert [len(rows) for rows in before] == [300 + len(NAMES), 3000 + 2 * len(NAMES)]
    migrate()
    present = present_rows()
    assert sum(kind == "track" for kind, *_ in present) == len(before[1])
    assert not Track.objects.filter(search_vector=None).exists()
    assert not Artist.objects.filter(search_vector=None).exists()
    assert vocabulary_is_right()
    migrate(OLDER)
    assert older_rows() == before
    assert schema() == older_schema
    assert functions() == []
    migrate()
    assert present_rows() == present
    assert vocabulary_is_right()


def test_what_each_older_value_becomes(older: None) -> None:
    for genres in GENRES:
        add_artist(genres=genres, provider_id=genres and genres[:255])
    track = add_track("Sexy Boy", None, album_name=None)
    full = add_track("Talisman", "Air", album_name="Moon Safari", provider_id="spotify:1")
    migrate()
    older_genres = {artist.external_id: artist.genres for artist in Artist.objects.all()}
    assert older_genres == {key and key[:255]: value for key, value in GENRES.items()}
    empty = Track.objects.get(pk=track)
    assert (empty.artist_credit, empty.album, empty.external_id) == ("", "", None)
    moved = Track.objects.get(pk=full)
    assert (moved.title, moved.artist_credit, moved.album) == ("Talisman", "Air", "Moon Safari")
    assert moved.external_id == "spotify:1"
    assert moved.title_key == "talisman"


def test_a_track_is_linked_to_the_artist_its_credit_names(older: None) -> None:
    twin, other = sorted([add_artist("Air"), add_artist("AIR")])
    whole = add_artist("Simon & Garfunkel")
    simon = add_artist("Simon")
    named = add_track(artist_name="air")
    both = add_track(artist_name="Simon and Garfunkel")
    first = add_track(artist_name="Simon feat. Somebody")
    nobody = [add_track(artist_name=name) for name in ("Nobody", "", None)]
    migrate()
    links = dict(TrackArtist.objects.values_list("track", "artist"))
    assert links == {named: twin, both: whole, first: simon}
    assert not TrackArtist.objects.filter(track__in=nobody).exists()
    assert Artist.objects.count() == 4
    assert other not in links.values()


def test_edited_values_go_back_as_edited(older: None) -> None:
    artist = add_artist(genres="rock|pop", provider_id="")
    track = add_track(artist_name="", album_name="")
    migrate()
    Artist.objects.filter(pk=artist).update(genres=["pop", "rock"], name="Air (band)")
    Track.objects.filter(pk=track).update(album="Moon Safari")
    migrate(OLDER)
    assert older_rows() == (
        [(artist, "Air (band)", "", "pop, rock")],
        [(track, "Sexy Boy", "", "Moon Safari", None)],
    )


def fill_present() -> None:
    """Rows that the older schema can't hold, in every column."""
    long = "ü" * 1000
    air = Artist.objects.create(
        name=long,
        sort_name="Air",
        aliases=["エール", "", 'a"b,c{}'],
        genres=["electronic, french", "pop"],
        popularity=71.25,
        external_id=long,
        external_ids={"musicbrainz": "1", "deep": [1.10, None, {"a": "\u2028"}]},
        is_sample=True,
    )
    plain = Artist.objects.create(name="Beck")
    Artist.objects.create(name="Air", genres=["g" * 600, "h" * 600], popularity=float("inf"))
    track = Track.objects.create(
        title=long,
        artist_credit=long,
        album=long,
        genres=["pop"],
        year=0,
        duration_ms=2**31 - 1,
        isrc="FRZ039800212",
        popularity=float("nan"),
        external_id=long,
        external_ids={},
        is_sample=True,
    )
    TrackArtist.objects.create(id=77, track=track, artist=air, position=1)
    TrackArtist.objects.create(track=track, artist=plain, position=0)
    # Its credit names an artist, and yet it is linked to none.
    Track.objects.create(title="Loser", artist_credit="Beck", external_ids=[])
    Track.objects.create(title="")
    execute("UPDATE track SET external_ids = 'null' WHERE title = ''")
    execute("UPDATE artist SET genres = ARRAY[NULL, 'a', ''] WHERE name = 'Beck'")


def test_what_the_older_schema_cannot_hold_waits_and_returns(older: None) -> None:
    migrate()
    fill_present()
    before = present_rows()
    migrate(OLDER)
    assert {len(title) for _, title, *_ in older_rows()[1]} == {255, 5, 0}
    migrate()
    assert present_rows() == before
    TrackArtist.objects.create(
        track=Track.objects.get(title="Loser"), artist=Artist.objects.get(name="Beck")
    )
    assert TrackArtist.objects.latest("pk").pk == 78
    assert execute("SELECT to_regclass('search_trackartist_kept_aside')") == [(None,)]
    assert execute("SELECT to_regclass('search_kept_aside')") == [(None,)]


def test_what_the_older_application_changed_meanwhile_wins(older: None) -> None:
    migrate()
    fill_present()
    edited = Track.objects.get(isrc="FRZ039800212")
    artist = edited.artists.get(name="Beck")
    deleted = Track.objects.get(title="Loser")
    migrate(OLDER)
    execute("UPDATE track SET title = 'Short', artist_name = 'Beck' WHERE id = %s", [edited.pk])
    execute("DELETE FROM track WHERE id = %s", [deleted.pk])
    execute("UPDATE artist SET genres = 'rock' WHERE id = %s", [artist.pk])
    execute("DELETE FROM artist WHERE provider_id IS NOT NULL")
    added = add_track("New", "Beck")
    migrate()
    track = Track.objects.get(pk=edited.pk)
    assert (track.title, track.artist_credit, track.album) == ("Short", "Beck", edited.album)
    assert (track.isrc, track.year, track.external_id) == ("FRZ039800212", 0, edited.external_id)
    # The kept links were of another credit.
    assert list(track.artists.all()) == [artist]
    assert list(Track.objects.get(pk=added).artists.all()) == [artist]
    assert not Track.objects.filter(pk=deleted.pk).exists()
    artist.refresh_from_db()
    assert artist.genres == ["rock"]
    assert Artist.objects.count() == 2
    assert vocabulary_is_right()


def test_whoever_writes_while_it_runs_finds_a_converted_row(older: None) -> None:
    artist = add_artist(genres="rock|pop")
    track, other = add_track("One", None, album_name=""), add_track("Two", None)
    migrate("0003_present_columns")
    Track.objects.filter(pk=track).update(popularity=5)
    Track.objects.filter(pk=other).update(album="Moon Safari", title="Three")
    Artist.objects.filter(pk=artist).update(genres=["jazz"])
    new = Track.objects.create(title="Four")
    written = Track.objects.get(pk=track)
    assert (written.artist_credit, written.album, written.title_key) == ("", "", "one")
    migrate()
    assert Track.objects.get(pk=track).popularity == 5
    assert Track.objects.get(pk=other).title_key == "three"
    assert Artist.objects.get().genres == ["jazz"]
    assert vocabulary_is_right()
    migrate(OLDER)
    assert sorted(older_rows()[1]) == sorted(
        [
            (track, "One", None, "", None),
            (other, "Three", None, "Moon Safari", None),
            (new.pk, "Four", None, None, None),
        ]
    )


def test_a_migration_killed_anywhere_continues_when_run_again(
    older: None, small_batches: None
) -> None:
    populate(tracks=30)
    before = older_rows()
    assert killed_again_and_again(migrate, first=5, further=6) > 5
    assert vocabulary_is_right()
    migrate(OLDER)
    assert older_rows() == before
    migrate()
    fill_present()
    present = present_rows()
    assert killed_again_and_again(lambda: migrate(OLDER), first=5, further=6) > 5
    killed_again_and_again(migrate, first=5, further=6)
    assert present_rows() == present


def test_a_migration_given_up_halfway_goes_the_other_way_without_loss(older: None) -> None:
    populate(tracks=0)
    before = older_rows()
    for step in STEPS[1:]:
        migrate(step)
        migrate(OLDER)
        assert older_rows() == before
    migrate()
    fill_present()
    present = present_rows()
    for step in reversed(STEPS[2:]):
        migrate(step)
        migrate()
        assert present_rows() == present
    migrate(OLDER)
    for step in STEPS[1:]:
        migrate(step)
        migrate(OLDER)
    migrate()
    assert present_rows() == present


def test_going_back_interrupted_and_given_up_loses_nothing(older: None) -> None:
    populate(tracks=0)
    migrate()
    fill_present()
    present = present_rows()

    def kill(run: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        if "UPDATE track SET id = id" in sql:
            raise Killed
        return run(sql, *arguments)

    with pytest.raises(Killed), connection.execute_wrapper(kill):
        migrate(OLDER)
    connection.close()
    assert execute("SELECT count(older_name) > 0 FROM artist") == [(True,)]
    migrate()
    assert present_rows() == present
    assert execute("SELECT tgname FROM pg_trigger WHERE tgname = 'search_to_older'") == []


def test_links_that_change_while_going_back_return_as_changed(older: None) -> None:
    migrate()
    fill_present()
    track = Track.objects.get(isrc="FRZ039800212")
    unlinked = Track.objects.create(title="Nausea", artist_credit="Beck")
    Track.objects.create(title="Kids", artist_credit="MGMT feat. Beck")
    TrackArtist.objects.create(track=unlinked, artist=Artist.objects.get(name="Beck"))
    validated: list[str] = []

    def meanwhile(run: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        if "VALIDATE CONSTRAINT" in sql and "track_older_title_not_null" in sql:
            validated.append(sql)
            assert execute("SELECT count(*) > 2 FROM search_trackartist_keeping") == [(True,)]
            TrackArtist.objects.filter(pk=77).update(position=5)
            unlinked.artists.clear()
            Track.objects.create(title="New", artist_credit="MGMT")
            Artist.objects.create(name="MGMT")
            track.artists.add(Artist.objects.create(name="Moby"))
        return run(sql, *arguments)

    with connection.execute_wrapper(meanwhile):
        migrate(OLDER)
    assert len(validated) == 1
    migrate()
    links = TrackArtist.objects.filter(track=track).values_list("artist__name", "position")
    assert sorted(links) == [("Beck", 0), ("Moby", 0), (Artist.objects.get(trackartist=77).name, 5)]
    for title in ("Nausea", "Kids", "New"):
        assert not Track.objects.get(title=title).artists.exists(), title
    assert not {("search_keep_links",), ("search_note_changed",)} & set(functions())


def test_extensions_an_administrator_made_are_used_and_left(older: None) -> None:
    statements: list[str] = []

    def note(run: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        statements.append(sql)
        return run(sql, *arguments)

    needed = {"pg_trgm", "unaccent", "fuzzystrmatch", "vector"}
    installed = {name for (name,) in execute("SELECT extname FROM pg_extension")}
    assert needed <= installed
    with connection.execute_wrapper(note):
        migrate()
    assert any("CREATE OR REPLACE FUNCTION" in sql for sql in statements)
    assert not [sql for sql in statements if "EXTENSION" in sql]


def test_an_older_database_is_migrated_in_place(empty_database: None) -> None:
    # As others may have made it: indexes, a foreign key and a stricter column.
    execute("""
        CREATE TABLE artist (id uuid PRIMARY KEY, name varchar(255) NOT NULL,
            provider_id varchar(255) UNIQUE, genres varchar(1024));
        CREATE TABLE track (id uuid PRIMARY KEY, title varchar(255) NOT NULL,
            artist_name varchar(255) NOT NULL, album_name varchar(255), provider_id varchar(255));
        CREATE INDEX ix_track_title ON track (title);
        CREATE TABLE playlist_track (track_id uuid REFERENCES track ON DELETE CASCADE);
    """)
    artist = add_artist("Björk", genres="art pop;electronic", provider_id="b")
    track = add_track("Jóga", "Björk", album_name="Homogenic")
    execute("INSERT INTO playlist_track VALUES (%s)", [track])
    before = older_rows()
    output = StringIO()
    call_command("migrate", "search", fake_initial=True, no_color=True, stdout=output)
    assert "search.0001_initial... FAKED" in output.getvalue()
    found = Track.objects.get(title_key="joga")
    assert [(a.pk, a.genres) for a in found.artists.all()] == [(artist, ["art pop", "electronic"])]
    assert execute("SELECT to_regclass('ix_track_title') IS NULL") == [(False,)]
    migrate(OLDER)
    assert older_rows() == before
    assert execute("SELECT track_id FROM playlist_track") == [(track,)]


def test_the_first_migration_makes_the_older_schema(older: None) -> None:
    assert schema() == [
        ("artist", "genres", "character varying(1024)", False, None),
        ("artist", "id", "uuid", True, None),
        ("artist", "name", "character varying(255)", True, None),
        ("artist", "provider_id", "character varying(255)", False, None),
        ("artist_pkey", "id", "uuid", False, None),
        ("track", "album_name", "character varying(255)", False, None),
        ("track", "artist_name", "character varying(255)", False, None),
        ("track", "id", "uuid", True, None),
        ("track", "provider_id", "character varying(255)", False, None),
        ("track", "title", "character varying(255)", True, None),
        ("track_pkey", "id", "uuid", False, None),
    ]
