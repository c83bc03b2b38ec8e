"""Arrivals of the last 30 whole seconds, by key."""

from collections import deque

from taskqueue.dev.example_api.sliding_window import SECOND_NS

SECONDS = 30


class RecentSeconds:
    """Counts arrivals by second and key; memory is bounded by the arrivals of 31 seconds."""

    __slots__ = ("_first", "_seconds", "_sums")

    def __init__(self) -> None:
        self._first: int | None = None
        self._seconds: deque[tuple[int, dict[str, int]]] = deque()
        self._sums: dict[str, int] = {}

    def add(self, at_ns: int, key: str) -> None:
        """Count an arrival at `at_ns` (monotonic, not before the previous one)."""
        second = at_ns // SECOND_NS
        if self._first is None:
            self._first = second
        if not self._seconds or self._seconds[-1][0] != second:
            self._forget(second)
            self._seconds.append((second, {}))
        counts = self._seconds[-1][1]
        counts[key] = counts.get(key, 0) + 1
        self._sums[key] = self._sums.get(key, 0) + 1

    def whole(self, now_ns: int) -> tuple[int, dict[str, int]]:
        """Return a number of whole seconds before now, at most 30, and the arrivals in them by key.

        >>> recent = RecentSeconds()
        >>> for ns in (0, 400_000_000, 1_100_000_000):
        ...     recent.add(ns, "u-1")
        >>> recent.whole(1_200_000_000), recent.whole(31_000_000_000)
        ((1, {'u-1': 2}), (30, {'u-1': 1}))
        """
        now = now_ns // SECOND_NS
        self._forget(now)
        under_way = self._seconds[-1][1] if self._seconds and self._seconds[-1][0] == now else {}
        counts = {key: count - under_way.get(key, 0) for key, count in self._sums.items()}
        seconds = 0 if self._first is None else min(SECONDS, now - self._first)
        return seconds, {key: count for key, count in counts.items() if count}

    def _forget(self, now: int) -> None:
        """Drop the seconds before the last 30 whole ones."""
        while self._seconds and self._seconds[0][0] < now - SECONDS:
            for key, count in self._seconds.popleft()[1].items():
                left = self._sums[key] - count
                if left:
                    self._sums[key] = left
                else:
                    del self._sums[key]
