"""The end of a process with its parent, however the parent ended: for the children of `taskqueue dev`.

The parent holds the write end of a pipe and writes nothing. The kernel closes the pipe with the parent, also after
SIGKILL, and a thread of the child reads the end of file. A handler that holds Python's lock would keep this thread
from running; so the child also asks Linux for a signal.
"""

import os

#: The read end of the parent's pipe, a file descriptor that the child inherits.
VARIABLE = "TASKQUEUE_PARENT_PIPE"

_PR_SET_PDEATHSIG = 1  # of linux/prctl.h


def end_with_parent() -> None:
    """End this process at once when its parent is gone, if the parent left a pipe in the environment."""
    pipe = os.environ.pop(VARIABLE, "")  # children of this process do not inherit it
    if pipe:
        import threading  # noqa: PLC0415 - slow

        threading.Thread(target=_end_after, args=(int(pipe),), name="taskqueue-parent", daemon=True).start()
        _ask_linux()


def wait_for_end(pipe: int) -> None:
    """Block until the parent that holds the write end of this pipe has ended."""
    while os.read(pipe, 1):
        pass


def _end_after(pipe: int) -> None:
    wait_for_end(pipe)
    os._exit(1)


def _ask_linux() -> None:
    import ctypes  # noqa: PLC0415 - slow
    import signal  # noqa: PLC0415 - slow
    import sys  # noqa: PLC0415 - slow

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
