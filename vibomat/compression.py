"""Files that may be compressed, read as if they weren't."""

import gzip
import zlib
from typing import BinaryIO, Protocol, cast

import zstandard

GZIP = b"\x1f\x8b"
ZSTANDARD = b"\x28\xb5\x2f\xfd"


# What so few bytes expand to, 128 KB for every four of them, is held in memory.
ZSTANDARD_BYTES = 512


class Damaged(Exception):
    """Compressed data that can't be read; the message goes on after the file's name."""


class Bytes(Protocol):
    def read(self, size: int, /) -> bytes: ...


def decompressed(file: Bytes) -> Bytes:
    """The content of a plain, gzip or zstandard file that stands at its beginning.

    Reading raises `Damaged` where the compressed data is broken or ends too early. The file need
    not be seekable.
    """
    start = b""
    while len(start) < len(ZSTANDARD) and (part := file.read(len(ZSTANDARD) - len(start))):
        start += part
    file = _Rejoined(start, file)
    if start.startswith(GZIP):
        # It reads and never seeks, whatever its stubs want.
        return _Checked(gzip.GzipFile(fileobj=cast(BinaryIO, file)))
    if start == ZSTANDARD:
        return _Checked(_ZstandardStream(file))
    return file


class _Rejoined:
    """A file together with what was already read of it."""

    def __init__(self, start: bytes, file: Bytes) -> None:
        self.start = start
        self.file = file

    def read(self, size: int, /) -> bytes:
        if not self.start:
            return self.file.read(size)
        part, self.start = self.start[:size], self.start[size:]
        return part


class _Checked:
    def __init__(self, stream: "gzip.GzipFile | _ZstandardStream") -> None:
        self.stream = stream

    def read(self, size: int, /) -> bytes:
        try:
            return self.stream.read(size)
        except EOFError as error:
            raise Damaged("ends too early: its compressed data is incomplete") from error
        except (zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
            raise Damaged("is damaged: its compressed data can't be read") from error


class _ZstandardStream:
    """Decompresses one or many frames; unlike the library's reader it notices a missing end."""

    def __init__(self, file: Bytes) -> None:
        self.file = file
        self.decompressor = zstandard.ZstdDecompressor()
        self.frame = self.decompressor.decompressobj()
        self.started = False
        self.buffer = b""
        self.position = 0

    def read(self, size: int, /) -> bytes:
        while len(self.buffer) - self.position < size:
            compressed = self.file.read(ZSTANDARD_BYTES)
            if not compressed:
                if self.started and not self.frame.eof:
                    raise EOFError
                break
            while compressed:
                if self.frame.eof:
                    self.frame = self.decompressor.decompressobj()
                self.started = True
                self.buffer = self.buffer[self.position :] + self.frame.decompress(compressed)
                self.position = 0
                compressed = self.frame.unused_data if self.frame.eof else b""
        data = self.buffer[self.position : self.position + size]
        self.position += len(data)
        return data
