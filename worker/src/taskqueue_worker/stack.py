"""Where a thread is: files, lines and functions, no values."""

import sys
import traceback

#: The innermost calls that are shown.
_CALLS = 15


def stack_of(thread: int) -> list[str]:
    """Return the calls of a thread, innermost last; empty if it has ended."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - the one way to see another thread
    if frame is None:
        return []
    calls = list(traceback.walk_stack(frame))[:_CALLS]
    return [f"{at.f_code.co_filename}:{line} {at.f_code.co_name}" for at, line in reversed(calls)]
