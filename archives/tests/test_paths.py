"""What each declared path finds, what it refuses, and by which index it is found."""

import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archives import explaining
from archives.filters import MAX_NUMBER, Choice, Range, strings_at
from archives.layout import forget_layouts
from archives.models import Archive
from archives.partitions import Period, Plan, partitions
from archives.partitions.creating import CreatePeriod
from archives.paths import INDEXES, PATHS
from vibomat import timeouts
from vibomat.accounts.models import User

CONTENTS: dict[str, dict[str, Any]] = {
    "pop": {
        "tracks": [
            {"artist": "Beyoncé", "track": "Halo", "album": "I Am… Sasha Fierce"},
            {"artist": "Air", "track": "Sexy Boy", "album": "Moon Safari", "duration_ms": 298_000},
        ],
        "metadata": {"mood": "Calm", "tags": ["Sleep", "night drive"], "source_version": 3},
    },
    "cover": {
        "tracks": [
            {"artist": "Kina Grannis", "track": "HALO", "version": "Live"},
            {"artist": "beyonce", "track": "Déjà Vu", "album": None},
        ],
        "metadata": {"mood": "happy", "tags": ["sleep"]},
    },
    "others": {
        "tracks": [
            {"artist": "The Beatles", "track": "Don't Let Me Down"},
            {"artist": "AC/DC", "track": "T.N.T.", "album": "High Voltage", "uri": "spotify:1"},
            {"artist": "!!!", "track": "…"},
            {"artist": "", "track": "Untitled"},
        ],
        "metadata": {"mood": "calm", "tags": "sleep", "source_version": 2, "deep": {"a": [1, {}]}},
    },
    "hidden": {
        "tracks": [{"artist": "\u200b", "track": "Air"}],
        "metadata": {"mood": "\u200b", "tags": None},
    },
    "odd": {"tracks": [], "metadata": {"mood": ["CALM"], "tags": [["x"], {"y": 1}, 7, "  "]}},
    "empty": {},
}
COLUMNS: dict[str, dict[str, Any]] = {
    "pop": {"provider": "spotify", "provider_id": "37i9", "status": "published"},
    "cover": {"provider": "youtube", "status": "published"},
    "others": {"provider": "spotify", "status": "it's %s"},
}


@pytest.fixture
def archives(db: None) -> None:
    for name, content in CONTENTS.items():
        Archive.objects.create(name=name, content=content, **COLUMNS.get(name, {}))


def found(**asked: Any) -> set[str]:
    rows = Archive.objects.by_paths(asked)
    names = {archive.name for archive in rows.newest(50)}
    assert names == set(rows.values_list("name", flat=True))
    return names


