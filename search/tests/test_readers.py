"""Files of a catalogue, as records: every format, compression and kind of damage."""

import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from search.importing import readers
from search.importing.readers import CatalogueFile, Record, SourceError

PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
}
ROWS = {
    "tsv": b'title\tartist\nRoads\tPortishead\n7" Mix\tBj\xc3\xb6rk\n',
    "csv": b'title,artist\nRoads,Portishead\n"7"" Mix",Bj\xc3\xb6rk\n',
    "jsonl": b'{"title": "Roads", "artist": "Portishead"}\n'
    b'{"artist": "Bj\\u00f6rk", "title": "7\\" Mix"}\n',
}
READ = [["Roads", "Portishead"], ['7" Mix', "Björk"]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue"


def records(path: Path, content: bytes, format: str | None = None, **options: Any) -> list[Record]:
    path.write_bytes(content)
    with CatalogueFile(path, format) as file:
        return list(file.records(**options))


def values(path: Path, content: bytes, format: str | None = None) -> list[list[Any]]:
    found = records(path, content, format)
    assert not [record.problem for record in found if record.problem]
    return [list(record.values) for record in found]


def problems(path: Path, content: bytes, format: str | None = None) -> list[tuple[int, str]]:
    """The line and the problem of each record, a problem of "" for a good one."""
    return [(record.line, record.problem) for record in records(path, content, format)]


def refusal(path: Path, content: bytes, format: str | None = None) -> str:
    with pytest.raises(SourceError) as error:
        records(path, content, format)
    message = str(error.value)
    assert "\n" not in message
    return message.replace(str(path), "FILE")


class TestFormats:
    @pytest.mark.parametrize("packed", PACKED)
    @pytest.mark.parametrize("format", ROWS)
    def test_format_and_compression_are_found_by_the_content(
        self, path: Path, format: str, packed: str
    ) -> None:
        path.write_bytes(PACKED[packed](ROWS[format]))
        with CatalogueFile(path) as file:
            assert file.format == format
            assert file.columns == ["title", "artist"]
            assert [list(record.values) for record in file.records()] == READ

    @pytest.mark.parametrize("packed", [".gz", ".zst"])
    def test_compressed_parts_one_after_another_are_one_file(self, path: Path, packed: str) -> None:
        pack = PACKED[packed]
        header, *lines = ROWS["tsv"].splitlines(keepends=True)
        assert values(path, b"".join(map(pack, [header, *lines]))) == READ

    def test_a_given_format_is_taken_for_the_truth(self, path: Path) -> None:
        assert values(path, b'title,"x\ty"\na,b\n', "csv") == [["a", "b"]]
        assert values(path, b"title\na,b\n", "tsv") == [["a,b"]]
        assert "no line that is a JSON object" in refusal(path, ROWS["tsv"], "jsonl")

    def test_semicolons_separate_where_the_header_has_no_comma(self, path: Path) -> None:
        assert values(path, b'title;artist\n"a;b";c,d\n') == [["a;b", "c,d"]]

    @pytest.mark.parametrize("format", ROWS)
    @pytest.mark.parametrize("packed", PACKED)
    def test_a_byte_order_mark_and_windows_line_ends_are_no_content(
        self, path: Path, format: str, packed: str
    ) -> None:
        content = b"\xef\xbb\xbf" + ROWS[format].replace(b"\n", b"\r\n")
        assert values(path, PACKED[packed](content)) == READ

    @pytest.mark.parametrize("format", ROWS)
    def test_the_last_line_needs_no_end(self, path: Path, format: str) -> None:
        assert values(path, ROWS[format].rstrip(b"\n")) == READ

    @pytest.mark.parametrize("format", ROWS)
    def test_blank_lines_are_passed_over_and_counted(self, path: Path, format: str) -> None:
        content = b"\n" + ROWS[format].replace(b"\n", b"\n\n")
        found = records(path, content)
        assert [list(record.values) for record in found] == READ
        assert [record.line for record in found] == ([2, 4] if format == "jsonl" else [4, 6])

    def test_quotes_mean_nothing_between_tabs(self, path: Path) -> None:
        assert values(path, b'title\tartist\n"a\tb"\n') == [['"a', 'b"']]

    def test_a_json_object_may_lack_keys_and_have_more(self, path: Path) -> None:
        content = b'{"title": "a"}\n{"artist": "b", "title": null}\n'
        assert values(path, content) == [["a", None], [None, "b"]]


class TestQuotes:
    def test_a_quoted_value_may_go_over_lines(self, path: Path) -> None:
        first, second = records(path, b'title,artist\n"a\nb\r\nc",d\ne,f\n')
        assert first == Record(2, 4, ["a\nb\nc", "d"])
        assert second == Record(5, 5, ["e", "f"])

    def test_a_quote_nobody_closed_rejects_its_line_only(self, path: Path) -> None:
        content = b'title,artist\n"a,b\n' + b"c,d\n" * 5
        assert problems(path, content) == [
            (2, "has a quote that isn't closed"),
            *((line, "") for line in range(3, 8)),
        ]

    def test_text_behind_a_closing_quote_rejects_its_line(self, path: Path) -> None:
        (line, problem), good = problems(path, b'title,artist\n"a"b,c\nd,e\n')
        assert (line, good) == (2, (3, ""))
        assert problem.startswith("is no valid CSV (")

    def test_a_quote_is_not_looked_for_through_the_whole_file(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(readers, "QUOTED_LINES_LIMIT", 3)
        assert problems(path, b'title,artist\n"a\n\n\n\n",b\nc,d\n')[-1] == (7, "")
        assert problems(path, b'title,artist\n"a\n\n\n",b\nc,d\n') == [(2, ""), (6, "")]

    def test_a_header_may_be_quoted(self, path: Path) -> None:
        path.write_bytes(b'"title","the ""artist"""\na,b\n')
        with CatalogueFile(path) as file:
            assert file.columns == ["title", 'the "artist"']


class TestBadLines:
    @pytest.mark.parametrize(("format", "separator"), [("tsv", b"\t"), ("csv", b",")])
    def test_a_line_with_other_columns_is_told_by_its_number(
        self, path: Path, format: str, separator: bytes
    ) -> None:
        content = b"a|b\n1|2\n1\n1|2|3\n1|2\n".replace(b"|", separator)
        assert problems(path, content, format) == [
            (2, ""),
            (3, "has 1 column where the header has 2"),
            (4, "has 3 columns where the header has 2"),
            (5, ""),
        ]

    @pytest.mark.parametrize("format", ROWS)
    def test_a_line_that_is_not_utf8_is_told_and_the_rest_is_read(
        self, path: Path, format: str
    ) -> None:
        lines = ROWS[format].splitlines(keepends=True)
        bad = lines[-1].replace(b"7", b"\xf6")
        found = problems(path, b"".join([*lines, bad, lines[-1]]))
        assert [problem for _, problem in found] == ["", "", "isn't UTF-8", ""]
        assert found[2][0] == len(lines) + 1

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            (b"{", "is no valid JSON (Expecting property name enclosed in double quotes)"),
            (b"[]", "is no JSON object"),
            (b"5", "is no JSON object"),
            (b'{"title": "a"} x', "is no valid JSON (Extra data)"),
            (b'{"title":' * 100_000, "is no valid JSON (a value too large)"),
            (b'{"year": ' + b"9" * 5000 + b"}", "is no valid JSON (a value too large)"),
        ],
    )
    def test_a_line_of_bad_json_is_told_and_the_rest_is_read(
        self, path: Path, line: bytes, problem: str
    ) -> None:
        content = ROWS["jsonl"] + line + b"\n" + ROWS["jsonl"]
        assert problems(path, content) == [(1, ""), (2, ""), (3, problem), (4, ""), (5, "")]

    @pytest.mark.parametrize("format", ROWS)
    def test_a_line_too_long_is_told_and_the_rest_is_read(self, path: Path, format: str) -> None:
        long = b"x" * (readers.LINE_LIMIT + readers.BLOCK)
        for size in (1, 3):
            content = ROWS[format] + long * size + b"\n" + ROWS[format].splitlines()[-1]
            found = problems(path, content)
            assert [problem for _, problem in found] == [
                "", "", "is longer than 1,000,000 bytes", "",
            ]  # fmt: skip
        assert records(path, ROWS[format] + long)[-1].text == "x" * 1000


