"""The end of a process with its parent, however the parent ended: for the children of `taskqueue dev`.

The parent holds the write end of a pipe and writes nothing. The kernel closes the pipe with the parent, also after
SIGKILL, and `parent_watch` in the child reads the end of file.
"""

import os
from importlib import import_module

#: The read end of the parent's pipe, a file descriptor that the child inherits.
VARIABLE = "TASKQUEUE_PARENT_PIPE"


def end_with_parent() -> None:
    """End this process at once when its parent is gone, if the parent left a pipe in the environment."""
    pipe = os.environ.pop(VARIABLE, "")  # children of this process do not inherit it
    if pipe:
        import_module("taskqueue.process.parent_watch").watch(int(pipe))  # few processes need its imports


def wait_for_end(pipe: int) -> None:
    """Block until the parent that holds the write end of this pipe has ended."""
    while os.read(pipe, 1):
        pass