def test_no_content_has_too_many_words(db: None) -> None:
    """Of an older one, which may have more than is valid, those of tracks are kept first."""
    tags = [f"{number:x}" for number in range(160_000)]
    content = {"tracks": [{"artist": "Air", "track": "Talisman"}], "metadata": {"tags": tags}}
    with timeouts.lifted(), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT length(words), words @@ archive_track_query('talisman', 'air')
            FROM archive_words(%s::jsonb, '{"s": "$.metadata.tags[*]", "tracks": "$.tracks[*]"}')
                AS words
            """,
            [json.dumps(content)],
        )
        # Of seven bytes each, one more would be too many.
        assert cursor.fetchone() == (1_048_575 // 7, True)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"artist": "beyonce"}, {"pop", "cover"}),
        ({"artist": " BEYONCÉ "}, {"pop", "cover"}),
        ({"artist": "beatles"}, {"others"}),
        ({"artist": "acdc"}, {"others"}),
        ({"artist": "!!!"}, {"others"}),
        ({"artist": "beyon"}, set()),
        ({"artist": "%"}, set()),
        ({"artist": "\u200b\u0301"}, set()),
        ({"artist": "' : & | ! \\ <->"}, set()),
        ({"track": "halo"}, {"pop", "cover"}),
        ({"track": "Halo", "artist": "beyonce"}, {"pop"}),
        ({"track": "halo", "artist": "air"}, set()),
        ({"track": "deja vu", "artist": "BEYONCE"}, {"cover"}),
        ({"track": "tnt"}, {"others"}),
        ({"track": "dont let me down"}, {"others"}),
        ({"track": "untitled"}, {"others"}),
        ({"track": "hal"}, set()),
        ({"album": "moon safari"}, {"pop"}),
        ({"album": "i am sasha fierce", "artist": "air"}, {"pop"}),
        ({"mood": "calm"}, {"pop", "others"}),
        ({"tags": "sleep"}, {"pop", "cover", "others"}),
        ({"tags": "sleep,Night Drive"}, {"pop"}),
        ({"tags": ["sleep", "night drive"]}, {"pop"}),
        ({"tags": ["sleep", "work"]}, set()),
        ({"tags": ["sleep", "\u200b"]}, set()),
        ({"tags_any": ["work", "night drive"]}, {"pop"}),
        ({"tags_any": ["\u200b", "sleep"]}, {"pop", "cover", "others"}),
        ({"tags_any": ["\u200b"]}, set()),
        ({"tags_any": "sleep", "tags": "night drive", "mood": "calm"}, {"pop"}),
        ({"provider": "spotify"}, {"pop", "others"}),
        ({"provider": "Spotify"}, set()),
        ({"provider_id": "37i9"}, {"pop"}),
        ({"provider_id": "37i9", "provider": "youtube"}, set()),
        ({"status": "published"}, {"pop", "cover"}),
        ({"status": "it's %s"}, {"others"}),
        ({"status": "published", "provider": "youtube"}, {"cover"}),
        ({"min_tracks": 2}, {"pop", "cover", "others"}),
        ({"min_tracks": "2", "max_tracks": " 2 "}, {"pop", "cover"}),
        ({"max_tracks": 0}, {"odd", "empty"}),
        ({"min_tracks": MAX_NUMBER}, set()),
        ({"max_tracks": MAX_NUMBER}, set(CONTENTS)),
        ({"min_tracks": 3, "max_tracks": 2}, set()),
        ({"min_duration_ms": 1}, {"pop"}),
        ({"max_duration_ms": 297_999}, set()),
        ({"created_after": "2020-01-01", "created_before": "9999-01-01"}, set(CONTENTS)),
        ({"created_before": "2020-01-01T00:00:00+02:00"}, set()),
        ({"contains": {"metadata": {"source_version": 3}}}, {"pop"}),
        ({"contains": '{"metadata": {"mood": "calm"}}'}, {"others"}),
        ({"contains": {"metadata": {"deep": {"a": [{}]}}}}, {"others"}),
        ({"contains": {"metadata": {}}}, {"pop", "cover", "others", "hidden", "odd"}),
        ({"contains": {}}, set(CONTENTS)),
        ({"contains": {"tracks": [{"artist": "Beyoncé"}]}}, {"pop"}),
        ({"contains": {"tracks": [{"artist": "Air", "track": "Halo"}]}}, set()),
        ({"contains": {"tracks": [{"artist": "Air"}, {"track": "Halo"}]}}, {"pop"}),
        (
            {"contains": {"tracks": [{"uri": "spotify:1"}], "metadata": {"mood": "calm"}}},
            {"others"},
        ),
        ({"contains": {"tracks": [{"uri": "spotify:2"}]}}, set()),
        ({"contains": {"tracks": [{"artist": "!!!"}]}}, {"others"}),
        ({"contains": {"tracks": [{"artist": "!!!", "track": "…"}]}}, {"others"}),
        ({"contains": {"tracks": [{"artist": "", "track": "Untitled"}]}}, {"others"}),
        ({"contains": {"tracks": [{"artist": "\u200b"}]}}, {"hidden"}),
        ({"contains": {"tracks": [{"artist": "\u200b", "track": "Air"}]}}, {"hidden"}),
        ({"contains": {"metadata": {"mood": "\u200b"}}}, {"hidden"}),
        ({"contains": {"metadata": {"mood": "Calm"}}}, {"pop"}),
        ({"contains": {"metadata": {"mood": "Calm", "source_version": 2}}}, set()),
        ({"contains": {"metadata": {"mood": ["CALM"]}}}, {"odd"}),
        ({"contains": {"metadata": {"tags": ["sleep"]}}}, {"cover"}),
        ({"contains": {"metadata": {"tags": "sleep"}}}, {"others"}),
        ({"contains": {"metadata": {"tags": [["x"]]}}}, {"odd"}),
        ({"contains": {"metadata": {"tags": ["sleep"], "mood": "happy"}}}, {"cover"}),
        ({"path": "$.metadata.source_version > 2"}, {"pop"}),
        ({"path": "strict $.metadata.source_version"}, {"pop", "others"}),
        ({"path": 'exists ($.tracks[*] ? (@.version == "Live"))'}, {"cover"}),
        ({"path": '$.tracks[*].artist starts with "The"', "mood": "calm"}, {"others"}),
        ({"path": '$."$" == "$x"'}, set()),
        ({}, set(CONTENTS)),
    ],
)
def test_paths_find_and_combine(archives: None, asked: dict[str, Any], names: set[str]) -> None:
    assert found(**asked) == names


def test_a_total_duration_may_be_longer_than_any_track_s(db: None) -> None:
    longest = 4_294_967_295
    tracks = [{"artist": "Air", "duration_ms": longest}] * 2
    archive = Archive.objects.create(name="Long", content={"tracks": tracks})
    passed: list[dict[str, Any]] = [
        {"min_duration_ms": 1},
        {"min_duration_ms": 2 * longest},
        {"min_duration_ms": 2 * longest, "artist": "Air"},
        {"max_duration_ms": 2 * longest},
    ]
    for asked in passed:
        assert Archive.objects.by_paths(asked).newest(20) == [archive]
    for asked in ({"min_duration_ms": 2 * longest + 1}, {"max_duration_ms": longest}):
        assert Archive.objects.by_paths(asked).newest(20) == []


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"artists": "Air"}, "There is no such parameter."),
        ({"artist": ""}, "This may not be blank."),
        ({"artist": " \n"}, "This may not be blank."),
        ({"artist": 5}, "Enter text."),
        ({"artist": "A\0"}, "Null characters"),
        ({"track": "\ud800"}, "lone surrogates"),
        ({"album": "x" * 1001}, "At most 1,000 characters"),
        ({"tags": ["a"] * 21}, "At most 20 are allowed."),
        ({"tags": "a," * 21}, "At most 20 are allowed."),
        ({"tags": ", ,"}, "This may not be blank."),
        ({"tags": ["a\0"]}, "Null characters"),
        ({"tags": {"a": 1}}, "Enter a list of texts."),
        ({"tags_any": [1]}, "Enter a list of texts."),
        ({"min_tracks": "many"}, "Enter a whole number"),
        ({"min_tracks": "-1"}, "Enter a whole number"),
        ({"min_tracks": "1e3"}, "Enter a whole number"),
        ({"min_tracks": "٣"}, "Enter a whole number"),
        ({"max_tracks": MAX_NUMBER + 1}, "Enter a whole number from 0 to 9223372036854775807."),
        ({"max_tracks": True}, "Enter a whole number"),
        ({"min_duration_ms": float("nan")}, "Enter a whole number"),
        ({"created_after": "yesterday"}, "Enter a date or a time"),
        ({"created_after": "2026-02-30"}, "Enter a date or a time"),
        ({"created_before": "0001-01-01"}, "too far away"),
        ({"contains": "{"}, "This is not valid JSON"),
        ({"contains": "[1]"}, "Enter a JSON object."),
        ({"contains": '{"a": 1, "a": 2}'}, "stands twice"),
        ({"contains": {"a": "\0"}}, "Null characters"),
        ({"contains": '{"a": NaN}'}, "NaN is no JSON number"),
        ({"contains": '{"a":' * 40 + "1" + "}" * 40}, "levels deep"),
        ({"contains": "[" * 100_000}, "At most 10,000 characters"),
        ({"path": "$."}, "This is no jsonpath"),
        ({"path": "$.a == $x"}, "Variables are not allowed."),
        ({"path": "$.** == 1"}, "** is not allowed"),
        ({"path": "$.a.datetime() < $.b.datetime()"}, "datetime() is not allowed"),
        ({"path": '$ ? (@.a like_regex "(")'}, "This is no jsonpath"),
        ({"catalogue_track": "x"}, "Enter a UUID."),
    ],
)
def test_what_is_wrong_is_told_by_parameter(db: None, asked: dict[str, Any], message: str) -> None:
    (name,) = asked
    with pytest.raises(ValidationError) as caught:
        Archive.objects.by_paths({"mood": "calm"} | asked)
    assert list(caught.value.message_dict) == [name]
    assert message in " ".join(caught.value.message_dict[name])


def test_all_that_is_wrong_is_told_at_once(db: None) -> None:
    with pytest.raises(ValidationError) as caught:
        Archive.objects.by_paths({"artist": "", "min_tracks": "x", "y": 1, "mood": "calm"})
    assert set(caught.value.message_dict) == {"artist", "min_tracks", "y"}


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_a_text_finds_itself_and_no_text_is_an_error(archives: None, text: str) -> None:
    if text.isspace():
        return
    archive = Archive.objects.get(name="pop")
    archive.content["tracks"] = [{"artist": text, "track": text}]
    archive.save()
    has_key = bool(value("SELECT archive_key(%s) IS NOT NULL", text[:1000]))
    cases: list[dict[str, Any]]
    cases = [{"artist": text}, {"track": text}, {"track": text, "artist": text}]
    for asked in cases:
        assert ("pop" in found(**asked)) == has_key


def test_filters_narrow_what_is_scoped(archives: None) -> None:
    Archive.objects.filter(name="cover").update(visibility="public")
    cases: list[dict[str, Any]]
    cases = [{"artist": "beyonce"}, {"min_tracks": 1}, {"contains": {}}, {"path": "$.tracks"}]
    for asked in cases:
        assert [row.name for row in Archive.objects.public().by_paths(asked).newest(9)] == ["cover"]
        assert Archive.objects.none().by_paths(asked).newest(9) == []


def test_strings_are_found_where_jsonpath_finds_them() -> None:
    value = {"a": [{"b": "1"}, {"b": ["2", {"c": 3}]}, {"b": " "}, {"x": "4"}]}
    assert list(strings_at("$.a[*].b", value)) == ["1"]
    assert list(strings_at("$.a[*].b[*]", value)) == ["1", "2"]
    assert list(strings_at("$.a.x", value)) == ["4"]
    assert list(strings_at("$.none", value)) == []


ROWS = 12_000
FILL = """
INSERT INTO playlist (id, user_id, name, visibility, status, provider, provider_id, content)
SELECT id_at(n), owner.id, 'Mix ' || n, CASE WHEN n %% 3 = 0 THEN 'public' ELSE 'private' END,
    CASE WHEN n %% 1000 = 0 THEN 'failed' ELSE 'published' END,
    CASE WHEN n %% 900 = 0 THEN 'deezer' ELSE 'spotify' END, 'id' || n,
    jsonb_build_object(
        'tracks', jsonb_build_array(
            jsonb_build_object('artist', 'Artist ' || n %% 3000, 'track', 'Title ' || n %% 2000,
                               'album', 'Album ' || n %% 2500, 'duration_ms', n %% 5000),
            jsonb_build_object('artist', 'Air', 'track', 'Run'))
            || CASE WHEN n %% 2 = 0 THEN '[{"artist": "Air"}]' ELSE '[]' END::jsonb,
        'metadata', jsonb_build_object('mood', 'Mood ' || n %% 1500, 'year', n %% 1100,
                                       'tags', jsonb_build_array('common', 'Tag ' || n %% 1200)))
