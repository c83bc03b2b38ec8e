"""A process that ends with its parent, by the pipe alone and by the signal of Linux."""

import os
import subprocess
import sys

import pytest

from taskqueue.process.parent import VARIABLE

CHILD = """
import os, sys, time
from taskqueue.process import parent

if sys.argv[1] == "pipe":
    parent._ask_linux = lambda: None
parent.end_with_parent()
print(os.environ.get(parent.VARIABLE), flush=True)
time.sleep(60)
"""
LIMIT_S = 30


@pytest.mark.parametrize("by", ["pipe", "pipe and signal"])
def test_a_child_ends_when_its_pipe_is_closed(by: str) -> None:
    ours, theirs = os.pipe()
    command = [sys.executable, "-c", CHILD, by]
    environment = {**os.environ, VARIABLE: str(ours)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, pass_fds=(ours,)) as child:
        os.close(ours)
        assert child.stdout is not None
        assert child.stdout.readline() == b"None\n", "what it starts itself is not to look at this pipe"
        assert child.poll() is None
        os.close(theirs)
        assert child.wait(LIMIT_S) == 1


def test_a_child_without_a_pipe_starts_no_thread() -> None:
    code = (
        "from taskqueue.process import parent; parent.end_with_parent(); "
        "import threading; print(threading.active_count())"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "1\n"