class TestResuming:
    @pytest.mark.parametrize("format", ROWS)
    def test_records_after_a_line_are_the_rest(self, path: Path, format: str) -> None:
        lines = ROWS[format].splitlines(keepends=True)
        content = b"".join(lines + [lines[-1]] * 5)
        whole = records(path, content)
        for place, record in enumerate(whole):
            assert records(path, content, after_line=record.last_line) == whole[place + 1 :]

    def test_a_record_of_several_lines_is_read_once(self, path: Path) -> None:
        content = b'title,artist\n"a\nb",c\n"d\n\ne",f\n'
        first, second = records(path, content)
        assert records(path, content, after_line=first.last_line) == [second]
        assert records(path, content, after_line=second.last_line) == []


class TestRefusedFiles:
    def test_a_missing_file(self, path: Path) -> None:
        with pytest.raises(SourceError, match="No such file or directory"):
            CatalogueFile(path)

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="is not a file"):
            CatalogueFile(tmp_path)

    def test_a_path_that_cannot_be(self) -> None:
        with pytest.raises(SourceError, match="is no path"):
            CatalogueFile(Path("a\0b"))

    @pytest.mark.parametrize("packed", PACKED)
    @pytest.mark.parametrize("content", [b"", b"\n \n\t\r\n", b"\xef\xbb\xbf"])
    def test_an_empty_file(self, path: Path, packed: str, content: bytes) -> None:
        assert refusal(path, PACKED[packed](content)) == "FILE is empty."

    @pytest.mark.parametrize(
        ("encoding", "name"), [("utf-16", "UTF-16"), ("utf-32", "UTF-32"), ("utf-16-be", "UTF-16")]
    )
    def test_other_encodings_with_what_to_do(self, path: Path, encoding: str, name: str) -> None:
        content = "title\tartist\n".encode(encoding)
        if encoding == "utf-16-be":
            assert "not text (UTF-16" in refusal(path, content)
        else:
            assert f"iconv -f {name} -t UTF-8 catalogue > converted" in refusal(path, content)

    def test_a_header_that_is_not_utf8(self, path: Path) -> None:
        assert refusal(path, b"t\xeftle\tartist\n") == "FILE: the header isn't UTF-8."

    def test_a_json_array_with_what_to_do(self, path: Path) -> None:
        assert "jq -c '.[]' catalogue > converted.jsonl" in refusal(path, b'[{"title": "a"}]')

    def test_line_ends_of_old_macs_with_what_to_do(self, path: Path) -> None:
        content = b"title\tartist\ra\tb\r"
        assert r"tr '\r' '\n' < catalogue > converted" in refusal(path, content)

    @pytest.mark.parametrize(
        ("start", "name"), [(b"\xfd7zXZ\0\0", "xz"), (b"BZh91AY", "bzip2"), (b"PK\3\4\x14", "zip")]
    )
    def test_other_compressions_by_name(self, path: Path, start: bytes, name: str) -> None:
        assert f"compressed with {name}:" in refusal(path, start + b"\x80title\tartist\n")

    @pytest.mark.parametrize("packed", [".gz", ".zst"])
    def test_what_ends_too_early(self, path: Path, packed: str) -> None:
        content = PACKED[packed](ROWS["tsv"])
        for size in range(4, len(content) - 1):
            assert refusal(path, content[:size]) == (
                "FILE ends too early: its compressed data is incomplete."
            )

    @pytest.mark.parametrize("packed", [".gz", ".zst"])
    def test_what_is_damaged(self, path: Path, packed: str) -> None:
        pack = {
            ".gz": gzip.compress,
            ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
        }[packed]
        content = bytearray(pack(ROWS["tsv"]))
        content[-6] ^= 0xFF
        content[-2] ^= 0xFF
        assert "its compressed data can't be read." in refusal(path, bytes(content))

    def test_what_follows_compressed_data(self, path: Path) -> None:
        for pack in (gzip.compress, zstandard.compress):
            assert "damaged" in refusal(path, pack(ROWS["tsv"]) + b"something else")


