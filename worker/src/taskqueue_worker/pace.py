"""When the next claim is worth a call.

An idle worker comes back when it was told to, and at no other time; each worker has times of its own, so a start costs
about one call however many workers there are. A worker that found more than it could take comes back as soon as it
has room, a moment later, so that one call fills several slots.
"""

import asyncio
import heapq

#: Results wait this long for a claim that would carry them anyway; those that something waits for, much shorter.
_SETTLE_S = 1.0
_SETTLE_SOON_S = 0.05
#: More results than this are worth a call of their own.
_SETTLE_MOST = 100
#: A worker with a backlog waits this long for more slots to become free, longer while the jobs it holds lie ahead.
_GATHER_S = 0.002
#: Times to come back that are this close are one; claim reckons with callers up to 3 ms early.
_CLOSE_S = 0.002
#: A worker whose last time passed while it was told to keep it polls after so long.
_FORGOTTEN_S = 0.2


class Pace:
    """All times in seconds of the loop's clock.

    hungry: the store had more than was taken. While a worker is not, it comes back at the times it was given.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._times: list[float] = []
        self._waiters: set[asyncio.Future[None]] = set()
        self.hungry = True
        self._room_s: float | None = self._loop.time()
        self._booked_s = 0.0
        self.reach = Reach()
        self._results_s: float | None = None
        self.results = 0

    def come_when_free(self) -> None:
        """The store's word: there is more than was taken."""
        self.hungry = True
        self._room_s = max(self._loop.time(), self._booked_s - self.reach.seconds)

    def come_back(self, when_s: float | None) -> None:
        """The store's word: a time of this worker's own, or None: the time it has is enough."""
        self.hungry = False
        if when_s is not None:
            heapq.heappush(self._times, when_s)
        elif not self._times:  # it came while the call was under way
            heapq.heappush(self._times, self._loop.time() + _FORGOTTEN_S)

    def has_time(self) -> bool:
        """Whether the store may leave this worker with the times it was given."""
        return bool(self._times)

    def booked(self, until_s: float) -> None:
        """The worker holds jobs that begin up to then, so no slot of the limit is lost before."""
        self._booked_s = max(self._booked_s, until_s)

    def call(self) -> None:
        """An ad hoc job is waiting, or the worker drains: call now."""
        heapq.heappush(self._times, self._loop.time())
        self._stir()

    def reported(self, *, soon: bool) -> None:
        """A result waits to be settled; soon: a retry or another job of the subscription waits for it."""
        self.results += 1
        settle_s = self._loop.time() + (_SETTLE_SOON_S if soon else _SETTLE_S)
        if self._results_s is None or settle_s < self._results_s:
            self._results_s = settle_s
            self._stir()
        elif self.results == _SETTLE_MOST:
            self._stir()

    def freed(self) -> None:
        """A slot became free."""
        if self.hungry and self._room_s is None:
            self._room_s = max(self._loop.time() + _GATHER_S, self._booked_s - self.reach.seconds)
            self._stir()

    def calling(self) -> None:
        """A call is made now; it answers every time that has come."""
        self._forget(self._loop.time() + _CLOSE_S)
        self._room_s = None
        self.results = 0
        self._results_s = None

    def missed(self) -> bool:
        """Forget the times that have come; True if there were any: the worker is full, somebody else must go."""
        missed = self._forget(self._loop.time())
        self.hungry = self.hungry or not self._times  # with no time left, it comes when it has room
        return missed

    def next_s(self, free: int) -> float:
        """When a call is worth it, given the free slots; infinity if only an event can change that."""
        times = [float("inf")]
        if self._results_s is not None:
            times.append(0.0 if self.results >= _SETTLE_MOST else self._results_s)
        if self._times:
            times.append(self._times[0])
        if free > 0 and self.hungry and self._room_s is not None:
            times.append(self._room_s)
        return min(times)

    async def wait(self, until_s: float) -> None:
        """Until that time, or until something happened that may have changed it."""
        stirred = self._loop.create_future()
        self._waiters.add(stirred)
        handle = None
        if until_s != float("inf"):
            handle = self._loop.call_later(max(0.0, until_s - self._loop.time()), _set, stirred)
        try:
            await stirred
        finally:
            self._waiters.discard(stirred)
            if handle is not None:
                handle.cancel()

    def _forget(self, until_s: float) -> bool:
        """Drop the times up to then; True if there were any."""
        before = len(self._times)
        while self._times and self._times[0] <= until_s:
            heapq.heappop(self._times)
        return len(self._times) < before

    def _stir(self) -> None:
        for waiter in self._waiters:
            _set(waiter)


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


#: Bounds of how far ahead (s). More than the upper one wins nothing, as calls take milliseconds.
REACH_MIN_S, REACH_MAX_S = 0.01, 0.1
#: Factors after a start that missed its slot, and after one in time. They balance where one start in twenty is late.
_SHRINK, _GROW = 0.7, 1.02


class Reach:
    """seconds: how far ahead to take slots."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = REACH_MAX_S

    def saw(self, *, in_time: bool) -> None:
        """Learn from one slot."""
        if not in_time:
            self.seconds = max(REACH_MIN_S, self.seconds * _SHRINK)
        elif self.seconds < REACH_MAX_S:
            self.seconds = min(REACH_MAX_S, self.seconds * _GROW)

    def jobs(self, rate: float) -> float:
        """Return how many jobs a call may take; rate: of the limit, a second."""
        return float("inf") if self.seconds >= REACH_MAX_S else max(1, int(rate * self.seconds))
