"""What a worker's /livez and /readyz say, from how its calls of claim fare. Times in seconds of the loop's clock.

Live is a worker that goes on trying: to end it while the store is away would help nobody, and end what it runs. One
that is full need not call. Ready is a worker whose calls are answered.
"""

import asyncio

#: Calls are repeated each second at least: so many in a row that fail are no accident.
_UNANSWERED_S = 5.0


class Life:
    """within_s: a worker with a free slot that ended no call for so long is stuck. It polls at least each 15 s."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._loop = asyncio.get_running_loop()
        self._moved_s = self._loop.time()
        self._refused_s: float | None = None
        self._answered = False
        self._why = ""

    @property
    def began(self) -> bool:
        """Whether the store has ever answered a call."""
        return self._answered

    def answered(self) -> None:
        """The store answered a call."""
        self._moved_s = self._loop.time()
        self._refused_s = None
        self._answered = True

    def refused(self, why: str) -> None:
        """A call failed."""
        self._why = why
        self._moved_s = self._loop.time()
        self._refused_s = self._refused_s or self._moved_s

    def stuck(self, free: int) -> str | None:
        """What is wrong, if no call ended for too long although there are free slots."""
        if free <= 0 and self._refused_s is None:
            self._moved_s = self._loop.time()
        silent_s = self._loop.time() - self._moved_s
        return f"no claim ended for {silent_s:.0f} s" if silent_s > self._within_s else None

    def unanswered(self) -> str | None:
        """What is wrong, if the store does not answer."""
        silent_s = self._loop.time() - (self._refused_s or self._loop.time())
        if silent_s > _UNANSWERED_S:
            return f"no claim was answered for {silent_s:.0f} s. {self._why}"
        return None if self._answered else "no claim was answered yet"
