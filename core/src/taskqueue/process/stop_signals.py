"""SIGTERM and SIGINT, from the first line of a process to its last.

    end_at_once   the process starts: nothing has begun, so the signal ends it, with 128 + its number
    set_on        the loop runs: the signal sets an event, and the process ends in order
    keep          the loop has ended: a further signal cuts the rest short, and the exit code stays

Each step replaces the one before it by one system call, so no signal falls between two. Where a handler of Python's
makes way for none, signals are held back meanwhile: Python drops one that it has noticed and then finds no handler for.

The kernel ends a process that has the default action whatever code of its it runs, and a shell calls that 128 + number;
but process 1 of a container without an init has no default action, so a handler stands in for it there.
`loop.add_signal_handler` is not used: it gives the signals back to the default action when the loop closes, while the
process still has an exit code to deliver.

Imported first of all by every entry point, hence nothing slow here.
"""

import atexit
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

#: The first process of a namespace, for which the kernel has no default action.
_INIT = 1


def end_at_once() -> None:
    """Let a stop signal end this process now, until `set_on`. Whoever started it may have left SIGTERM blocked."""
    atexit.register(_ignore)  # before all others, so it runs after them
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    for number in STOP_SIGNALS:
        # A shell has its background processes ignore Ctrl-C.
        if number == signal.SIGTERM or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end if os.getpid() == _INIT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def set_on(stopping: "asyncio.Event", loop: "asyncio.AbstractEventLoop") -> None:
    """Let a stop signal set an event of the running loop; a second one changes nothing.

    A signal between the end of the loop and `keep` changes nothing either: the process is about to end.
    """
    owner = os.getpid()

    def stop(number: int, _frame: FrameType | None) -> None:
        if os.getpid() != owner:  # a fork of a handler's is no worker
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(stopping.set)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)


def keep(code: int) -> int:
    """Return the exit code, with which a stop signal from now on ends the process at once.

    What is left may take long: Python waits for threads, and runs what was registered with `atexit`.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda _number, _frame: os._exit(code))
    return code


def _end(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


def _ignore() -> None:
    """Ignore what comes while the interpreter takes itself apart, its signal handlers first."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
