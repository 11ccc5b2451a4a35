"""JSON objects of a file one after the other, however many it holds and however it lists them.

A file may be one object, an array of them, an object whose `playlists` is such an array, or JSON
Lines. What is in memory at any time is one object. The standard library's scanner does the
parsing: ijson, which streams, needs memory quadratic in the depth of nesting, and puts a question
mark for half a surrogate pair.
"""

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, NoReturn

from archives.formats.playlist import FormatError
from archives.formats.source import BLOCK, PLAYLIST_LIMIT, UTF8_BOM, Source

Layout = Literal["document", "array", "lines"]


class Entry(NamedTuple):
    """What a file has in the place of a playlist, or why it can't be read.

    `repeated` are keys that stand twice in an object: the value that comes last counts.
    """

    value: Any
    problem: str = ""
    repeated: tuple[str, ...] = ()


def _out_of_range(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


class _Decoder(json.JSONDecoder):
    """Refuses what JSON lacks, and notes the keys that stand twice in an object."""

    def __init__(self) -> None:
        self.repeated: list[str] = []
        super().__init__(
            object_pairs_hook=self._object, parse_constant=_out_of_range, parse_float=_float
        )

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            count = Counter(key for key, _ in pairs)
            self.repeated += [key for key in value if count[key] > 1]
        return value


def parse(text: str) -> Entry:
    """The value of a whole JSON text."""
    decoder = _Decoder()
    try:
        return Entry(decoder.decode(text), repeated=tuple(decoder.repeated))
    except (ValueError, RecursionError) as error:
        return Entry(None, f"is no valid JSON ({_reason(error)})")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    # The message of Python's own limit on the digits of an integer speaks to programmers.
    return "a number too long" if "digits" in str(error) else str(error)


def layout(source: Source) -> Layout:
    """How the file lists its playlists."""
    head = source.head().removeprefix(UTF8_BOM).lstrip()
    if head.startswith(b"["):
        return "array"
    first_line, line_end, _ = head.partition(b"\n")
    value = parse(first_line.decode(errors="replace")).value
    beginning = value if isinstance(value, dict) else complete(head)
    if is_container(beginning):
        return "array"
    if isinstance(value, dict) or not line_end:
        return "lines"
    # A first line that is broken is one of many where it closes all that it opens.
    return "lines" if _depth_at_end(first_line.decode(errors="replace")) == 0 else "document"


def is_container(value: Any) -> bool:
    """Whether it is an object that holds playlists, and isn't one itself."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("playlists"), list)
        and "tracks" not in value
    )


def entries(source: Source) -> Iterator[Entry]:
    """Raises `FormatError` where nothing behind a place can be read."""
    source.expect_utf8()
    how = layout(source)
    if how == "lines":
        for line in source.lines():
            if line is None:
                yield Entry(None, f"is longer than {PLAYLIST_LIMIT >> 20} MB")
            elif line.strip():
                try:
                    yield parse(line.decode())
                except UnicodeDecodeError:
                    yield Entry(None, "isn't UTF-8")
    elif how == "array":
        yield from _Array(source)
    else:
        entry = parse(source.whole_text())
        if entry.problem:
            raise source.error(entry.problem)
        yield entry


_OF_NUMBERS = "0123456789+-.eE"


class _Array:
    """The values of a file's array, or of the array `playlists` in a file's object."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.decode = codecs.getincrementaldecoder("utf-8")().decode
        self.decoder = _Decoder()
        self.text = ""
        self.place = 0
        self.ended = False

    def __iter__(self) -> Iterator[Entry]:
        self._more(BLOCK)
        self.text = self.text.removeprefix("\ufeff")
        if self._next() == "{" and not self._enter_playlists():
            return
        self.place += 1
        if self._next() == "]":
            return
        while True:
            value = self._value()
            yield Entry(value, repeated=tuple(self.decoder.repeated))
            if self._expect(",]") == "]":
                return

    def _enter_playlists(self) -> bool:
        self.place += 1
        if self._next() == "}":
            return False
        while True:
            key = self._value()
            self._expect(":")
            if key == "playlists" and self._next() == "[":
                return True
            self._value()
            if self._expect(",}") == "}":
                return False

    def _expect(self, characters: str) -> str:
        found = self._next()
        if not found or found not in characters:
            raise self._error(f"{' or '.join(characters)} is missing")
        self.place += 1
        return found

    def _next(self) -> str:
        """The next character that isn't space; "" at the end."""
        while True:
            while self.place < len(self.text) and self.text[self.place] in " \t\r\n":
                self.place += 1
            if self.place < len(self.text):
                return self.text[self.place]
            if not self._more(BLOCK):
                return ""

    def _value(self) -> Any:
        self._next()
        size = BLOCK
        while True:
            try:
                self.decoder.repeated.clear()
                value, end = self.decoder.raw_decode(self.text, self.place)
            except RecursionError as error:
                raise self._error("nested too deeply") from error
            except ValueError as error:
                # It may only be cut off: each try has twice as much as the one before.
                if not isinstance(error, json.JSONDecodeError) or not self._more(size):
                    message = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                    raise self._error(message) from error
                size = len(self.text)
                if size > PLAYLIST_LIMIT:
                    raise self._error(f"{error.msg}, or a playlist too large") from error
                continue
            # A number at the end of what was read may go on, and 1.5 may be cut behind its point.
            rest = self.text[end : end + 3]
            if len(rest) < 3 and not rest.strip(_OF_NUMBERS) and self._more(size):
                continue
            self.place = end
            return value

    def _more(self, size: int) -> bool:
        """Read on, and forget what is done; False at the end."""
        if self.ended:
            return False
        block = self.source.read(size)
        self.ended = len(block) < size
        try:
            text = self.decode(block, final=self.ended)
        except UnicodeDecodeError as error:
            raise self.source.error("isn't UTF-8") from error
        self.text = self.text[self.place :] + text
        self.place = 0
        return bool(text) or not self.ended

    def _error(self, reason: str) -> FormatError:
        return self.source.error(f"is no valid JSON ({reason})")


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+|\s+|(")', re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}


def complete(head: bytes) -> Any:
    """What the beginning of a JSON text would be if it were closed there; None if nothing."""
    text = head.decode(errors="ignore")
    closing: list[str] = []
    cut, cut_closing = 0, ""
    for match in _TOKEN.finditer(text):
        sign = match[0]
        if match[1]:
            break
        if sign == ",":
            cut, cut_closing = match.start(), "".join(reversed(closing))
        elif sign in _CLOSING:
            closing.append(_CLOSING[sign])
            if len(closing) > 100:
                break
            cut, cut_closing = match.end(), "".join(reversed(closing))
        elif sign in ("]", "}"):
            if not closing or closing.pop() != sign:
                break
            cut, cut_closing = match.end(), "".join(reversed(closing))
            if not closing:
                break
    return parse(text[:cut] + cut_closing).value


def _depth_at_end(text: str) -> int:
    depth = 0
    for match in _TOKEN.finditer(text):
        if match[1]:
            break
        depth += (match[0] in ("{", "[")) - (match[0] in ("}", "]"))
    return depth
