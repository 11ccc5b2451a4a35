"""Rows of a catalogue file, whatever its format and compression, in constant memory.

Tab-separated files have no quoting: a `"` is a character like any other. Comma-separated ones
(or semicolons) are quoted as RFC 4180 says. JSON Lines hold one object a line.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vibomat.compression import Bytes, Damaged, decompressed

FORMATS = ("tsv", "csv", "jsonl")

# Where a line is looked at a block at a time: one that ends in the next block may still pass.
LINE_LIMIT = 1_000_000
BLOCK = 1 << 18
# A quoted value that spans more lines than this is taken for a quote that nobody closed.
QUOTED_LINES_LIMIT = 1000

UTF8_BOM = b"\xef\xbb\xbf"
OTHER_ENCODINGS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
OTHER_COMPRESSIONS = {
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
}
NOT_UTF8 = "isn't UTF-8"
UNCLOSED_QUOTE = "has a quote that isn't closed"


class SourceError(Exception):
    """A file that can't be read, or not further; the message is one line for the user."""


class Record(NamedTuple):
    """A row: the values of the file's columns in their order, or what is wrong with it.

    `line` counts from 1, the header included; of a row over several lines it is the first.
    `last_line` is where a later run goes on when this row is done.
    """

    line: int
    last_line: int
    values: Sequence[Any]
    problem: str = ""
    text: str = ""


class CatalogueFile:
    """An open catalogue file: its format, its columns and its records.

    `columns` are the header's names, or for JSON Lines the keys of the first objects. Raises
    `SourceError` for what is no such file. Close it, or use it in a `with`.
    """

    def __init__(self, path: Path, format: str | None = None) -> None:
        self.path = path
        try:
            if path.exists() and not path.is_file():
                raise SourceError(f"{path} is not a file.")
            self._file = path.open("rb")
        except OSError as error:
            raise SourceError(f"Can't read {path}: {error.strerror}.") from error
        except ValueError as error:
            raise SourceError(f"{str(path)!r} is no path.") from error
        try:
            self.size = path.stat().st_size
            self._start = self._peek()
            self.format = format or self._detect_format()
            self.delimiter, self.columns = self._read_header()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "CatalogueFile":
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """How many of the file's `size` bytes have been read."""
        return 0 if self._file.closed else self._file.tell()

    def fingerprint(self) -> str:
        """The same for the same content, as far as its size, beginning and end tell."""
        digest = hashlib.sha256(str(self.size).encode())
        with self.path.open("rb") as file:
            digest.update(file.read(1 << 20))
            file.seek(max(0, self.size - (1 << 20)))
            digest.update(file.read(1 << 20))
        return digest.hexdigest()

    def records(self, after_line: int = 0) -> Iterator[Record]:
        """Every record after that line. Raises `SourceError` where the file is broken."""
        lines = _Lines(self._open(), self.path)
        read: Callable[[_Lines, int], Iterator[Record]]
        if self.format == "jsonl":
            read = self._json_records
        elif self.format == "csv":
            read = self._csv_records
        else:
            read = self._tsv_records
        return read(lines, after_line)

    def _tsv_records(self, lines: "_Lines", after_line: int) -> Iterator[Record]:
        width = len(self.columns)
        header_seen = False
        for line, text in lines:
            problem = lines.problem
            if not problem and not text:
                continue
            if not header_seen:
                header_seen = True
                continue
            if line <= after_line:
                continue
            if not problem:
                values = text.split("\t")
                if len(values) == width:
                    yield Record(line, line, values)
                    continue
                problem = _wrong_width(len(values), width)
            yield Record(line, line, (), problem, text)

    def _csv_records(self, lines: "_Lines", after_line: int) -> Iterator[Record]:
        width = len(self.columns)
        delimiter = self.delimiter
        header_seen = False
        for line, text in lines:
            problem, last_line, values = lines.problem, line, None
            if not problem and not text:
                continue
            if not problem and '"' not in text:
                values = text.split(delimiter)
            elif not problem:
                values, problem = _quoted(lines, line, text, delimiter)
                last_line = lines.number
            if not header_seen:
                header_seen = True
                continue
            if last_line <= after_line:
                continue
            if not problem and values is not None:
                if len(values) == width:
                    yield Record(line, last_line, values)
                    continue
                problem = _wrong_width(len(values), width)
            yield Record(line, last_line, (), problem, text)

    def _json_records(self, lines: "_Lines", after_line: int) -> Iterator[Record]:
        columns = self.columns
        for line, text in lines:
            problem = lines.problem
            if (not problem and not text.strip()) or line <= after_line:
                continue
            if not problem:
                value, problem = _json_object(text)
                if not problem:
                    yield Record(line, line, [value.get(column) for column in columns])
                    continue
            yield Record(line, line, (), problem, text)

    def _open(self) -> Bytes:
        self._file.seek(0)
        return decompressed(self._file)

    def _peek(self) -> bytes:
        start = _read(self._open(), LINE_LIMIT + BLOCK, self.path)
        for mark, compression in OTHER_COMPRESSIONS.items():
            if start.startswith(mark):
                raise SourceError(
                    f"{self.path} is compressed with {compression}: decompress it first, or use "
                    "gzip or zstandard."
                )
        for mark, encoding in OTHER_ENCODINGS.items():
            if start.startswith(mark):
                raise SourceError(
                    f"{self.path} is {encoding}; convert it first: "
                    f"iconv -f {encoding} -t UTF-8 {self.path.name} > converted"
                )
        start = start.removeprefix(UTF8_BOM)
        if start[:4096].count(0) > len(start[:4096]) // 4:
            raise SourceError(f"{self.path} is not text (UTF-16 without a mark, or binary).")
        if not start.strip():
            raise SourceError(f"{self.path} is empty.")
        if b"\r" in start and b"\n" not in start:
            raise SourceError(
                f"{self.path} has line ends of old Macs; convert it first: "
                f"tr '\\r' '\\n' < {self.path.name} > converted"
            )
        return start

    def _detect_format(self) -> str:
        start = self._start.lstrip()
        if start.startswith(b"{"):
            return "jsonl"
        if start.startswith(b"["):
            raise SourceError(
                f"{self.path} is one JSON array, not JSON Lines; convert it first: "
                f"jq -c '.[]' {self.path.name} > converted.jsonl"
            )
        return "tsv" if b"\t" in start.split(b"\n", 1)[0] else "csv"

    def _read_header(self) -> tuple[str, list[str]]:
        """The delimiter, and the columns' names."""
        lines = _Lines(io.BytesIO(self._start), self.path)
        if self.format == "jsonl":
            keys: dict[str, None] = {}
            for _, text in lines:
                value, problem = _json_object(text)
                if not problem:
                    keys |= dict.fromkeys(value)
            if not keys:
                raise SourceError(f"{self.path} has no line that is a JSON object.")
            return "", list(keys)
        for line, text in lines:
            if lines.problem:
                raise SourceError(f"{self.path}: the header {lines.problem}.")
            if not text:
                continue
            if self.format == "tsv":
                return "\t", [name.strip() for name in text.split("\t")]
            delimiter = ";" if ";" in text and "," not in text else ","
            values, problem = _quoted(lines, line, text, delimiter)
            if problem:
                raise SourceError(f"{self.path}: the header {problem}.")
            return delimiter, [name.strip() for name in values or ()]
        raise SourceError(f"{self.path} is empty.")


