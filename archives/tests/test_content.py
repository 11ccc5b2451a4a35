"""What content is accepted, how errors are told, and that what is accepted stays as it is."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from archives.content import MAX_BYTES, MAX_TAGS, MAX_TRACKS, parse_content, validate_content
from archives.content import _unique as unique
from archives.models import Archive

FULL = {
    "name": "Late",
    "description": "",
    "tracks": [
        {
            "artist": "Air",
            "track": "Sexy Boy",
            "album": "Moon Safari",
            "version": "Live",
            "duration_ms": 298_000,
            "uri": "spotify:track:1",
            "provider_ids": {"spotify": "1"},
            "playable": {"spotify": True, "youtube": False, "tidal": None},
            "verified_by": ["musicbrainz"],
            "unknown": {"deep": [1.5, None, {"": ""}]},
        },
        {"artist": "Air"},
        {"artist": "", "track": "Talisman", "album": None, "duration_ms": None},
    ],
    "metadata": {"mood": "calm", "tags": ["a"], "source_version": [3], "x": None},
    "unknown": [],
}


def errors(content: Any) -> list[str]:
    try:
        validate_content(content)
    except ValidationError as error:
        return error.messages
    return []


def track(**values: Any) -> dict[str, Any]:
    return {"tracks": [{"artist": "Air"}] * 12 + [{"artist": "Air"} | values]}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth - 1):
        value = [value]
    return {"x": value}


@pytest.mark.parametrize(
    "content", [{}, FULL, {"tracks": []}, {"name": None, "metadata": None}, nested(32)]
)
def test_valid_content_is_accepted(content: Any) -> None:
    before = json.dumps(content)
    assert errors(content) == []
    assert json.dumps(content) == before


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "Enter a JSON object."),
        ([], "Enter a JSON object."),
        ("text", "Enter a JSON object."),
        ({"name": 5}, "name: Enter a string, not 5."),
        ({"description": ["a"]}, 'description: Enter a string, not ["a"].'),
        ({"tracks": {}}, "tracks: Enter a list of tracks, not {}."),
        ({"tracks": [[]]}, "tracks[0]: Enter an object, not []."),
        ({"tracks": [{"track": "T"}]}, "tracks[0].artist: Enter the artist."),
        ({"tracks": [{"artist": None}]}, "tracks[0].artist: Enter a string, not null."),
        (
            {"tracks": [{"artist": " ", "track": " "}]},
            "tracks[0].artist: This may be blank only if there is a track.",
        ),
        (track(track=5), "tracks[12].track: Enter a string, not 5."),
        (track(uri=False), "tracks[12].uri: Enter a string, not false."),
        (
            track(duration_ms=-1),
            "tracks[12].duration_ms: Enter a whole number of milliseconds, not -1.",
        ),
        (
            track(duration_ms=1.5),
            "tracks[12].duration_ms: Enter a whole number of milliseconds, not 1.5.",
        ),
        (
            track(duration_ms=True),
            "tracks[12].duration_ms: Enter a whole number of milliseconds, not true.",
        ),
        (
            track(duration_ms=2**32),
            "tracks[12].duration_ms: At most 4,294,967,295 ms are allowed.",
        ),
        (
            track(provider_ids=["1"]),
            'tracks[12].provider_ids: Enter an object of ids by provider, not ["1"].',
        ),
        (
            track(provider_ids={"you tube": 1}),
            'tracks[12].provider_ids["you tube"]: Enter a string, not 1.',
        ),
        (
            track(playable={"spotify": "yes"}),
            'tracks[12].playable.spotify: Enter true, false or null, not "yes".',
        ),
        (
            track(playable=True),
            "tracks[12].playable: Enter an object of true, false or null by provider, not true.",
        ),
        (
            track(verified_by="me"),
            'tracks[12].verified_by: Enter a list of strings, not "me".',
        ),
        (track(verified_by=["a", 1]), "tracks[12].verified_by[1]: Enter a string, not 1."),
        ({"metadata": []}, "metadata: Enter an object, not []."),
        ({"metadata": {"mood": 1}}, "metadata.mood: Enter a string, not 1."),
        (
            {"metadata": {"tags": ["a"] * (MAX_TAGS + 1)}},
            "metadata.tags: There are 1,001 tags; at most 1,000 are allowed.",
        ),
        ({"metadata": {"tags": "a"}}, 'metadata.tags: Enter a list of strings, not "a".'),
        ({"metadata": {"tags": [None]}}, "metadata.tags[0]: Enter a string, not null."),
        ({"name": "a\0b"}, "name: Null characters are not allowed."),
        (track(x=["\0"]), "tracks[12].x[0]: Null characters are not allowed."),
        ({"a\0": 1}, 'content: its key "a\\u0000": Null characters are not allowed.'),
        (track(artist="\ud800"), "tracks[12].artist: Lone surrogates are not allowed."),
        ({"x": float("nan")}, "x: nan is no JSON number."),
        ({"x": {"y": float("-inf")}}, "x.y: -inf is no JSON number."),
        ({"x": 10**4300}, "x: A number has too many digits."),
        ({"x": {1: 2}}, "x: The key 1 is no string."),
        ({"x": (1,)}, "x: tuple is no type of JSON."),
        ({"x": Decimal(1)}, "x: Decimal is no type of JSON."),
        (nested(33), "The content is nested more than 32 levels deep."),
        (nested(5000), "The content is nested more than 32 levels deep."),
        (
            {"tracks": [{"artist": "Air"}] * 10_001},
            "tracks: There are 10,001 tracks; at most 10,000 are allowed.",
        ),
        (
            {"x": "ü" * (4 * 1024 * 1024)},
            "The content has 8,388,617 bytes as JSON; at most 8,388,608 are allowed.",
        ),
    ],
)
def test_an_error_names_its_place(content: Any, error: str) -> None:
    assert errors(content) == [error]


def test_limits_are_inclusive() -> None:
    assert errors({"tracks": [{"artist": "Air"}] * MAX_TRACKS}) == []
    assert errors({"metadata": {"tags": ["a"] * MAX_TAGS}}) == []
    room = MAX_BYTES - len('{"x": ""}')
    assert errors({"x": "a" * room}) == []
    assert errors({"x": "a" * (room + 1)}) != []
    assert errors({"x": 10**4300 - 1}) == []


def test_a_backslash_before_u0000_is_no_null_character() -> None:
    assert errors({"x": "\\u0000"}) == []


def test_all_errors_are_told_up_to_twenty() -> None:
    found = errors({"tracks": [{"artist": 1, "album": 2}] * 3, "metadata": 4})
    assert found == [
        *(
            f"tracks[{n}].{field}: Enter a string, not {value}."
            for n in range(3)
            for field, value in (("artist", 1), ("album", 2))
        ),
        "metadata: Enter an object, not 4.",
    ]
    many = errors({"tracks": [{}] * 50})
    assert len(many) == 21
    assert many[19:] == ["tracks[19].artist: Enter the artist.", "There are more errors."]


def test_text_is_parsed_without_loss_or_refused() -> None:
    assert parse_content('{"tracks": []}') == {"tracks": []}
    texts: list[tuple[str | bytes, str]] = [
        ("{", "This is not valid JSON: Expecting property name"),
        ('{"a": {"b": 1, "b": 2}}', 'the key "b" stands twice in one object'),
        ("[NaN]", "NaN is no JSON number"),
        ("[" * 100_000, "nested more than 32 levels"),
        ("9" * 5000, "This is not valid JSON: a number has too many digits'"),
        ('{"Exceeds the limit": 1, "Exceeds the limit": 2}', "stands twice"),
        (b"\xff", "This is not valid JSON"),
    ]
    for text, message in texts:
        with pytest.raises(ValidationError, match=message):
            parse_content(text)


class Key(str):
    """A key that counts how often keys are compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Key.compared += 1
        return str.__eq__(self, other)


