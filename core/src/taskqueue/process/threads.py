"""Threads that outlive the work of a process: Python waits for them before it ends, however long they run."""

import os
import sys
import threading
import time

import structlog

#: Seconds in which idle threads notice that their pool is closed.
_END_S = 0.2

log = structlog.get_logger()


def leave_threads(code: int) -> None:
    """End the process at once with this exit code if threads still run.

    A handler in a thread may never return; its job was given back. A folder of manifests may take long to read.
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
