"""A timer of the system that writes all stacks while C code holds the interpreter and no Python thread can run.

The watchdog sets it again and again. When it runs out it sends SIGALRM, and `faulthandler` writes all stacks to
standard error in C. (`faulthandler.dump_traceback_later` waits for a thread, with the interpreter held, each time it is
set again: milliseconds in which jobs miss their slots.) Where user code uses SIGALRM, the timer is left to it.
"""

import contextlib
import faulthandler
import signal
import sys

#: Time without a call of `set` after which the stacks are written.
HELD_S = 3.0


class HeldTimer:
    """The timer. Made and removed in the main thread."""

    def __init__(self) -> None:
        self._set = False
        self._installed = False
        # Installed only while SIGALRM is unused. Standard error may be no file, as in tests.
        with contextlib.suppress(OSError, ValueError, AttributeError, RuntimeError):
            if signal.getsignal(signal.SIGALRM) is signal.SIG_DFL and not any(self._left()):
                signal.signal(signal.SIGALRM, signal.SIG_IGN)
                faulthandler.register(signal.SIGALRM, file=sys.stderr)
                self._installed = True

    def set(self) -> None:
        """Start the timer again. Safe in any thread."""
        if not self._installed:
            return
        left_s, each_s = self._left()
        foreign = each_s or left_s > HELD_S  # our timer reads 0 when it ran out
        if foreign or signal.getsignal(signal.SIGALRM) is not signal.SIG_IGN:
            self._installed = False
            if self._set and not foreign:
                signal.setitimer(signal.ITIMER_REAL, 0)
            return
        self._set = True
        signal.setitimer(signal.ITIMER_REAL, HELD_S)

    def remove(self) -> None:
        """Restore the signal."""
        if self._installed:
            self._installed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            faulthandler.unregister(signal.SIGALRM)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    @staticmethod
    def _left() -> tuple[float, float]:
        return signal.getitimer(signal.ITIMER_REAL)
