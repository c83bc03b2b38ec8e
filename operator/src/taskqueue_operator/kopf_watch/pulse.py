"""The last signs of life of the watch of each kind."""

import time
from collections.abc import Collection


class Pulse:
    """Written by kopf's thread and read by any thread; survives restarts of a watch.

    An event, also a bookmark, is a sign of life, and so is an end in due time by the API server. The answer to a
    request is none: a proxy may answer itself, or hold back all events.
    """

    def __init__(self, plurals: Collection[str]) -> None:
        now_s = time.monotonic()
        self._alive_s = dict.fromkeys(plurals, now_s)
        self._refused_s = dict.fromkeys(plurals, float("-inf"))

    @property
    def plurals(self) -> Collection[str]:
        return self._alive_s.keys()

    def alive(self, plural: str) -> None:
        self._alive_s[plural] = time.monotonic()

    def refused(self, plural: str) -> None:
        self._refused_s[plural] = time.monotonic()

    def age_s(self, plural: str) -> float:
        """Return the time since the last sign of life."""
        return time.monotonic() - self._alive_s[plural]

    def silent_s(self, plural: str) -> float:
        """Return the time since the last sign of life or refusal."""
        return min(self.age_s(plural), time.monotonic() - self._refused_s[plural])
