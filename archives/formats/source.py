"""The bytes of a file: decompressed, in blocks or lines, and looked at before they are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from archives.formats.playlist import FormatError
from vibomat.compression import Bytes, Damaged, decompressed

BLOCK = 1 << 18
# How much of a file is looked at to find out what it is.
HEAD = 1 << 18
# A playlist of 10,000 tracks with everything that is known of them has a few million bytes.
PLAYLIST_LIMIT = 32 << 20

UTF8_BOM = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


class Source:
    """What a stream holds, plain or compressed. `name` stands in messages. Raises `FormatError`."""

    def __init__(self, stream: Bytes, name: str) -> None:
        self.name = name
        self._ahead = b""
        self._stream = stream
        try:
            self._stream = decompressed(stream)
        except OSError as error:
            raise self.error(f"can't be read ({error.strerror or error})") from error

    def error(self, problem: str) -> FormatError:
        return FormatError(f"{self.name} {problem}.")

    def read(self, size: int) -> bytes:
        """That many bytes, fewer at the end only."""
        parts = [self._ahead[:size]]
        self._ahead = self._ahead[size:]
        size -= len(parts[0])
        try:
            while size > 0 and (part := self._stream.read(size)):
                parts.append(part)
                size -= len(part)
        except Damaged as error:
            raise self.error(str(error)) from error
        except OSError as error:
            raise self.error(f"can't be read ({error.strerror or error})") from error
        return b"".join(parts)

    def head(self) -> bytes:
        """The beginning, which stays to be read."""
        if len(self._ahead) < HEAD:
            self._ahead = self.read(HEAD)
        return self._ahead

    def whole(self) -> bytes:
        data = self.read(PLAYLIST_LIMIT + 1)
        if len(data) > PLAYLIST_LIMIT:
            raise self.error(
                f"is larger than {PLAYLIST_LIMIT >> 20} MB, more than one playlist has"
            )
        return data

    def whole_text(self) -> str:
        """All of it as text without a byte order mark. Line ends stay as they are."""
        self.expect_utf8()
        data = self.whole().removeprefix(UTF8_BOM)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise FormatError(
                f"{self.name}, line {line}: isn't UTF-8; if it is in a Western encoding, convert "
                "it first: iconv -f WINDOWS-1252 -t UTF-8"
            ) from error

    def lines(self) -> Iterator[bytes | None]:
        """Lines with their ends, the byte order mark left off; None for one beyond all measure."""
        rest = b""
        overlong = False
        first = True
        while block := self.read(BLOCK):
            if first:
                block = block.removeprefix(UTF8_BOM)
                first = False
            *complete, block = block.split(b"\n")
            if complete:
                complete[0] = rest + complete[0]
                rest = b""
                for number, line in enumerate(complete):
                    yield None if overlong and number == 0 else line
                overlong = False
            if overlong:
                continue
            rest += block
            if len(rest) > PLAYLIST_LIMIT:
                overlong, rest = True, b""
        if overlong:
            yield None
        elif rest:
            yield rest

    def expect_utf8(self) -> None:
        """Raises `FormatError` for text in UTF-16 or UTF-32, and for what isn't text."""
        head = self.head()[:4096]
        for mark, encoding in _OTHER_ENCODINGS.items():
            if head.startswith(mark):
                raise self.error(f"is {encoding}; convert it first: iconv -f {encoding} -t UTF-8")
        if head.count(0) > len(head) // 4:
            raise self.error("is not text (UTF-16 without a mark, or binary)")


def opened(path: Path) -> BinaryIO:
    """The file, opened. Raises `FormatError`."""
    if path.is_dir():
        raise FormatError(f"{path} is a folder.")
    try:
        return path.open("rb")
    except OSError as error:
        raise FormatError(f"Can't read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise FormatError(f"{path} is no path ({error}).") from error
