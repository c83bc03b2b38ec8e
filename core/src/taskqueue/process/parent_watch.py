"""A thread that ends the process at the end of file of its parent's pipe.

A handler that holds Python's lock would keep the thread from running, so Linux is asked for a signal as well.
"""

import ctypes
import os
import signal
import sys
import threading

from taskqueue.process.parent import wait_for_end

_PR_SET_PDEATHSIG = 1  # of linux/prctl.h


def watch(pipe: int) -> None:
    """End this process as soon as the parent that holds the write end of this pipe has ended."""
    threading.Thread(target=_end_after, args=(pipe,), name="taskqueue-parent", daemon=True).start()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _end_after(pipe: int) -> None:
    wait_for_end(pipe)
    os._exit(1)
