"""The records of a CSV file, whatever is wrong with some of them.

A record that is no CSV ends where its line does, and reading goes on behind that line. So a quote that nobody closes
costs its own line: how far it reaches is found by reading on for at most MAX_ROW_BYTES, and what was read on the way is
read again as lines of its own.
"""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from taskqueue.sources.limits import MAX_ROW_BYTES
from taskqueue.sources.lines import Line

#: Characters of one cell.
MAX_CELL_CHARACTERS = 65_536

_SENTENCES = {
    "unexpected end of data": "close the quote that this row opens",
    "field larger than field limit": f"write at most {MAX_CELL_CHARACTERS:,} characters a cell",
    "expected after": "write a comma behind the quote that ends a cell, and a quote inside a cell twice",
}
TOO_LONG = f"write at most {MAX_ROW_BYTES:,} bytes a row"


@dataclass(frozen=True, slots=True)
class Record:
    """A record, or the first line of one that cannot be read.

    first, last: lines, from 1.
    problem: why it cannot be read; then cells are those of its first line, as far as they can be told apart.
    """

    first: int
    last: int
    cells: list[str]
    problem: str = ""


def read_records(lines: Iterator[Line]) -> Iterator[Record]:
    """Read all records; blank lines are none."""
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
    """Gives lines to a reader, and gives again those of a record that failed."""

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
        """Give what was taken once more."""
        self._again.extendleft(reversed(self.taken))

    def done(self) -> None:
        """Begin the next record."""
        self.taken.clear()
        self._bytes = 0


def _torn(line: Line) -> list[str]:
    """Cut a line at its commas, as good as that is without its quotes."""
    text = line.data[:4096].decode("utf-8", "surrogateescape")
    return [cell.strip(' "\r\n') for cell in text.split(",")]


def _sentence(error: str) -> str:
    return "write CSV: " + next((said for known, said in _SENTENCES.items() if known in error), error)
