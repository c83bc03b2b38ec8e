"""The number of events in the busiest second, exact and in O(1) amortised.

The busiest of all windows of one second ends at an event: moving the end of a window back to its last event loses
no event. Therefore the windows that end at an event suffice, counted as each event arrives.
"""

from collections import deque

SECOND_NS = 1_000_000_000


class SlidingWindow:
    """Counts events in (now - 1 s, now]; `requests` is all of them, `worst` the most that any second held.

    Memory is bounded by what one second holds.
    """

    __slots__ = ("_recent_ns", "requests", "worst")

    def __init__(self) -> None:
        self._recent_ns: deque[int] = deque()
        self.requests = 0
        self.worst = 0

    def add(self, at_ns: int) -> int:
        """Count an event at `at_ns` (monotonic, not before the previous one); return the window's count.

        >>> window = SlidingWindow()
        >>> [window.add(ns) for ns in (0, 999_999_999, 1_000_000_000)]
        [1, 2, 2]
        """
        recent = self._recent_ns
        recent.append(at_ns)
        gone_ns = at_ns - SECOND_NS
        while recent[0] <= gone_ns:
            recent.popleft()
        count = len(recent)
        self.requests += 1
        self.worst = max(self.worst, count)
        return count
