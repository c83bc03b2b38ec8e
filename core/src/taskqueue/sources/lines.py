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
    number, rest, head = 1, b"", b""
    for chunk in _chunks(file):
        pieces = (rest + chunk).splitlines(keepends=True)
        # A CR at the end of a chunk may be half of a CRLF.
        rest = pieces.pop() if not pieces[-1].endswith(b"\n") else b""
        for piece in pieces:
            yield _line(number, head, piece, most)
            number, head = number + 1, b""
        if head or len(rest) > most:  # the end of the line is passed over, but for a CR that ends it
            head, rest = head or rest[: most + 1], b"\r" if rest.endswith(b"\r") else b""
    if rest or head:
        yield _line(number, head, rest, most)


def _line(number: int, head: bytes, rest: bytes, most: int) -> Line:
    data = head or rest
    return Line(number, data[:most], len(data) > most)


def _chunks(file: Readable) -> Iterator[bytes]:
    """Yield the bytes, without a byte order mark."""
    beginning = b""
    while len(beginning) < _MARK_BYTES and (chunk := file.read1(_CHUNK_BYTES)):
        beginning += chunk
    remedy = refuse_encoding(beginning)
    if remedy:
        raise EncodingRefusedError(remedy)
    beginning = beginning.removeprefix(BYTE_ORDER_MARK)
    if beginning:
        yield beginning
    while chunk := file.read1(_CHUNK_BYTES):
        yield chunk
