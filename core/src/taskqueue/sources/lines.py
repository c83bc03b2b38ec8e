"""The lines of a file or a pipe, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from taskqueue.errors import TaskqueueError
from taskqueue.sources.bounds import MAX_ROW_BYTES
from taskqueue.sources.encoding import BYTE_ORDER_MARK, refuse_encoding

_CHUNK_BYTES = 65_536
_MARK_BYTES = 8


class Readable(Protocol):
    """A buffered binary file."""

    def read1(self, size: int, /) -> bytes:
        """Return the bytes at hand, after waiting for some; empty at the end."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its end. number: from 1.   too_long: data is only its beginning."""

    number: int
    data: bytes
    too_long: bool = False


class EncodingRefusedError(TaskqueueError, ValueError):
    """A file is not text in UTF-8; the message is the remedy."""


def read_lines(file: Readable, most: int = MAX_ROW_BYTES) -> Iterator[Line]:
    """Read lines that end in LF, CRLF or CR. Raises EncodingRefusedError at the beginning, and OSError."""
    splitter = LineSplitter(most)
    while chunk := file.read1(_CHUNK_BYTES):
        yield from splitter.feed(chunk)
    yield from splitter.end()


class LineSplitter:
    """Splits chunks of a text into lines that end in LF, CRLF or CR; holds at most a chunk and a line.

    most: bytes of a line that are kept. Raises EncodingRefusedError at the beginning.
    """

    def __init__(self, most: int = MAX_ROW_BYTES) -> None:
        self._most = most
        self._number = 1
        self._has_begun = False
        self._rest = b""  # of the last chunk: the beginning of a line
        self._head = b""  # the kept part of a line that is too long

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """Yield the lines that end in a chunk."""
        if not self._has_begun:
            self._rest += chunk
            if len(self._rest) >= _MARK_BYTES:
                yield from self._split(self._begin())
        else:
            yield from self._split(chunk)

    def end(self) -> Iterator[Line]:
        """Yield the last line, if nothing ends it."""
        if not self._has_begun:
            yield from self._split(self._begin())
        if self._rest or self._head:
            yield self._line(self._rest)

    def _begin(self) -> bytes:
        """Return the first bytes, without a byte order mark."""
        self._has_begun = True
        beginning, self._rest = self._rest, b""
        remedy = refuse_encoding(beginning)
        if remedy:
            raise EncodingRefusedError(remedy)
        return beginning.removeprefix(BYTE_ORDER_MARK)

    def _split(self, chunk: bytes) -> Iterator[Line]:
        pieces = (self._rest + chunk).splitlines(keepends=True)
        # A CR at the end of a chunk may be half of a CRLF.
        self._rest = pieces.pop() if pieces and not pieces[-1].endswith(b"\n") else b""
        for piece in pieces:
            yield self._line(piece)
        if self._head or len(self._rest) > self._most:
            # The rest of the line is passed over, but for a CR that ends it.
            self._head = self._head or self._rest[: self._most + 1]
            self._rest = b"\r" if self._rest.endswith(b"\r") else b""

    def _line(self, rest: bytes) -> Line:
        data = self._head or rest
        number, self._number, self._head = self._number, self._number + 1, b""
        return Line(number, data[: self._most], len(data) > self._most)