@pytest.mark.parametrize("packed", PACKED)
def test_a_large_file_is_read_in_little_memory(path: Path, packed: str) -> None:
    rows = 200_000
    content = b"title\tartist\n" + b"".join(b"title %d\tartist\n" % n for n in range(rows))
    path.write_bytes(PACKED[packed](content))
    del content
    tracemalloc.start()
    try:
        with CatalogueFile(path) as file:
            count = sum(1 for _ in file.records())
            peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == rows
    assert peak < 12_000_000


NO_SURROGATES = st.characters(exclude_categories=["Cs"])
anything = st.text(NO_SURROGATES)
in_tsv = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n\0"))
USUAL = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


SIGNS = [*b'\t\n\r",;{}[]:\0\xef\xff\x1f\x8ba']


class TestAnyContent:
    @USUAL
    @given(
        st.binary() | st.lists(st.sampled_from([*b'\t\n\r",;{}[]:\0\xef\xff\x1f\x8ba'])).map(bytes)
    )
    @example(b"\x28\xb5\x2f\xfd")
    @example(b"\x1f\x8b\x08\xff")
    @example(b'""\n"')
    def test_is_read_or_refused_in_one_line(self, path: Path, content: bytes) -> None:
        messages = []
        for format in (None, *readers.FORMATS):
            for pack in PACKED.values():
                path.write_bytes(pack(content))
                try:
                    with CatalogueFile(path, format) as file:
                        for record in file.records():
                            assert record.problem or len(record.values) == len(file.columns)
                            assert record.line <= record.last_line
                except SourceError as error:
                    messages.append(str(error))
        assert not any("\n" in message for message in messages)

    @USUAL
    @given(st.lists(st.tuples(anything, anything), max_size=20), st.sampled_from(["\n", "\r\n"]))
    def test_written_as_csv_is_read_back(
        self, path: Path, rows: list[tuple[str, str]], end: str
    ) -> None:
        written = io.StringIO()
        csv.writer(written, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(
            [("title", "artist"), *rows]
        )
        # A line end inside a value is a line end of the file, whatever its kind.
        wanted = [[value.replace("\r\n", "\n") for value in row] for row in rows]
        assert values(path, written.getvalue().encode(), "csv") == wanted

    @USUAL
    @given(st.lists(st.tuples(in_tsv, in_tsv), max_size=20))
    def test_written_between_tabs_is_read_back(
        self, path: Path, rows: list[tuple[str, str]]
    ) -> None:
        lines = ["title\tartist", *(f"{title}\t{artist}" for title, artist in rows)]
        assert values(path, "\n".join(lines).encode(), "tsv") == [list(row) for row in rows]

    @USUAL
    @given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=20), st.booleans())
    def test_written_as_json_lines_is_read_back(
        self, path: Path, rows: list[tuple[str, str]], ascii: bool
    ) -> None:
        objects = [{"title": title, "artist": artist} for title, artist in rows]
        if not ascii:
            objects = [
                {key: value.encode(errors="ignore").decode() for key, value in pair.items()}
                for pair in objects
            ]
        lines = [json.dumps(pair, ensure_ascii=ascii) for pair in objects]
        wanted = [[pair["title"], pair["artist"]] for pair in objects]
        assert values(path, "\n".join(lines).encode(), "jsonl") == wanted