def test_a_key_that_stands_twice_is_found_without_comparing_all_with_all() -> None:
    pairs = [(Key(number), number) for number in range(1_000)]
    with pytest.raises(ValueError, match='"999" stands twice'):
        unique([*pairs, (Key(999), 0)])
    assert Key.compared < 10_000


def test_full_clean_asks_for_valid_content_and_storable_text() -> None:
    Archive(name="Late", content=FULL).clean_fields()
    Archive(name="Late").clean()
    content: Any
    for content in ([], None, "", 0, {"tracks": [{}]}, nested(5000), {"x": float("nan")}):
        archive = Archive(name="Late", content=content)
        with pytest.raises(ValidationError) as caught:
            archive.full_clean(validate_unique=False, validate_constraints=False)
        assert list(caught.value.message_dict) == ["content"]
    archive = Archive(name=" ", description="\0", status="\ud800", provider="x" * 51)
    with pytest.raises(ValidationError) as caught:
        archive.full_clean(validate_unique=False, validate_constraints=False)
    assert set(caught.value.message_dict) == {"name", "description", "status", "provider"}


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
anything = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
known_of_track = {
    "track": text,
    "album": st.none() | text,
    "version": text,
    "uri": text,
    "duration_ms": st.none() | st.integers(0, 2**32 - 1),
    "provider_ids": st.dictionaries(text, text, max_size=2),
    "playable": st.dictionaries(text, st.none() | st.booleans(), max_size=2),
    "verified_by": st.lists(text, max_size=2),
}
tracks = st.builds(
    lambda unknown, known: unknown | known,
    st.dictionaries(text, anything, max_size=2),
    st.fixed_dictionaries(
        {"artist": text.filter(lambda name: bool(name.strip()))}, optional=known_of_track
    ),
)
contents = st.builds(
    lambda unknown, known: unknown | known,
    st.dictionaries(text, anything, max_size=3),
    st.fixed_dictionaries(
        {},
        optional={
            "name": text,
            "description": text,
            "tracks": st.lists(tracks, max_size=4),
            "metadata": st.fixed_dictionaries(
                {}, optional={"mood": text, "tags": st.lists(text, max_size=2), "x": anything}
            ),
        },
    ),
)


def exact(value: Any) -> Any:
    """The value with its numbers as what their JSON says: 1e22 and 10000000000000000000000."""
    return json.loads(json.dumps(value), parse_float=Decimal, parse_int=Decimal)


@pytest.mark.django_db
@settings(max_examples=150)
@given(content=contents)
def test_what_is_accepted_survives_the_database(content: Any) -> None:
    before = json.dumps(content)
    archive = Archive(name="Late", content=content)
    archive.full_clean()
    assert json.dumps(content) == before
    archive.save()
    found = Archive.objects.get(pk=archive.pk)
    assert exact(found.content) == exact(content)
    assert found.track_count == len(content.get("tracks", []))
    found.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT content = %s::jsonb FROM playlist WHERE id = %s", [before, found.pk])
        assert cursor.fetchone() == (True,)
