"""Which columns are which fields, and how their values are read."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from search.importing import columns
from search.importing.columns import (
    FIELDS,
    NULL,
    SEPARATOR,
    STAGED,
    Columns,
    ColumnsError,
    ValueProblem,
    credited_artists,
    recognise,
)

LISTENBRAINZ = [
    "id", "artist_credit_id", "artist_mbids", "artist_credit_name", "release_mbid",
    "release_name", "recording_mbid", "recording_name", "combined_lookup", "score",
]  # fmt: skip
MBID = "db92a151-1ac2-438b-bc43-b82e149ddd50"
OTHER_MBID = "a74b1b7f-71a5-4011-9441-d0b5e4122711"


def fields(*names: str, **chosen: str) -> dict[str, str]:
    found = recognise(names, chosen, "FILE")
    return {field: names[place] for field, place in found.by_field.items()}


def staged(names: list[str], values: list[Any], **chosen: str) -> dict[str, str]:
    """The staged columns that a row fills."""
    found = recognise(names, chosen, "FILE")
    line, *parts = found.copy_line(7, values).split("\t")
    assert line == "7"
    return {
        name: part for name, part in zip(STAGED[found.kind], parts, strict=True) if part != NULL
    }


def track(**values: Any) -> dict[str, str]:
    names = ["title", "artist", *values]
    found = staged(names, ["Roads", "Portishead", *values.values()])
    assert (found.pop("title"), found.pop("artist_credit")) == ("Roads", "Portishead")
    assert found.pop("artist_names") == "Portishead"
    return found


def problem(**values: Any) -> str:
    with pytest.raises(ValueProblem) as error:
        track(**values)
    return error.value.reason


class TestRecognising:
    def test_the_projects_own_names(self) -> None:
        names = ["id", "title", "artist", "album", "year", "duration_ms", "isrc", "genres"]
        assert fields(*names) == {
            "external_id": "id", "title": "title", "artist_credit": "artist", "album": "album",
            "year": "year", "duration_ms": "duration_ms", "isrc": "isrc", "genres": "genres",
        }  # fmt: skip

    def test_case_spaces_and_hyphens_in_names_do_not_matter(self) -> None:
        assert fields("Track Name", "ARTIST-NAME") == {
            "title": "Track Name", "artist_credit": "ARTIST-NAME",
        }  # fmt: skip

    def test_listenbrainz_canonical_data(self) -> None:
        assert fields(*LISTENBRAINZ) == {
            "external_id": "recording_mbid",
            "title": "recording_name",
            "artist_credit": "artist_credit_name",
            "album": "release_name",
            "musicbrainz": "recording_mbid",
            "artist_musicbrainz": "artist_mbids",
        }

    def test_a_file_of_artists(self) -> None:
        assert recognise(["name", "sort_name", "aliases"], {}, "FILE").kind == "artists"
        assert recognise(["artist"], {}, "FILE").kind == "artists"

    def test_name_is_a_tracks_where_a_column_says_whose(self) -> None:
        assert fields("name", "artists") == {"title": "name", "artists": "artists"}

    def test_chosen_columns_come_first(self) -> None:
        assert fields("title", "song", "artist", title="song") == {
            "title": "song", "artist_credit": "artist",
        }  # fmt: skip
        chosen = fields("a", "b", title="a", artist_credit="b")
        assert chosen == {"title": "a", "artist_credit": "b"}

    @pytest.mark.parametrize(
        ("names", "chosen", "message"),
        [
            (["a", "b"], {}, "no columns known as a track's title and artist"),
            (["title"], {}, "it has title. Say which they are: --columns title=COLUMN"),
            (["title", "artist"], {"singer": "artist"}, "there is no field 'singer'; there are "),
            (["title", "artist"], {"title": "song"}, "no column 'song'; it has title, artist."),
            (["a\n\x1b[31m"], {}, "it has a??[31m."),
            ([str(n) for n in range(100)], {}, "29 and 70 more."),
        ],
    )
    def test_unusable_columns_are_told_in_one_line(
        self, names: list[str], chosen: dict[str, str], message: str
    ) -> None:
        with pytest.raises(ColumnsError) as error:
            recognise(names, chosen, "FILE")
        assert message in str(error.value)
        assert "\n" not in str(error.value)


class TestValues:
    @pytest.mark.parametrize(
        ("value", "stored"),
        [("1997", "1997"), (1997, "1997"), (1997.0, "1997"), ("1997-05-21", "1997"),
         ("2001/1", "2001"), ("0", None), ("0000", None), ("", None)],
    )  # fmt: skip
    def test_a_year_is_a_years_or_a_dates(self, value: Any, stored: str | None) -> None:
        assert track(year=value).get("year") == stored

    @pytest.mark.parametrize(
        "value", ["97", "999", "3000", "in 1997", True, [1997], "-1997", "١٩٩٧"]
    )
    def test_what_is_no_year(self, value: Any) -> None:
        assert problem(year=value).startswith("year is ")

    @pytest.mark.parametrize(
        ("column", "value", "stored"),
        [("duration_ms", "215000", "215000"), ("duration_ms", 215000.4, "215000"),
         ("duration_ms", "0", None), ("duration", "215", "215000"), ("duration", 215.5, "215500"),
         ("duration", "3:35", "215000"), ("duration", "1:02:03", "3723000")],
    )  # fmt: skip
    def test_a_duration_is_in_milliseconds_or_seconds_or_a_clocks(
        self, column: str, value: Any, stored: str | None
    ) -> None:
        assert track(**{column: value}).get("duration_ms") == stored

    @pytest.mark.parametrize(
        ("column", "value", "reason"),
        [("duration_ms", "3:35", "is no number"), ("duration_ms", "-1", "is negative"),
         ("duration_ms", "9" * 20, "is longer than a day"), ("duration", "3:3", "is no duration"),
         ("duration", "nan", "is no finite number"), ("duration", [1], "is no number"),
         ("popularity", "inf", "is no finite number"), ("popularity", -0.1, "is negative"),
         ("popularity", True, "is no number"), ("isrc", "x", "is no ISRC"),
         ("album", ["a"], "is not text"), ("album", "x" * 1001, "is longer than 1,000 characters"),
         ("album", "a\0", "has a NUL character"), ("album", "a\ud800", "has a lone surrogate"),
         ("id", "x" * 256, "is longer than 255 characters"), ("genres", {"a": 1}, "is no list"),
         ("genres", [["a"]], "is not text"), ("genres", ["a"] * 1001, "has more than 1,000 items"),
         ("genres", "x" * 10_001, "is longer than 10,000 characters"),
         ("musicbrainz_id", "x", "is no MusicBrainz id"),
         ("artist_mbids", 5, "is no list"), ("artist_mbids", {"a": 1}, "is no list"),
         ("artist_mbids", [5], "is no MusicBrainz id")],
    )  # fmt: skip
    def test_what_is_wrong_with_a_value(self, column: str, value: Any, reason: str) -> None:
        assert problem(**{column: value}) == f"{column} {reason}"

    def test_empty_and_null_say_nothing(self) -> None:
        assert track(album="", year=None, genres=[], isrc=NULL, id="  ") == {}

    def test_genres_are_a_list_or_text_with_separators(self) -> None:
        assert track(genres=["a, b", "c", "", "c"]) == {"genres": f"a, b{SEPARATOR}c"}
        assert track(genres="a, b|c|c") == {"genres": f"a, b{SEPARATOR}c"}
        assert track(genres="a; b, c") == {"genres": f"a{SEPARATOR}b, c"}

    def test_an_isrc_may_have_hyphens(self) -> None:
        assert track(isrc="gb-aye-92-00113") == {"isrc": "GBAYE9200113"}

    def test_control_characters_become_spaces(self) -> None:
        assert track(album=" a\t\n\x1fb\u2028c\x85") == {"album": "a b c"}

    def test_backslashes_are_kept_for_copy(self) -> None:
        assert track(album="a\\Nb\\") == {"album": "a\\\\Nb\\\\"}

    @pytest.mark.parametrize("value", ["", None, "  ", NULL])
    def test_a_row_needs_its_title(self, value: Any) -> None:
        with pytest.raises(ValueProblem) as error:
            staged(["title", "artist"], [value, "Portishead"])
        assert error.value.reason == "title is missing"


class TestCredits:
    @pytest.mark.parametrize(
        ("credit", "count", "artists"),
        [
            ("Simon & Garfunkel", 0, ["Simon & Garfunkel"]),
            ("Simon & Garfunkel", 1, ["Simon & Garfunkel"]),
            ("Nick Cave & Kylie Minogue", 2, ["Nick Cave", "Kylie Minogue"]),
            ("Jay-Z feat. Alicia Keys", 0, ["Jay-Z", "Alicia Keys"]),
            ("Jay-Z (feat. Alicia Keys)", 0, ["Jay-Z", "Alicia Keys"]),
            ("Jay-Z ft. Alicia Keys, Nas & Q-Tip", 0, ["Jay-Z", "Alicia Keys", "Nas", "Q-Tip"]),
            ("Daft Punk", 0, ["Daft Punk"]),
            ("feat.", 0, ["feat."]),
        ],
    )
    def test_names_its_artists(self, credit: str, count: int, artists: list[str]) -> None:
        assert credited_artists(credit, count).split(SEPARATOR) == artists

    def test_is_made_of_the_artists_where_there_is_none(self) -> None:
        found = staged(["title", "artists"], ["Roads", ["Jay-Z", "Alicia Keys"]])
        assert found["artist_credit"] == "Jay-Z, Alicia Keys"

    def test_one_artists_musicbrainz_id_is_theirs(self) -> None:
        row = [
            "1",
            "5",
            f"{{{MBID}}}",
            "Portishead",
            "",
            "Dummy",
            OTHER_MBID.upper(),
            "Roads",
            "",
            "9",
        ]
        assert staged(LISTENBRAINZ, row) == {
            "external_id": OTHER_MBID.upper(),
            "title": "Roads",
            "artist_credit": "Portishead",
            "album": "Dummy",
            "artist_names": "Portishead",
            "musicbrainz": OTHER_MBID,
            "artist_musicbrainz": MBID,
        }

    def test_which_of_several_ids_is_whose_is_not_guessed(self) -> None:
        found = staged(["title", "artist", "artist_mbids"], ["X", "A & B", f"{MBID},{OTHER_MBID}"])
        assert found["artist_names"] == f"A{SEPARATOR}B"
        assert "artist_musicbrainz" not in found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)


@settings(max_examples=300)
@given(st.sampled_from(["tracks", "artists"]), st.data())
def test_any_value_is_stored_or_rejected(kind: columns.Kind, data: st.DataObject) -> None:
    names = [field.name for field in FIELDS[kind]]
    mapping = Columns(kind, names, {name: place for place, name in enumerate(names)})
    values = data.draw(st.lists(json_values, min_size=len(names), max_size=len(names)))
    first = "title" if kind == "tracks" else "name"
    if data.draw(st.booleans()):
        # Most values are wrong for most fields: often only one is other than nothing.
        place = data.draw(st.integers(0, len(names) - 1))
        values = [value if n == place else None for n, value in enumerate(values)]
    values[names.index(first)] = "A name"
    told: ValueProblem | None
    try:
        line = mapping.copy_line(1, values)
    except ValueProblem as problem:
        told = problem
    else:
        told = None
        assert line.count("\t") == len(STAGED[kind])
        assert "\n" not in line and "\r" not in line and "\0" not in line
        line.encode()
    if told is not None:
        assert told.reason and len(told.value) <= 60


@given(st.text())
@example("\\")
@example("\\N")
@example("a\x1fb")
def test_a_text_is_the_same_after_copy_but_for_its_controls(value: str) -> None:
    mapping = Columns("artists", ["name"], {"name": 0})
    try:
        parts = mapping.copy_line(1, [value]).split("\t")
    except ValueProblem:
        return
    stored = parts[1 + STAGED["artists"].index("name")].replace("\\\\", "\\")
    assert stored == without_controls(value)


def without_controls(value: str) -> str:
    """As `columns.text` leaves it."""
    return columns.CONTROL.sub(" ", value).strip()


@given(st.text().map(without_controls), st.integers(0, 5))
@example(without_controls("\x1f"), 0)
@example(without_controls("a\x1fb"), 2)
def test_any_credit_names_someone(credit: str, count: int) -> None:
    parts = credited_artists(credit, count).split(SEPARATOR)
    assert credit in ("", *parts) or all(part and part in credit for part in parts)
