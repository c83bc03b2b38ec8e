"""SIGTERM and SIGINT, from the first line of a process to its last.

    end_at_once   at the start: no work has begun, so a signal ends the process, with 128 + its number
    set_on        while the loop runs: a signal sets an event, and the process ends in order
    keep          after the loop: a further signal ends the process at once, with the exit code it has

Each step replaces the previous one by a single system call, so that no signal falls between two steps. Where Python's
handler is replaced by none, signals are blocked meanwhile: Python drops a signal that it has noticed and then finds no
handler for.

The kernel ends a process that has the default action whatever code the process runs, and a shell reports 128 + number.
Process 1 of a container without an init has no default action, so a handler takes its place there.
`loop.add_signal_handler` is not used: it restores the default action when the loop closes, while the process still
has an exit code to deliver.

Every entry point imports this module first, so it imports nothing slow.
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
    """Let a stop signal end this process now, until `set_on`. The parent may have left SIGTERM blocked."""
    atexit.register(_ignore)  # registered first, so it runs last
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
        if os.getpid() != owner:  # a process that a handler forked
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(stopping.set)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)


def keep(code: int) -> int:
    """Return the exit code, with which a stop signal from now on ends the process at once.

    The rest may take long: Python waits for threads, and runs the functions that were registered with `atexit`.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda _number, _frame: os._exit(code))
    return code


def _end(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


def _ignore() -> None:
    """Ignore signals while the interpreter finalizes, which begins with its signal handlers."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