FROM generate_series(1, %s) AS n
JOIN (SELECT id, row_number() OVER (ORDER BY email <> %s) AS number FROM "user") AS owner
    ON number = CASE WHEN n %% 20 = 1 THEN 1 ELSE n %% 997 + 2 END
"""
# One has many archives, the others not even one in a partition.
OWNERS = [f"owner{n}@example.org" for n in range(998)]
# Over five years, with a random id in between.
ID_AT = """
CREATE FUNCTION pg_temp.id_at(n int) RETURNS uuid LANGUAGE sql AS $$
    SELECT CASE WHEN n % 100 = 0 THEN gen_random_uuid()
           ELSE uuidv7(interval '-10 days' * (n % 150)) END
$$
"""
RARE: dict[str, dict[str, Any]] = {
    "artist": {"artist": "artist 17"},
    "track": {"track": "title 17"},
    "album": {"album": "album 17"},
    "mood": {"mood": "mood 17"},
    "tags": {"tags": ["tag 17", "common"]},
    "tags_any": {"tags_any": ["tag 17", "tag 18"]},
    "provider": {"provider": "deezer"},
    "provider_id": {"provider_id": "id17"},
    "status": {"status": "failed"},
    "tracks": {"min_tracks": 4},
    "duration": {"min_duration_ms": 4999},
    "created": {"created_before": "2020-01-01"},
    "catalogue_track": {"catalogue_track": str(uuid.UUID(int=1))},
    "contains": {"contains": {"metadata": {"year": 17}}},
}
COMMON: dict[str, dict[str, Any]] = {
    "artist": {"artist": "air"},
    "track": {"track": "run", "artist": "air"},
    "tags": {"tags": "common"},
    "tags_any": {"tags_any": "common"},
    "provider": {"provider": "spotify"},
    "status": {"status": "published"},
    "tracks": {"max_tracks": 3},
    "duration": {"min_duration_ms": 5},
    "created": {"created_after": "2020-01-01"},
}


@pytest.fixture(scope="module")
def many(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        earlier = {partition.name for partition in partitions()}
        this = Period.of(Period.now().start, 3)
        years = range(this.start.year - 5, this.start.year + 1)
        quarters = [Period(date(year, month, 1), 3) for year in years for month in (1, 4, 7, 10)]
        earlier_ones = [quarter for quarter in quarters if quarter.start < this.start]
        Plan(tuple(CreatePeriod(quarter, 0) for quarter in earlier_ones)).apply()
        cursor.execute(ID_AT)
        User.objects.bulk_create(User(email=email) for email in OWNERS)
        cursor.execute(FILL.replace("id_at(", "pg_temp.id_at("), [ROWS, OWNERS[0]])
        cursor.execute("VACUUM ANALYZE playlist")
        forget_layouts()
        yield
        forget_layouts()
        cursor.execute("TRUNCATE playlist, archive_lexeme CASCADE")
        User.objects.filter(email__in=OWNERS).delete()
        for partition in partitions():
            if partition.name not in earlier:
                cursor.execute(f"ALTER TABLE playlist DETACH PARTITION {partition.name}")
                cursor.execute(f"DROP TABLE {partition.name}")
        cursor.execute("RESET statement_timeout")


def value(statement: str, *params: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone()[0]


@pytest.mark.usefixtures("many", "db")
class TestPlans:
    @pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
    def test_every_path_is_found_by_its_index(self, path: Any) -> None:
        if not path.index_name:
            pytest.skip("has none")
        example = {path.parameters[0].name: path.example}
        for asked in (RARE.get(path.name, example), COMMON.get(path.name, example), example):
            explained = explaining.explain(asked)
            if isinstance(path, Choice | Range) and explained.found == explaining.PAGE:
                # The latest rows, which are read by their ids.
                assert "playlist_pkey" in explained.indexes, asked
                continue
            # An id tells its time.
            by = {path.index_name, "playlist_pkey" if path.name == "created" else ""}
            assert by & explained.indexes, asked
            assert not explained.sequential, asked

    @pytest.mark.parametrize("path", RARE)
    def test_what_is_rare_is_found_without_looking_at_others(self, path: str) -> None:
        explained = explaining.explain(RARE[path])
        assert (explained.found > 0) == (path not in ("tracks", "created", "catalogue_track"))
        # Of a column those of the last days, fewer than an index would be opened for.
        columns = ("provider", "status", "tracks", "duration", "created", "catalogue_track")
        most = 250 if path in columns else 50
        assert explained.looked_at <= 5 * explained.found + most

    @pytest.mark.parametrize("path", COMMON)
    def test_what_is_common_takes_a_window_only(self, path: str) -> None:
        explained = explaining.explain(COMMON[path])
        assert explained.found == 50
        assert explained.looked_at <= 2500

    @pytest.mark.parametrize(
        "asked",
        [
            {"artist": "air", "status": "failed", "min_tracks": 2},
            {"tags": "common", "min_duration_ms": 4990},
            {"contains": {"tracks": [{"artist": "Air"}]}, "provider": "deezer"},
            {"contains": {"tracks": [{"artist": "Artist 17", "track": "Title 17"}]}},
            {"status": "failed", "min_tracks": 1, "provider": "spotify"},
        ],
        ids=str,
    )
    def test_a_common_value_and_a_rare_one_take_both_indexes(self, asked: dict[str, Any]) -> None:
        explained = explaining.explain(asked)
        assert 0 < explained.found < 50
        # The latest month's besides; the common value has 12,000.
        assert explained.looked_at <= 5 * explained.found + 500

    def test_what_is_created_before_is_looked_for_from_there_on(self) -> None:
        explained = explaining.explain({"created_before": "2024-06-01", "status": "published"})
        assert explained.found == 50
        assert explained.looked_at <= 300

    def test_of_a_time_nothing_else_is_looked_at(self) -> None:
        # Not all whose ids do not tell their times either: a hundred, created today.
        explained = explaining.explain(
            {"created_after": "2024-06-01", "created_before": "2024-06-20"}
        )
        assert 50 <= explained.looked_at <= 60
        assert explained.indexes <= {"playlist_pkey", "archive_created", "archive_without_time"}
        # Between two of the days that archives come from.
        before = datetime.now(UTC) - timedelta(days=1004)
        explained = explaining.explain(
            {"created_after": before - timedelta(days=2), "created_before": before}
        )
        assert (explained.found, explained.looked_at) == (0, 0)

    def test_what_words_tell_is_not_looked_up_in_the_json(self) -> None:
        value = {"metadata": {"mood": "Mood 17", "tags": ["common"]}}
        explained = explaining.explain({"contains": value})
        assert explained.found == 8
        assert "archive_contains" not in explained.indexes
        explained = explaining.explain({"contains": value | {"name": "Mix"}})
        assert explained.found == 0
        assert "archive_contains" in explained.indexes

    def test_rare_values_lead_however_common_the_others(self) -> None:
        explained = explaining.explain(
            {"artist": "artist 17", "status": "published", "provider": "spotify",
             "min_tracks": 1, "max_tracks": 10, "tags": "common", "created_after": "2020-01-01"}
        )  # fmt: skip
        assert explained.found == 4
        assert explained.indexes >= {"archive_words"}
        assert explained.looked_at <= 100

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({"artist": "artist 21"}, 4),
            ({"artist": "air"}, 50),
            ({"artist": "nobody"}, 0),
            ({"track": "title 21", "artist": "artist 21"}, 2),
            ({"tags": ["tag 21", "common"]}, 10),
            ({"contains": {"metadata": {"year": 21}}}, 11),
        ],
        ids=str,
    )
    def test_of_one_owner_s_many_only_what_is_found_is_looked_at(
        self, asked: dict[str, Any], found: int
    ) -> None:
        own = Archive.objects.owned_by(User.objects.get(email=OWNERS[0]))
        assert own.count() == ROWS // 20
        explained = explaining.explain(asked, own)
        assert explained.found == found
        assert explained.looked_at <= 5 * found + 10
        assert not explained.sequential

    def test_the_command_explains_each_and_tells_what_has_no_index(self) -> None:
        Archive.objects.create(name="Late", content={"tracks": [{"artist": "Beyoncé"}]})
        output = StringIO()
        call_command("archive_paths", "--explain", stdout=output)
        explained = output.getvalue()
        line = r"artist=beyonce: 1 found of (\d+) rows looked at, in [0-9.]+ ms\n"
        told = re.search(line, explained)
        assert told and int(told[1]) <= 55
        assert "Bitmap Index Scan on archive_words" in explained
        assert explained.endswith("Without an index of their own: path.\n")
        assert "Seq Scan" not in explained

    def test_all_answer_as_without_index(self) -> None:
        # A fifth of them: without an index each row's words are made anew.
        fifth = Archive.objects.filter(name__regex="[07]$")
        for asked in [*RARE.values(), *COMMON.values()]:
            rows = fifth.by_paths(asked)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexscan = off"
                )
                expected = list(rows.order_by("-created", "-id").values_list("pk", flat=True)[:50])
                cursor.execute("SET LOCAL enable_bitmapscan = on; SET LOCAL enable_indexscan = on")
            assert [row.pk for row in rows.newest(50)] == expected


def test_a_new_month_has_every_index(db: None) -> None:
    Plan((CreatePeriod(Period(datetime(2031, 3, 1, tzinfo=UTC).date()), 0),)).apply()
    for index in INDEXES:
        assert (
            value(
                "SELECT count(*) FROM pg_partition_tree(%s) AS part"
                " JOIN pg_index AS i ON i.indexrelid = part.relid"
                " WHERE i.indrelid = 'playlist_2031_03'::regclass AND i.indisvalid",
                index.name,
            )
            == 1
        )
