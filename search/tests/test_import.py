"""Imports of whole files: what is stored, what is rejected, and what a second run changes."""

import gzip
import json
import random
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import zstandard
from django.core.management import CommandError, call_command
from django.db import connection

from search import engine
from search.importing import ImportRefused, SourceError, import_catalogue, load, load_sample, sql
from search.models import Artist, CatalogueImport, Track, TrackArtist

# Each batch of an import is a transaction of its own.
pytestmark = pytest.mark.django_db(transaction=True)

MBID = "8f6bd1e4-fbe1-4f50-aa9b-94c450ec0f11"
RECORDING = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
LISTENBRAINZ = (
    "id,artist_credit_id,artist_mbids,artist_credit_name,release_mbid,release_name,"
    "recording_mbid,recording_name,combined_lookup,score\n"
    f'7,65,{{{MBID}}},Portishead,76df3287-6cda-33eb-8e9a-044b5e15ffdd,"Dummy, Again",'
    f"{RECORDING},Glory Box,portisheadglorybox,93\n"
)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(content: str | bytes, name: str = "catalogue.tsv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


Write = Callable[..., Path]


def run(*arguments: Any, **options: Any) -> tuple[str, str]:
    """What the command prints, and what it prints as errors."""
    out, err = StringIO(), StringIO()
    call_command("import_catalogue", *map(str, arguments), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def failure(*arguments: Any) -> str:
    with pytest.raises(CommandError) as error:
        run(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def rows_of(*tables: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the tables with the transaction that wrote it."""
    with connection.cursor() as cursor:
        found = {}
        for table in tables:
            cursor.execute(f"SELECT xmin::text, t::text FROM {table} AS t ORDER BY 2")
            found[table] = cursor.fetchall()
        return found


def everything() -> dict[str, list[tuple[Any, ...]]]:
    return rows_of("track", "artist", "search_trackartist", "search_lexeme")


def counted() -> dict[str, int]:
    """The vocabulary as it stands, with the changes that wait."""
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT word, sum(n)::int FROM (
                SELECT word, ndoc AS n FROM search_lexeme
                UNION ALL SELECT word, change FROM search_lexemechange) AS every
            GROUP BY word HAVING sum(n) <> 0""")
        return dict(cursor.fetchall())


def recounted() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT search_recount_lexemes()")
    return counted()


class TestStoring:
    def test_every_field_of_a_track(self, write: Write) -> None:
        row = {
            "id": "t1", "title": "Empire State of Mind", "artist": "Jay-Z feat. Alicia Keys",
            "album": "The Blueprint 3", "year": "2009-10-20", "duration": "4:36",
            "isrc": "US-JZ1-09-00031", "genres": ["hip hop", "r&b"], "popularity": 77.5,
            "spotify_id": "2igwFfvr1OAGX9SKDCPBwO", "recording_mbid": RECORDING,
        }  # fmt: skip
        report = import_catalogue(write(json.dumps(row)))
        assert (report.tracks_new, report.artists_new, report.rejected) == (1, 2, 0)
        track = Track.objects.get()
        assert (track.external_id, track.title) == ("t1", "Empire State of Mind")
        assert (track.artist_credit, track.album) == ("Jay-Z feat. Alicia Keys", "The Blueprint 3")
        assert (track.year, track.duration_ms, track.isrc) == (2009, 276_000, "USJZ10900031")
        assert (track.genres, track.popularity) == (["hip hop", "r&b"], 77.5)
        assert track.external_ids == {
            "spotify": "2igwFfvr1OAGX9SKDCPBwO", "musicbrainz": RECORDING,
        }  # fmt: skip
        assert not track.is_sample
        linked = TrackArtist.objects.order_by("position").values_list("artist__name", "position")
        assert list(linked) == [("Jay-Z", 0), ("Alicia Keys", 1)]
        assert {artist.popularity for artist in Artist.objects.all()} == {77.5}

    def test_every_field_of_an_artist(self, write: Write) -> None:
        path = write(
            "name\tsort_name\taliases\tgenres\tpopularity\tartist_mbid\n"
            f"The Beatles\tBeatles, The\tFab Four; Битлз\trock|pop\t95\t{MBID}\n"
        )
        report = import_catalogue(path)
        assert (report.kind, report.artists_new) == ("artists", 1)
        artist = Artist.objects.get()
        assert (artist.name, artist.sort_name) == ("The Beatles", "Beatles, The")
        assert (artist.aliases, artist.genres) == (["Fab Four", "Битлз"], ["rock", "pop"])
        assert (artist.popularity, artist.external_id) == (95, MBID)
        assert engine.search("битлс").hits[0].name == "The Beatles"

    def test_listenbrainz_canonical_data(self, write: Write) -> None:
        import_catalogue(write(LISTENBRAINZ, "canonical_musicbrainz_data.csv"))
        track = Track.objects.get()
        assert (track.external_id, track.title, track.album) == (
            RECORDING, "Glory Box", "Dummy, Again",
        )  # fmt: skip
        assert (track.popularity, track.external_ids) == (0, {"musicbrainz": RECORDING})
        artist = track.artists.get()
        assert (artist.name, artist.external_id) == ("Portishead", MBID)

    def test_a_listenbrainz_id_is_given_to_the_artist_of_that_name(self, write: Write) -> None:
        before = Artist.objects.create(name="PORTISHEAD")
        import_catalogue(write(LISTENBRAINZ, "canonical_musicbrainz_data.csv"))
        artist = Artist.objects.get()
        assert (artist.pk, artist.external_ids) == (before.pk, {"musicbrainz": MBID})

    @pytest.mark.parametrize(
        ("name", "pack"), [("a.tsv", bytes), ("a.gz", gzip.compress), ("a.zst", zstandard.compress)]
    )
    def test_compressed_or_not(
        self, write: Write, name: str, pack: Callable[[bytes], bytes]
    ) -> None:
        import_catalogue(write(pack("title\tartist\nJóga\tBjörk\n".encode()), name))
        assert Track.objects.get().title == "Jóga"

    def test_text_that_copy_could_mistake(self, write: Write) -> None:
        titles = ["\\N", "\\.", "a\\tb", "\\", "{a,b}", '"', "'; DROP TABLE", "%s", "\u202e"]
        lines = [
            json.dumps({"id": n, "title": f"_{title}", "artist": title})
            for n, title in enumerate(titles)
        ]
        report = import_catalogue(write("\n".join(lines), "a.jsonl"))
        assert report.rejected == 0
        found = Track.objects.values_list("title", flat=True)
        assert sorted(found) == sorted(f"_{title}" for title in titles)

    def test_what_is_imported_is_found_and_counted_at_once(self, write: Write) -> None:
        import_catalogue(write("title\tartist\nGlory Box\tPortishead\n"))
        assert engine.search("portishaed glory bx").hits[0].name == "Glory Box"
        assert counted() == recounted() != {}


class TestSecondRun:
    def test_changes_nothing(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(load, "BATCH_ROWS", 7)
        draw = random.Random(1)
        lines = [
            f"{n if n % 3 else ''}\tsong {draw.randrange(20)}\tband {draw.randrange(9)}"
            f" feat. singer {draw.randrange(5)}\talbum {draw.randrange(4)}\t{n}\n"
            for n in range(60)
        ]
        path = write("id\ttitle\tartist\talbum\tpopularity\n" + "".join(lines))
        first = import_catalogue(path)
        assert first.tracks_new == Track.objects.count() > 40
        import_catalogue(path)
        before = everything()
        again = import_catalogue(path)
        assert (again.tracks_new, again.artists_new, again.rows) == (0, 0, 60)
        assert rows_of("search_trackartist")["search_trackartist"] == before["search_trackartist"]

    def test_writes_no_row_where_every_row_counts(self, write: Write) -> None:
        path = write(
            "id\ttitle\tartist\tyear\n"
            "1\tRoads\tPortishead\t1994\n2\tJóga\tBjörk\t\n\tCreep\tRadiohead\t1992\n"
        )
        import_catalogue(path)
        before = everything()
        report = import_catalogue(path)
        assert report.unchanged == 3
        assert everything() == before

    def test_of_artists_writes_no_row(self, write: Write) -> None:
        path = write("name\taliases\tpopularity\nBjörk\tBjork\t3\nAir\t\t\n")
        import_catalogue(path)
        before = everything()
        assert import_catalogue(path).unchanged == 2
        assert everything() == before


class TestUpdating:
    def test_an_external_id_is_the_same_track(self, write: Write) -> None:
        import_catalogue(write("id\ttitle\tartist\tyear\n1\tRodas\tPortishead\t1993\n"))
        before = Track.objects.get()
        report = import_catalogue(
            write("id\ttitle\tartist\tyear\talbum\n1\tRoads\tBeth Gibbons\t1994\tDummy\n")
        )
        assert (report.tracks_new, report.tracks_updated) == (0, 1)
        track = Track.objects.get()
        assert (track.pk, track.title, track.year) == (before.pk, "Roads", 1994)
        assert [artist.name for artist in track.artists.all()] == ["Beth Gibbons"]
        assert [hit.name for hit in engine.search("roads", kind="track").hits] == ["Roads"]
        assert counted() == recounted()

    def test_nothing_said_leaves_what_is_there(self, write: Write) -> None:
        track = Track.objects.create(
            external_id="1", title="Roads", artist_credit="Portishead", album="Dummy", year=1994,
            duration_ms=5, isrc="GBAYE9200113", genres=["trip hop"], popularity=60,
            external_ids={"deezer": "5"},
        )  # fmt: skip
        import_catalogue(write("id\ttitle\tartist\talbum\tyear\n1\tRoads\tPortishead\t\t\n"))
        before = Track.objects.values().get(pk=track.pk)
        assert (before["album"], before["year"], before["popularity"]) == ("Dummy", 1994, 60)
        import_catalogue(write("id\ttitle\tartist\tspotify_id\n1\tRoads\tPortishead\tx\n"))
        after = Track.objects.values().get(pk=track.pk)
        assert after == before | {"external_ids": {"deezer": "5", "spotify": "x"}}

    def test_names_identify_where_no_id_does(self, write: Write) -> None:
        track = Track.objects.create(title="Don’t Cry", artist_credit="Guns N’ Roses", album="I")
        path = write("title\tartist\talbum\tyear\nDont cry\tGuns N' Roses\tI\t1991\n")
        assert import_catalogue(path).tracks_updated == 1
        assert Track.objects.get().pk == track.pk and Track.objects.get().year == 1991
        path = write("title\tartist\talbum\nDon't Cry\tGuns N' Roses\tII\n")
        assert import_catalogue(path).tracks_new == 1

    @pytest.mark.parametrize("batch", [1, 2, 100])
    def test_the_last_of_repeated_rows_counts(
        self, write: Write, monkeypatch: pytest.MonkeyPatch, batch: int
    ) -> None:
        monkeypatch.setattr(load, "BATCH_ROWS", batch)
        path = write(
            "id\ttitle\tartist\tyear\n1\tRoads\tPortishead\t1990\n\tJóga\tBjörk\t1990\n"
            "1\tRoads\tPortishead\t1994\n\tJóga\tBjörk\t1997\n"
        )
        import_catalogue(path)
        assert dict(Track.objects.values_list("title", "year")) == {"Roads": 1994, "Jóga": 1997}

    def test_an_artist_is_as_popular_as_the_most_popular_track(self, write: Write) -> None:
        Artist.objects.create(name="Radiohead", popularity=50)
        import_catalogue(write("title\tartist\tpopularity\nA\tRadiohead\t90\nB\tRadiohead\t1\n"))
        assert Artist.objects.get().popularity == 90
        import_catalogue(write("title\tartist\tpopularity\nC\tRadiohead\t7\n"))
        assert Artist.objects.get().popularity == 90


class TestRejects:
    CONTENT = (
        b"title\tartist\tyear\n"
        b"Roads\tPortishead\t1994\n"
        b"\tPortishead\t1994\n"
        b"Glory Box\tPortishead\n"
        b"J\xf3ga\tBj\xf6rk\t1997\n"
        b"Creep\tRadiohead\tlong ago\n"
        b"Airbag\tRadiohead\t1997\n"
        b"Nude\0\tRadiohead\t2007\n"
    )
    TOLD = [
        "line 3: title is missing",
        "line 4: the line has 2 columns where the header has 3",
        "line 5: the line isn't UTF-8",
        "line 6: year is no year: 'long ago'",
        "line 8: title has a NUL character: 'Nude\\x00'",
    ]

    def test_are_told_by_line_and_reason_and_the_rest_is_stored(self, write: Write) -> None:
        path = write(self.CONTENT)
        out, err = run(path)
        assert err.splitlines() == [f"{path}: {told}" for told in self.TOLD]
        assert out.startswith("Tracks: 2 new, 0 updated, 0 unchanged, 5 rejected. 2 artists new.")
        titles = Track.objects.order_by("title").values_list("title", flat=True)
        assert list(titles) == ["Airbag", "Roads"]

    def test_are_written_to_a_file(self, write: Write, tmp_path: Path) -> None:
        rejects = tmp_path / "rejects.txt"
        run(write(self.CONTENT), "--rejects", rejects)
        lines = rejects.read_text().splitlines()
        assert [line.split("\t")[0] for line in lines] == self.TOLD
        assert lines[3].split("\t")[1:] == ["Creep", "Radiohead", "long ago"]

    def test_that_cannot_be_written_as_they_are_are_escaped(
        self, write: Write, tmp_path: Path
    ) -> None:
        rejects = tmp_path / "rejects.txt"
        run(write('{"title": "a\\ud800\\n", "artist": "b"}\n', "a.jsonl"), "--rejects", rejects)
        assert rejects.read_text() == (
            "line 1: title has a lone surrogate: 'a\\ud800\\n'\ta\\ud800 \tb\n"
        )

    def test_of_many_the_first_are_shown_and_all_are_counted(self, write: Write) -> None:
        rows = "".join(f"\tnobody {n}\n" for n in range(1500)) + "a\tb\n"
        out, err = run(write("title\tartist\n" + rows))
        lines = err.splitlines()
        assert len(lines) == load.REJECTS_KEPT + 2
        assert lines[-2:] == ["Rejected rows by reason:", "    1,500  title is missing"]
        assert "1 new" in out and "1,500 rejected" in out

    def test_never_go_into_the_file_they_came_from(self, write: Write, tmp_path: Path) -> None:
        path = write(self.CONTENT)
        link = tmp_path / "link"
        link.symlink_to(path)
        for rejects in (path, link):
            assert "is the file to import" in failure(path, "--rejects", rejects)
        assert path.read_bytes() == self.CONTENT

    def test_need_a_place_that_can_be_written(self, write: Write, tmp_path: Path) -> None:
        path = write(self.CONTENT)
        assert "Can't write" in failure(path, "--rejects", tmp_path / "none" / "rejects.txt")
        assert "Can't write" in failure(path, "--rejects", tmp_path)
        with pytest.raises(ImportRefused, match="is no path"):
            import_catalogue(path, rejects="a\0b")


class TestSample:
    def test_loads_once(self) -> None:
        artists, tracks = load_sample()
        assert artists.rejected == tracks.rejected == 0
        assert Track.objects.filter(is_sample=True).count() == Track.objects.count() >= 500
        assert not Artist.objects.filter(is_sample=False).exists()
        before = everything()
        load_sample()
        assert everything() == before
        assert counted() == recounted()

    def test_a_row_is_taken_over_with_its_id(self, write: Write) -> None:
        sample = write("title\tartist\tyear\tgenres\nRoads\tPortishead\t1994\ttrip hop\n")
        import_catalogue(sample, sample=True)
        before = Track.objects.get()
        assert before.is_sample
        import_catalogue(write("id\ttitle\tartist\talbum\n9\tROADS\tPortishead\tDummy\n"))
        track = Track.objects.get()
        assert (track.pk, track.external_id, track.title) == (before.pk, "9", "ROADS")
        assert (track.album, track.year, track.genres) == ("Dummy", 1994, ["trip hop"])
        assert not track.is_sample and not Artist.objects.get().is_sample

    @pytest.mark.parametrize(
        ("title", "taken"),
        [("Roads (feat. Someone)", True), ("Roads (Live)", False), ("Roads - Remix", False)],
    )
    def test_another_version_takes_nothing_over(
        self, write: Write, title: str, taken: bool
    ) -> None:
        import_catalogue(write("title\tartist\nRoads\tPortishead\n"), sample=True)
        import_catalogue(write(f"id\ttitle\tartist\n9\t{title}\tPortishead\n"))
        assert Track.objects.count() == (1 if taken else 2)

    def test_changes_nothing_that_is_not_of_it(self, write: Write) -> None:
        import_catalogue(write("id\ttitle\tartist\tyear\n9\tRoads\tPortishead\t1994\n"))
        before = everything()
        import_catalogue(
            write("title\tartist\tyear\tpopularity\nRoads\tPortishead\t1999\t99\n"), sample=True
        )
        assert everything() == before

    def test_replacing_it_drops_what_was_not_taken_over(self, write: Write) -> None:
        import_catalogue(
            write("title\tartist\nRoads\tPortishead\nNumb\tPortishead\nJóga\tBjörk\n"), sample=True
        )
        path = write("id\ttitle\tartist\n9\tRoads\tPortishead\n")
        out, _ = run(path, "--replace-sample")
        assert out.splitlines()[-1] == "Sample: 2 tracks and 1 artists deleted."
        assert Track.objects.get().title == "Roads"
        assert Artist.objects.get().name == "Portishead"
        assert counted() == recounted()

    def test_replacing_it_needs_no_file(self) -> None:
        load_sample()
        out, _ = run("--replace-sample")
        assert out.startswith("Sample: ")
        assert not Track.objects.exists() and not Artist.objects.exists()
        assert run("--replace-sample")[0] == "Sample: 0 tracks and 0 artists deleted.\n"

    def test_keeps_a_sample_artist_that_another_track_names(self, write: Write) -> None:
        import_catalogue(write("name\nPortishead\nBjörk\n"), sample=True)
        import_catalogue(write("title\tartist\nRoads\tPortishead\n"))
        run("--replace-sample")
        assert Artist.objects.get().name == "Portishead"


class TestCommand:
    def test_says_what_it_needs(self, tmp_path: Path) -> None:
        assert failure() == "Say which file to import."
        assert "No such file" in failure(tmp_path / "none.tsv")
        assert "is not a file" in failure(tmp_path)
        assert "--sample adds" in failure(tmp_path, "--sample", "--replace-sample")

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ("title", "'title' is not FIELD=COLUMN"),
            ("title=", "'title=' is not FIELD=COLUMN"),
            (",", "'' is not FIELD=COLUMN"),
            ("title=c", "has no column 'c'; it has a, b."),
            ("singer=a", "there is no field 'singer'"),
        ],
    )
    def test_says_what_is_wrong_with_columns(
        self, write: Write, columns: str, message: str
    ) -> None:
        assert message in failure(write("a\tb\nc\td\n"), "--columns", columns)

    def test_takes_columns_and_format(self, write: Write) -> None:
        run(
            write("a,b\nRoads,Portishead\n", "data.txt"),
            "--columns", "title=a, artist_credit=b", "--format", "csv",
        )  # fmt: skip
        assert Track.objects.get().artist_credit == "Portishead"

    def test_takes_a_file_whose_name_is_not_utf8(self, write: Write) -> None:
        run(write("title\tartist\nRoads\tPortishead\n", "caf\udce9.tsv"))
        assert CatalogueImport.objects.get().name == "caf\ufffd.tsv"

    def test_a_file_of_a_header_has_nothing_to_import(self, write: Write) -> None:
        assert run(write("title\tartist\n"))[0].startswith("Tracks: 0 new, 0 updated, 0 unchanged")

    @pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
    def test_of_a_file_that_ends_too_early_what_came_before_is_stored(
        self, write: Write, pack: Callable[[bytes], bytes]
    ) -> None:
        noise = random.Random(1)
        lines = [
            f"song {n}\tband\t{'|'.join(noise.randbytes(99).hex() for _ in range(48))}\n"
            for n in range(300)
        ]
        content = pack(("title\tartist\tgenres\n" + "".join(lines)).encode())
        path = write(content[: len(content) * 9 // 10])
        message = failure(path)
        assert message.endswith(
            "ends too early: its compressed data is incomplete. The rows before are stored."
        )
        stored = Track.objects.count()
        assert 200 < stored < 300
        assert CatalogueImport.objects.get().finished is None
        run(write(content))
        assert Track.objects.count() == 300

    def test_a_damaged_file_stores_nothing_twice(self, write: Write) -> None:
        with pytest.raises(SourceError):
            import_catalogue(write(gzip.compress(b"title\tartist\n")[:-6]))
        assert not CatalogueImport.objects.exists()

    def test_one_import_at_a_time(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(load, "LOCK_SECONDS", 0.3)
        path = write("title\tartist\nRoads\tPortishead\n")
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                cursor.execute(sql.LOCK)
            assert failure(path) == "Another import is running; wait for it, or stop it."
            assert not Track.objects.exists()
        finally:
            other.close()
        run(path)
        assert Track.objects.count() == 1
