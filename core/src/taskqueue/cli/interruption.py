"""The end of a command at Ctrl-C, SIGTERM or a closed terminal (SIGHUP), within a second.

The signal raises Stopped in the main thread. Cancelling the task of the event loop, as asyncio does, would not be
enough: a client may swallow the cancellation, a computation sees it late, and a read of a silent pipe never sees it.
Files and connections then have half a second to close; a further signal ends the process at once. At its end the
process prints the sentence that the command left for this moment, such as the line at which an import resumes.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from taskqueue.process.stop_signals import STOP_SIGNALS
from taskqueue.text.printable import printable_line

#: Seconds in which a stopped command may close its files and connections.
CLOSE_S = 0.5

_SHOW_CURSOR = b"\x1b[?25h"


class Stopped(SystemExit):
    """A signal stops the command. code: 128 + the number of the signal."""

    code: int


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let stop signals end the command inside.

    A signal that was ignored, by nohup or by a shell for a background job, stays ignored.
    """
    before = {number: signal.getsignal(number) for number in (*STOP_SIGNALS, signal.SIGHUP)}
    stop = _Stop()
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, stop.raise_stopped)
    try:
        yield
    except Stopped as stopped:
        stop.end(stopped.code)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_sentences: list[Callable[[], str]] = []


@contextmanager
def report_when_stopped(sentence: Callable[[], str]) -> Iterator[None]:
    """Print a sentence if a signal ends the command inside."""
    _sentences.append(sentence)
    try:
        yield
    except Exception:
        _sentences.remove(sentence)
        raise
    else:
        _sentences.remove(sentence)


class _Stop:
    """The end of one command: begun by a signal, and forced by a second signal or a timer.

    Exactly one thread ends the process: the main thread, or the thread of the timer.
    """

    def __init__(self) -> None:
        self._ending = threading.Lock()
        self._stopped = False

    def raise_stopped(self, number: int, _frame: FrameType | None) -> None:
        """Raise Stopped at the first signal, and end the process at a further signal or CLOSE_S later."""
        code = 128 + number
        if self._stopped:
            self.end(code)
        self._stopped = True
        late = threading.Timer(CLOSE_S, self.end, (code,))
        late.daemon = True
        try:
            late.start()
        except RuntimeError:  # no more threads
            self.end(code)
        raise Stopped(code)

    def end(self, code: int) -> NoReturn:
        """Print the remaining sentences and end the process, without waiting for its threads."""
        if self._ending.acquire(blocking=False):
            with suppress(OSError):
                if sys.stderr.isatty():
                    os.write(2, _SHOW_CURSOR)
                for sentence in _sentences:
                    os.write(2, f"taskqueue: {printable_line(sentence())}\n".encode())
            os._exit(code)
        threading.Event().wait()  # the other thread is about to end the process
        raise AssertionError
