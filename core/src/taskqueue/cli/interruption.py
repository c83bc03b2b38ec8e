"""Ctrl-C, SIGTERM and a closed terminal (SIGHUP) during a command: it ends within a second, whatever it is doing.

The signal raises Stopped in the main thread. To cancel the task of an event loop, as asyncio does, would not be
enough: a client may swallow that, code that computes sees it late, and a read of a silent pipe never. What closes
files and connections then has half a second; a further signal ends the process at once. Before it ends, the process
says what the command left for that moment, such as the line from which an import goes on.
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

#: How long a command that is stopped may take to close what it has opened.
CLOSE_S = 0.5

_SHOW_CURSOR = b"\x1b[?25h"


class Stopped(SystemExit):
    """A signal stops the command; code: 128 + its number."""

    code: int


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let a stop signal end the command; one that is ignored, as by a shell in the background or nohup, stays so."""
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
def said_when_stopped(sentence: Callable[[], str]) -> Iterator[None]:
    """Have a sentence said if a signal ends the command inside."""
    _sentences.append(sentence)
    try:
        yield
    except Exception:
        _sentences.remove(sentence)
        raise
    else:
        _sentences.remove(sentence)


class _Stop:
    def __init__(self) -> None:
        self._ending = threading.Lock()
        self._stopped = False

    def raise_stopped(self, number: int, _frame: FrameType | None) -> None:
        """Raise Stopped at the first signal; end the process at a further one, or if it does not end by itself."""
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
        """Say what is left to say, and end the process. What else it would wait for, such as threads, is of no use."""
        if self._ending.acquire(blocking=False):
            with suppress(OSError):
                if sys.stderr.isatty():
                    os.write(2, _SHOW_CURSOR)
                for sentence in _sentences:
                    os.write(2, f"taskqueue: {printable_line(sentence())}\n".encode())
            os._exit(code)
        threading.Event().wait()  # the other thread is about to end the process
        raise AssertionError
