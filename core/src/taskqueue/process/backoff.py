"""Waits between attempts at a server that does not answer: doubled up to a bound, and random."""

import random


class Backoff:
    """The waits after failures in a row: min_s, 2 * min_s, ... max_s, each times a random factor.

    lowest: the least factor; 0 is "full jitter" of the AWS architecture note "Exponential backoff and jitter".
    failures: in a row.
    """

    __slots__ = ("_lowest", "_max_s", "_min_s", "_next_s", "failures")

    def __init__(self, min_s: float, max_s: float, lowest: float = 0.0) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._lowest = lowest
        self.succeed()

    def succeed(self) -> None:
        """Record a success: the next failure is the first in a row."""
        self.failures = 0
        self._next_s = self._min_s

    @property
    def next_s(self) -> float:
        """The longest wait after the next failure, in seconds."""
        return self._next_s

    def fail(self) -> float:
        """Record a failure, and return the seconds to wait."""
        self.failures += 1
        wait_s, self._next_s = self._next_s, min(2 * self._next_s, self._max_s)
        return wait_s * random.uniform(self._lowest, 1.0)
