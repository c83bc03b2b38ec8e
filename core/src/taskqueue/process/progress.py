"""The progress of a loop, for /livez."""

import time
from collections.abc import Callable


class Progress:
    """The time of a loop's last step. A loop that waits for its turn is idle, and counts as alive.

    loop: its name in the answer of /livez.   now_s: the clock, in seconds; the monotonic one by default.
    """

    def __init__(self, loop: str, now_s: Callable[[], float] | None = None) -> None:
        self._loop = loop
        self._now_s = now_s or time.monotonic
        self.step()

    def step(self) -> None:
        """Record a step."""
        self._since_s: float | None = self._now_s()

    def idle(self) -> None:
        """Record that the loop waits for its turn, until its next step."""
        self._since_s = None

    def stuck(self, within_s: float) -> str | None:
        """Return a sentence if the last step is at least `within_s` seconds ago, else None."""
        silent_s = 0.0 if self._since_s is None else self._now_s() - self._since_s
        return None if silent_s < within_s else f"the {self._loop} loop made no step for {silent_s:.0f} s"
