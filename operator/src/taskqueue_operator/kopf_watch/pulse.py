"""When the watch of each kind was last known to be alive."""

import time
from collections.abc import Collection


class Pulse:
    """Written by kopf's thread, read by any; outlives a watch that is started anew.

    A watch is alive when it tells an event, a bookmark too, and when the API server ends it in due time. That a request
    is answered says nothing: what is between may hold back all that follows, or answer itself.
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
        """Since a watch was last alive."""
        return time.monotonic() - self._alive_s[plural]

    def silent_s(self, plural: str) -> float:
        """Since a watch was last alive, or refused."""
        return min(self.age_s(plural), time.monotonic() - self._refused_s[plural])
