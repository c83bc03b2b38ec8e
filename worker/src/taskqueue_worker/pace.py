"""The pace of a worker: when its next claim is worth a call, and how far ahead it takes slots of the limit.

An idle worker calls at the times that the store named, and at no other. Each worker has times of its own, so a start
costs about one call however many workers there are. A worker whose last call left jobs in the store calls again as
soon as it has room, a moment later, so that one call fills several concurrency slots.
"""

import asyncio
import heapq
import math

from taskqueue_worker.clock import wake

#: Results wait this long for a claim that carries them anyway; results that another job waits for, much shorter.
_SETTLE_S = 1.0
_SETTLE_SOON_S = 0.05
#: So many results are worth a call of their own.
_SETTLE_COUNT = 100
#: A worker with a backlog waits this long for more room, and longer while the jobs it holds lie ahead.
_GATHER_S = 0.002
#: Times this close to each other are one; the claim script allows for callers up to 3 ms early.
_CLOSE_S = 0.002
#: A worker whose last time passed while the store told it to keep that time polls after this long.
_FORGOTTEN_S = 0.2
#: Bounds of how far ahead slots are taken (s). More gains nothing, as calls take milliseconds.
REACH_MIN_S, REACH_MAX_S = 0.01, 0.1
#: Factors after a start that missed its slot, and after one in time. They balance where one start in twenty is late.
_SHRINK, _GROW = 0.7, 1.02


class Reach:
    """How far ahead a worker takes slots of the limit, by how well it keeps them.

    A missed slot is lost for all workers. A worker whose loop was late, for want of a processor or for a handler that
    blocks, takes few slots and soon ones, and leaves the rest to other workers.

    seconds: the reach.
    """

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = REACH_MAX_S

    def record(self, *, in_time: bool) -> None:
        """Adapt the reach to one start."""
        if not in_time:
            self.seconds = max(REACH_MIN_S, self.seconds * _SHRINK)
        elif self.seconds < REACH_MAX_S:
            self.seconds = min(REACH_MAX_S, self.seconds * _GROW)

    def jobs(self, rate: float) -> float:
        """Return how many jobs a call may take; rate: of the limit, a second, infinite without one."""
        free = self.seconds >= REACH_MAX_S or math.isinf(rate)
        return math.inf if free else max(1, int(rate * self.seconds))


class Pace:
    """The times of one worker's calls, in seconds of the loop's clock.

    hungry: the store had more jobs than the last call took. Otherwise the worker calls at the times it was given.
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
        self._results = 0

    def call_when_free(self) -> None:
        """Record that the store has more jobs than the call took."""
        self.hungry = True
        self._room_s = max(self._loop.time(), self._booked_s - self.reach.seconds)

    def call_at(self, when_s: float | None) -> None:
        """Record a time that the store named; None: the times this worker has are enough."""
        self.hungry = False
        if when_s is not None:
            heapq.heappush(self._times, when_s)
        elif not self._times:  # the last one came while the call was in flight
            heapq.heappush(self._times, self._loop.time() + _FORGOTTEN_S)

    def has_time(self) -> bool:
        """Tell whether the store need not name a time."""
        return bool(self._times)

    def holds_jobs_until(self, until_s: float) -> None:
        """Record that the worker holds jobs that begin up to then, so no slot of the limit is lost before."""
        self._booked_s = max(self._booked_s, until_s)

    def call(self) -> None:
        """Have a call made now: an ad hoc job waits, or the worker drains."""
        heapq.heappush(self._times, self._loop.time())
        self._stir()

    def reported(self, *, soon: bool) -> None:
        """Record a result to settle; soon: a retry or another job of the subscription waits for it."""
        self._results += 1
        settle_s = self._loop.time() + (_SETTLE_SOON_S if soon else _SETTLE_S)
        if self._results_s is None or settle_s < self._results_s:
            self._results_s = settle_s
            self._stir()
        elif self._results == _SETTLE_COUNT:
            self._stir()

    def freed(self) -> None:
        """Record that a concurrency slot became free."""
        if self.hungry and self._room_s is None:
            self._room_s = max(self._loop.time() + _GATHER_S, self._booked_s - self.reach.seconds)
            self._stir()

    def calling(self) -> None:
        """Record a call made now, which serves every time that has come."""
        self._forget(self._loop.time() + _CLOSE_S)
        self._room_s = None
        self._results = 0
        self._results_s = None

    def forget_passed_times(self) -> bool:
        """Forget the times that have come. Returns True if there were any: another worker must call instead."""
        passed = self._forget(self._loop.time())
        self.hungry = (
            self.hungry or not self._times
        )  # without a time left, this worker calls when it has room
        return passed

    def next_s(self, free: int) -> float:
        """Return when a call is worth it, given the free concurrency slots; infinity if only an event changes that."""
        times = [float("inf")]
        if self._results_s is not None:
            times.append(0.0 if self._results >= _SETTLE_COUNT else self._results_s)
        if self._times:
            times.append(self._times[0])
        if free > 0 and self.hungry and self._room_s is not None:
            times.append(self._room_s)
        return min(times)

    async def wait(self, until_s: float) -> None:
        """Wait until until_s, or until an event after which a call may be worth it earlier."""
        stirred = self._loop.create_future()
        self._waiters.add(stirred)
        handle = None
        if until_s != float("inf"):
            handle = self._loop.call_later(max(0.0, until_s - self._loop.time()), wake, stirred)
        try:
            await stirred
        finally:
            self._waiters.discard(stirred)
            if handle is not None:
                handle.cancel()

    def _forget(self, until_s: float) -> bool:
        """Drop the times up to then. Returns True if there were any."""
        before = len(self._times)
        while self._times and self._times[0] <= until_s:
            heapq.heappop(self._times)
        return len(self._times) < before

    def _stir(self) -> None:
        for waiter in self._waiters:
            wake(waiter)
