"""Writes where the interpreter is held, when no Python thread can: a timer of the system, which is set again and again.

A timer that runs out sends SIGALRM, and `faulthandler` writes all stacks to standard error in C. (Its own
`dump_traceback_later` would do, but setting it again waits for a thread with the interpreter held: milliseconds in
which jobs miss their slots.) Where user code wants SIGALRM for itself, the timer is left to it.
"""

import contextlib
import faulthandler
import signal
import sys

#: The stacks are written after so long without a call of `set`.
HELD_S = 3.0


class HeldTimer:
    """Made, and removed, in the main thread."""

    def __init__(self) -> None:
        self._set = False
        self._installed = False
        # Ours only while nobody else has a use for the signal. Standard error may be no file, as in tests.
        with contextlib.suppress(OSError, ValueError, AttributeError, RuntimeError):
            if signal.getsignal(signal.SIGALRM) is signal.SIG_DFL and not any(self._left()):
                signal.signal(signal.SIGALRM, signal.SIG_IGN)
                faulthandler.register(signal.SIGALRM, file=sys.stderr)
                self._installed = True

    def set(self) -> None:
        """Have the stacks written unless this is called again in time; from any thread."""
        if not self._installed:
            return
        left_s, each_s = self._left()
        foreign = each_s or left_s > HELD_S  # one of ours that ran out reads 0
        if foreign or signal.getsignal(signal.SIGALRM) is not signal.SIG_IGN:
            self._installed = False
            if self._set and not foreign:
                signal.setitimer(signal.ITIMER_REAL, 0)
            return
        self._set = True
        signal.setitimer(signal.ITIMER_REAL, HELD_S)

    def remove(self) -> None:
        """Leave the signal as it was found."""
        if self._installed:
            self._installed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            faulthandler.unregister(signal.SIGALRM)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    @staticmethod
    def _left() -> tuple[float, float]:
        return signal.getitimer(signal.ITIMER_REAL)
