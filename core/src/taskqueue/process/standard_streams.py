"""Standard input, output and error of a process that was started without one of them.

The next file or connection would get the number of a closed stream, and text for standard output or error would go
into it: into a record of the store, for example. So each missing stream is opened on /dev/null. Reading a missing
input and writing a missing output fail, as in other programs; text for a missing standard error is lost.
"""

import os
import sys

_INPUT, _OUTPUT, _ERROR = range(3)
_WAYS = {_INPUT: os.O_WRONLY, _OUTPUT: os.O_RDONLY, _ERROR: os.O_WRONLY}


def open_missing() -> None:
    """Open the missing streams. Must be called before any other file is opened."""
    missing = [number for number in _WAYS if _is_closed(number)]
    for number in missing:
        opened = os.open(os.devnull, _WAYS[number])
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)
    if sys.stdin is None:
        sys.stdin = open(_INPUT, encoding="utf-8", closefd=False)  # noqa: SIM115 - of the whole process
    if sys.stdout is None:
        sys.stdout = open(_OUTPUT, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(_ERROR, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False
