"""The file of an import: users by the million, one at a time.

.ndjson: a line is a UserSubscription manifest, or the short form, which is its spec:
`{"userId": "u-1", "timeZone": "Europe/Berlin", "tasks": [{"type": "fetch-orders", "interval": "5m"}]}`.
.csv: a header of userId and type, and optionally params (JSON), suspend, limits (JSON), timeZone and interval; then a
row for each task.

A row that cannot be read is skipped and named. A user occurs once in a file: in .ndjson a second line of a user is
refused; in .csv the rows of a user follow each other, and a user with separated rows is refused whole. Memory holds one
row and the ids of the users: about 15 MB for 100,000.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from taskqueue.models.fault import Fault
from taskqueue.sources.csv_users import csv_users
from taskqueue.sources.lines import EncodingRefusedError, Line, Readable, read_lines
from taskqueue.sources.ndjson_users import NdjsonUsers
from taskqueue.sources.user_rows import Row

#: Rows of .ndjson from standard input.
STDIN = Path("-")


def read_users(path: Path, after_line: int = 0) -> Iterator[Row]:
    """Read a file row by row: line number (from 1) and user, or a fault for each thing wrong with the row.

    after_line: rows that start up to this line are skipped, to resume after an interruption.
    Raises OSError where the file cannot be read.
    """
    file = str(path)
    csv = path.suffix.lower() == ".csv"
    rows = csv_users(lambda: _lines(path), file) if csv else _ndjson_users(path)
    try:
        yield from (row for row in rows if row[0] > after_line)
    except EncodingRefusedError as error:
        yield after_line + 1, Fault(file, 1, 1, "file", str(error))


def _lines(path: Path) -> Iterator[Line]:
    if path == STDIN:
        yield from read_lines(cast("Readable", sys.stdin.buffer))
        return
    with path.open("rb") as file:
        yield from read_lines(file)


def _ndjson_users(path: Path) -> Iterator[Row]:
    users = NdjsonUsers(str(path))
    for line in _lines(path):
        yield from users.read(line)
