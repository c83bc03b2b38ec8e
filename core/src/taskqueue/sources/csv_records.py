"""The records of a CSV file, including files with faulty records.

A faulty record ends with its first line, and reading continues after that line. So an unclosed quote costs one line:
the reader searches its end for at most MAX_ROW_BYTES, and then reads the following lines again.
"""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from taskqueue.sources.bounds import MAX_ROW_BYTES
from taskqueue.sources.lines import Line

#: Characters of one cell.
MAX_CELL_CHARACTERS = 65_536

_SENTENCES = {
    "unexpected end of data": "close the quote that this row opens",
    "field larger than field limit": f"a cell must be at most {MAX_CELL_CHARACTERS:,} characters",
    "expected after": "a comma must follow the quote that ends a cell; write a quote inside a cell twice",
}
TOO_LONG = f"must be at most {MAX_ROW_BYTES:,} bytes"


@dataclass(frozen=True, slots=True)
class Record:
    """A record, or the first line of one that cannot be read.

    first, last: lines, from 1.
    problem: the reason that it cannot be read; its cells are then those of its first line, split at commas.
    """

    first: int
    last: int
    cells: list[str]
    problem: str = ""


def read_records(lines: Iterator[Line]) -> Iterator[Record]:
    """Read all records; blank lines are skipped."""
    source = _Source(lines)
    limit = csv.field_size_limit()
    reader = csv.reader(source, strict=True)
    while True:
        csv.field_size_limit(MAX_CELL_CHARACTERS)  # of the whole process, so for no longer than it takes
        try:
            cells = next(reader, None)
            problem = ""
        except csv.Error as error:
            cells, problem = [], _sentence(str(error))
        except _TooLongError:
            cells, problem = [], TOO_LONG
        finally:
            csv.field_size_limit(limit)
        if cells is None:
            return
        taken = source.taken
        if problem:
            first = taken.popleft()
            yield Record(first.number, first.number, _torn(first), problem)
            source.put_back()
            reader = csv.reader(source, strict=True)
        elif cells:
            yield Record(taken[0].number, taken[-1].number, cells)
        source.done()


class _TooLongError(Exception):
    """A record has more bytes than one may have."""


class _Source:
    """Lines for a reader, which returns the lines of a failed record a second time."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self.taken: deque[Line] = deque()
        self._lines = lines
        self._again: deque[Line] = deque()
        self._bytes = 0

    def __iter__(self) -> "_Source":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        self._bytes += len(line.data)
        if line.too_long or self._bytes > MAX_ROW_BYTES:
            raise _TooLongError
        return line.data.decode("utf-8", "surrogateescape")

    def put_back(self) -> None:
        """Return the lines of this record once more."""
        self._again.extendleft(reversed(self.taken))

    def done(self) -> None:
        """Begin the next record."""
        self.taken.clear()
        self._bytes = 0


def _torn(line: Line) -> list[str]:
    """Split a line at its commas, ignoring quotes."""
    text = line.data[:4096].decode("utf-8", "surrogateescape")
    return [cell.strip(' "\r\n') for cell in text.split(",")]


def _sentence(error: str) -> str:
    return "must be CSV: " + next((said for known, said in _SENTENCES.items() if known in error), error)
