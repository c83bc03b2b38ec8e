"""A program of others that ends with `taskqueue dev`, also after SIGKILL.

    python -m taskqueue.dev.guard PROGRAM ARGUMENTS

The processes of this project watch their parent themselves (`taskqueue.process.parent`); a Redis server does not.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from taskqueue.process.parent import VARIABLE, wait_for_end


def main(command: Sequence[str]) -> int:
    """Run the program, pass SIGTERM on, and return its exit code, or 128 + the signal that ended it."""
    pipe = int(os.environ.pop(VARIABLE))
    program: subprocess.Popen[bytes] | None = None
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if program:
            program.terminate()

    def kill_after(running: subprocess.Popen[bytes]) -> None:
        wait_for_end(pipe)
        running.kill()

    signal.signal(signal.SIGTERM, stop)
    program = subprocess.Popen(command)  # noqa: S603 - our own command
    if stopping:  # while the program was being started
        program.terminate()
    threading.Thread(target=kill_after, args=(program,), daemon=True).start()
    code = program.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
