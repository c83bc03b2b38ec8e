"""Lines of .ndjson as users, one user a line and one line a user."""

from collections.abc import Iterator
from typing import Any

from taskqueue.models.fault import Fault
from taskqueue.models.refusal import ManifestRefusedError, Refusal, excerpt
from taskqueue.sources.bounds import MAX_ROW_BYTES
from taskqueue.sources.json_documents import JsonRefusedError, decode
from taskqueue.sources.lines import Line
from taskqueue.sources.user_rows import Row, read_row


class NdjsonUsers:
    """The users of one file. Memory holds their ids: about 15 MB for 100,000.   file: as faults name it."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: dict[str, int] = {}

    def line_of(self, user: str) -> int:
        """Return the line of a user that was read."""
        return self._lines[user]

    def read(self, line: Line) -> Iterator[Row]:
        """Read a line: one user, or a fault for each thing wrong with it; nothing for an empty line."""
        if not line.data.strip():
            return
        number = line.number
        try:
            user = read_row(decode_line(line))
            self._refuse_second(user.user_id, number)
        except ManifestRefusedError as error:
            for refusal in error.refusals:
                yield number, Fault(self._file, number, number, refusal.field, refusal.message)
        else:
            yield number, user

    def _refuse_second(self, user_id: str, line: int) -> None:
        """Record the line of a user. Raises ManifestRefusedError if the user has another one."""
        first = self._lines.setdefault(user_id, line)
        if first != line:
            message = (
                f"all tasks of a user must be in one line: {excerpt(user_id)} is in line {first} already"
            )
            raise ManifestRefusedError((Refusal(("userId",), message),))


def decode_line(line: Line) -> Any:
    """Decode one line. Raises ManifestRefusedError."""
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
