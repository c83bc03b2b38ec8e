"""One key of a limit: the arrivals of all its requests, measured, and of those that were let in.

A bucket of size b that loses `rate` requests a second, in whole numbers: time is counted in nanoseconds times
`requests`, in which one request takes exactly `per_ns`. The bucket's level after an arrival is the largest
n - rate * t of all spans t that end there and hold n arrivals, so the highest level ever tells whether any span held
more than b + rate * t, in O(1) for each arrival.
"""

from fractions import Fraction
from typing import Any

from taskqueue.dev.example_api.sliding_window import SECOND_NS, SlidingWindow

#: Finer than any rate that a manifest can write: one request in a day, in milliseconds.
_MAX_DENOMINATOR = 1_000_000_000


class Bucket:
    """Measures every arrival (`count`), and tells whether a further one fits among those let in (`wait_ns`).

    per_second, burst: the values in force for this key.
    """

    __slots__ = ("_admitted_until", "_counted_until", "_per_ns", "_requests", "_worst", "burst", "window")

    def __init__(self, per_second: float, burst: int) -> None:
        rate = Fraction(per_second).limit_denominator(_MAX_DENOMINATOR)
        self._requests, self._per_ns = rate.numerator, rate.denominator * SECOND_NS
        self.burst = burst
        self.window = SlidingWindow()
        self._counted_until = self._admitted_until = self._worst = 0

    def count(self, at_ns: int) -> None:
        """Measure an arrival at `at_ns` (monotonic, not before the previous one), let in or refused.

        >>> bucket = Bucket(per_second=2, burst=40)
        >>> for ns in (0, 0, 250_000_000):
        ...     bucket.count(ns)
        >>> bucket.worst_burst
        2.5
        """
        self.window.add(at_ns)
        now = at_ns * self._requests
        self._counted_until = max(self._counted_until, now) + self._per_ns
        self._worst = max(self._worst, self._counted_until - now)

    def wait_ns(self, at_ns: int, slack_ns: int) -> int:
        """Return the time until a request that arrives at `at_ns` is within the limit; 0 if it is now.

        slack_ns: so much earlier than the limit allows a request may arrive.
        """
        now = at_ns * self._requests
        room = self.burst * self._per_ns + slack_ns * self._requests
        over = max(self._admitted_until, now) + self._per_ns - now - room
        return -(-over // self._requests) if over > 0 else 0

    def admit(self, at_ns: int) -> None:
        """Let a request in: it takes its part of the limit."""
        self._admitted_until = max(self._admitted_until, at_ns * self._requests) + self._per_ns

    @property
    def worst_burst(self) -> float:
        """Return the largest n - rate * t of any span t with n arrivals; the limit allows `burst`."""
        return self._worst / self._per_ns

    @property
    def early_ns(self) -> int:
        """Return the time by which the worst span is shorter than the limit asks; negative with room to spare.

        With burst 1: the most by which n + 1 arrivals span less than n / rate.
        """
        return -(-(self._worst - self.burst * self._per_ns) // self._requests)

    def figures(self) -> dict[str, Any]:
        """Return the measurements of the key. early_ms: 0 if no span was too short."""
        return {
            "requests": self.window.requests,
            "worst_second": self.window.worst,
            "worst_burst": self.worst_burst,
            "burst": self.burst,
            "early_ms": max(0, self.early_ns) / 1e6,
        }
