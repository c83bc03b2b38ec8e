"""The clock of the store's server, as a process knows it between two answers."""

import time


class StoreClock:
    """A clock behind the server's by the way of the last answer, never ahead. answered_s: of that answer, monotonic."""

    def __init__(self) -> None:
        self.answered_s = time.monotonic()
        self._ahead_of_monotonic_ms = 0.0

    def set(self, server_ms: int) -> None:
        """Set the clock by the time in an answer that has just arrived, epoch ms."""
        self.answered_s = time.monotonic()
        self._ahead_of_monotonic_ms = server_ms - self.answered_s * 1000

    def now_ms(self) -> int:
        """Return the time, epoch ms."""
        return int(time.monotonic() * 1000 + self._ahead_of_monotonic_ms)
