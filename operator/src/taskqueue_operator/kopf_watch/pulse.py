"""When the watch of each kind was last known to be alive."""

import time
from collections.abc import Collection, Iterable


class Pulse:
    """Written by kopf's thread, read by any; outlives a watch that is started anew.

    A watch is alive when a request for it is answered, and whenever it tells anything, a bookmark too. It is answered
    when it is refused as well.
    """

    def __init__(self, plurals: Iterable[str]) -> None:
        now_s = time.monotonic()
        self._alive_s = dict.fromkeys(plurals, now_s)
        self._answered_s = dict(self._alive_s)

    @property
    def plurals(self) -> Collection[str]:
        return self._alive_s.keys()

    def alive(self, plural: str) -> None:
        self._alive_s[plural] = self._answered_s[plural] = time.monotonic()

    def answered(self, plural: str) -> None:
        self._answered_s[plural] = time.monotonic()

    def age_s(self, plural: str) -> float:
        """Since a watch was last alive."""
        return time.monotonic() - self._alive_s[plural]

    def unanswered_s(self, plural: str) -> float:
        """Since the API server last answered a watch, or refused it."""
        return time.monotonic() - self._answered_s[plural]
