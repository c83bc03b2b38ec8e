"""A file that is read whole: a regular file of bounded size."""

import os
import stat
from pathlib import Path

from taskqueue.errors import TaskqueueError
from taskqueue.sources.bounds import MAX_FILE_BYTES

_FORMS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_CHUNK_BYTES = 1 << 20


class FileRefusedError(TaskqueueError, ValueError):
    """A file is refused; the message has the reason and the remedy."""


def refuse_form(mode: int) -> str:
    """Return the refusal of a path that is not a regular file; empty for a regular one.

    >>> refuse_form(stat.S_IFIFO), refuse_form(stat.S_IFREG)
    ('must be a regular file (was a FIFO)', '')
    """
    if stat.S_ISREG(mode):
        return ""
    form = next((word for test, word in _FORMS if test(mode)), "something else")
    return f"must be a regular file (was {form})"


def read_bounded(path: Path) -> bytes:
    """Read a file. Raises FileRefusedError and OSError; never waits for a writer, and holds no more than the bound."""
    _refuse(path.stat())  # before it is opened, which some devices take for a command
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        _refuse(os.fstat(file))
        data = bytearray()
        while chunk := os.read(file, _CHUNK_BYTES):
            data += chunk
            if len(data) > MAX_FILE_BYTES:  # it grew, or belongs to a system that does not tell sizes
                raise FileRefusedError(_too_large("larger"))
        return bytes(data)
    finally:
        os.close(file)


def _refuse(status: os.stat_result) -> None:
    problem = refuse_form(status.st_mode)
    if problem:
        raise FileRefusedError(problem)
    if status.st_size > MAX_FILE_BYTES:
        raise FileRefusedError(_too_large(f"{status.st_size:,} bytes"))


def _too_large(size: str) -> str:
    return f"must be at most {MAX_FILE_BYTES // 1024**2} MiB (was {size}); split the file"
