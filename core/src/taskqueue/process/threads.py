"""Threads that outlive the work of a process: Python waits for them before it ends, however long they take."""

import os
import sys
import threading
import time

import structlog

#: How long idle threads take to notice that they are no longer needed.
_END_S = 0.2

log = structlog.get_logger()


def leave_threads(code: int) -> None:
    """End the process here and now, with this exit code, if threads still run.

    A handler may never end, and its job was given back. A folder of manifests may be large. Nothing but the exit is
    left to do.
    """
    until_s = time.monotonic() + _END_S
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, until_s - time.monotonic()))
            if thread.is_alive():
                log.info("exiting with threads still running", thread=thread.name)
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