def _read(stream: Bytes, size: int, path: Path) -> bytes:
    """That many bytes, fewer at the end only."""
    parts = []
    try:
        while size > 0 and (part := stream.read(size)):
            parts.append(part)
            size -= len(part)
    except Damaged as error:
        raise SourceError(f"{path} {error}.") from error
    except OSError as error:
        raise SourceError(f"Can't read {path}: {error.strerror}.") from error
    return b"".join(parts)


class _Lines:
    """Numbered lines without their ends. Where one is unusable, `problem` says why.

    `number` is the number of the line given last. Lines can be put back.
    """

    def __init__(self, stream: Bytes, path: Path) -> None:
        self.stream = stream
        self.path = path
        self.number = 0
        self.problem = ""
        self._returned: list[tuple[str, str]] = []
        self._lines = self._read()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        while (text := self.next()) is not None:
            yield self.number, text

    def next(self) -> str | None:
        if self._returned:
            text, self.problem = self._returned.pop()
        else:
            following = next(self._lines, None)
            if following is None:
                return None
            text, self.problem = following
        self.number += 1
        return text

    def put_back(self, lines: list[tuple[str, str]]) -> None:
        """The lines given last, each with its problem, to be given again."""
        self._returned += reversed(lines)
        self.number -= len(lines)

    def _read(self) -> Iterator[tuple[str, str]]:
        rest = b""
        overlong = False
        first = True
        while block := _read(self.stream, BLOCK, self.path):
            if first:
                block = block.removeprefix(UTF8_BOM)
                first = False
            end = block.rfind(b"\n")
            if overlong:
                start = block.find(b"\n")
                if start < 0:
                    continue
                yield rest.decode(errors="replace"), f"is longer than {LINE_LIMIT:,} bytes"
                overlong = False
                block, end, rest = block[start + 1 :], end - start - 1, b""
            if end < 0:
                rest += block
            else:
                yield from _decoded(rest + block[:end])
                rest = block[end + 1 :]
            if len(rest) > LINE_LIMIT:
                overlong, rest = True, rest[:1000]
        if overlong:
            yield rest.decode(errors="replace"), f"is longer than {LINE_LIMIT:,} bytes"
        elif rest:
            yield from _decoded(rest)


def _decoded(block: bytes) -> Iterator[tuple[str, str]]:
    carriage_returns = b"\r" in block
    try:
        lines = block.decode().split("\n")
    except UnicodeDecodeError:
        for line in block.split(b"\n"):
            line = line.removesuffix(b"\r")
            try:
                yield line.decode(), ""
            except UnicodeDecodeError:
                yield line.decode(errors="replace"), NOT_UTF8
        return
    for text in lines:
        if carriage_returns:
            text = text.removesuffix("\r")
        yield text, ""


def _quoted(lines: _Lines, line: int, text: str, delimiter: str) -> tuple[list[str] | None, str]:
    """The values of the record that starts with `text`, reading further lines as it needs."""
    further: list[tuple[str, str]] = []

    def feed() -> Iterator[str]:
        yield text + "\n"
        length = len(text)
        while (following := lines.next()) is not None:
            further.append((following, lines.problem))
            length += len(following)
            if lines.problem or len(further) > QUOTED_LINES_LIMIT or length > LINE_LIMIT:
                break
            yield following + "\n"
        raise csv.Error(UNCLOSED_QUOTE)

    try:
        return next(csv.reader(feed(), delimiter=delimiter, strict=True)), ""
    except csv.Error as error:
        reason = str(error)
    lines.put_back(further)
    lines.problem = ""
    return None, reason if reason == UNCLOSED_QUOTE else f"is no valid CSV ({reason})"


def _json_object(text: str) -> tuple[dict[str, Any], str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "a value too large"
        return {}, f"is no valid JSON ({reason})"
    return (value, "") if isinstance(value, dict) else ({}, "is no JSON object")


def _wrong_width(found: int, width: int) -> str:
    return f"has {found} column{'s' * (found != 1)} where the header has {width}"
