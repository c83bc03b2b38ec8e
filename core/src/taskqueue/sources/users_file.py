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
from typing import Any, cast

from taskqueue.models.fault import Fault
from taskqueue.models.refusal import ManifestRefusedError, Refusal, excerpt
from taskqueue.sources.bounds import MAX_ROW_BYTES
from taskqueue.sources.csv_users import csv_users
from taskqueue.sources.json_documents import JsonRefusedError, decode
from taskqueue.sources.lines import EncodingRefusedError, Line, Readable, read_lines
from taskqueue.sources.user_rows import Row, read_row

#: Rows of .ndjson from standard input.
STDIN = Path("-")


def read_users(path: Path, after_line: int = 0) -> Iterator[Row]:
    """Read a file row by row: line number (from 1) and user, or a fault for each thing wrong with the row.

    after_line: rows that start up to this line are skipped, to resume after an interruption.
    Raises OSError where the file cannot be read.
    """
    file = str(path)
    csv = path.suffix.lower() == ".csv"
    rows = csv_users(lambda: _lines(path), file) if csv else _ndjson_users(_lines(path), file)
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


def _ndjson_users(lines: Iterator[Line], file: str) -> Iterator[Row]:
    seen: dict[str, int] = {}
    for line in lines:
        if not line.data.strip():
            continue
        number = line.number
        try:
            user = read_row(_decoded(line))
            _refuse_second(user.user_id, number, seen)
        except ManifestRefusedError as error:
            for refusal in error.refusals:
                yield number, Fault(file, number, number, refusal.field, refusal.message)
        else:
            yield number, user


def _refuse_second(user_id: str, line: int, seen: dict[str, int]) -> None:
    """Record the line of a user. Raises ManifestRefusedError if the user has another one."""
    first = seen.setdefault(user_id, line)
    if first != line:
        message = f"all tasks of a user must be in one line: {excerpt(user_id)} is in line {first} already"
        raise ManifestRefusedError((Refusal(("userId",), message),))


def _decoded(line: Line) -> Any:
    """Read one line. Raises ManifestRefusedError."""
    if line.too_long:
        raise _refused(f"a line must be at most {MAX_ROW_BYTES} bytes")
    if line.data.lstrip().startswith(b"["):
        raise _refused("each line must be a mapping, without a list around the lines and commas between them")
    try:
        return decode(line.data, line.number)
    except JsonRefusedError as error:
        raise _refused(str(error)) from error


def _refused(message: str) -> ManifestRefusedError:
    return ManifestRefusedError((Refusal((), message),))
