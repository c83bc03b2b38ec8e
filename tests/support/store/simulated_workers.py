"""Workers on the scripts' clock: they call when they are told to, have slots, settle late, and may be late themselves.

The pace is that of `taskqueue_worker.pace`: a worker without room lets its time pass, one that was given all it asked
for calls again once it has room, and results wait a second for a call that carries them anyway.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from taskqueue.models.outcome import Outcome
from taskqueue.store.claim import Claim, Result, claim

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from taskqueue.store.connection import Store
    from tests.support.store.script_clock import ScriptClock

LEASE_MS = 600_000
_MAX_JOBS = 100
_SETTLE_US = 1_000_000
_GATHER_US = 2_000
_REACH_US = 100_000
_FORGOTTEN_US = 200_000


class Start(NamedTuple):
    """A start as the store booked it. due_us: of the job; called_us: of the call that leased it."""

    type: str
    user: str
    due_us: int
    start_us: int
    called_us: int
    id: str

    @classmethod
    def read(cls, lease: str, start_us: int, called_us: int) -> Start:
        task_type, user, occurrence, due_ms, _ = lease.split("|")[:5]
        begin_us = 0 if occurrence.startswith("~") else int(occurrence) * 1_000_000
        due_us = begin_us + int(due_ms) * 1_000
        return cls(task_type, user, due_us, start_us, called_us, occurrence.removeprefix("~"))


class Caller(Protocol):
    """Who calls the store at times of its own.   late_us: the most that a call is late."""

    late_us: int

    def next_us(self) -> float: ...

    async def call(self, store: Store, now_us: int) -> Claim | None: ...


@dataclass
class SimulatedWorker:
    """slots: jobs that it runs at a time.   service_us: how long each runs.   late_us: the most that a call is late.

    calls: those that took jobs (taking), that only settled results (settling), and others (empty).
    """

    name: str
    slots: int = 100
    service_us: int = 0
    late_us: int = 0
    seq: int = 0
    hungry: bool = True
    room_us: float = 0
    booked_us: float = 0
    times: list[float] = field(default_factory=list)
    running: list[tuple[int, str]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    result_us: float = math.inf
    calls: Counter[str] = field(default_factory=Counter)

    def next_us(self) -> float:
        """Return when this worker calls next, if nothing makes it late."""
        first = self.running[0][0] if self.running else math.inf
        candidates = [self.result_us, first + _SETTLE_US]
        if self.times:
            candidates.append(self.times[0])
        if self.hungry:
            candidates.append(max(self.room_us, first + _GATHER_US if len(self.running) >= self.slots else 0))
        return min(candidates)

    async def call(self, store: Store, now_us: int) -> Claim | None:
        """Call now; None if the worker has no room and nothing to settle."""
        while self.running and self.running[0][0] <= now_us:
            end_us, lease = heapq.heappop(self.running)
            self.results.append(Result(lease, Outcome.DONE, ran_us=self.service_us))
            self.result_us = min(self.result_us, end_us + _SETTLE_US)
        free = min(self.slots - len(self.running), _MAX_JOBS)
        came = any(at_us <= now_us + _GATHER_US for at_us in self.times)
        self.times = [at_us for at_us in self.times if at_us > now_us + _GATHER_US]
        if not free and self.result_us > now_us:
            self.hungry = self.hungry or not self.times
            assert came or self.hungry
            return None
        self.seq += 1
        results, self.results, self.result_us = self.results, [], math.inf
        got = await claim(store, self.name, self.seq, free, LEASE_MS, results, has_time=bool(self.times))
        self.calls["taking" if got.jobs else "settling" if results else "empty"] += 1
        for job in got.jobs:
            heapq.heappush(self.running, (max(now_us, job.start_us) + self.service_us, job.lease))
            self.booked_us = max(self.booked_us, job.start_us)
        if free:
            self.hungry = got.next_call_us < 0
            self.room_us = max(now_us + _GATHER_US, self.booked_us - _REACH_US)
            if got.next_call_us > 0:
                heapq.heappush(self.times, got.next_call_us)
            elif got.next_call_us == 0 and not self.times:
                heapq.heappush(self.times, now_us + _FORGOTTEN_US)
        return got


async def work(
    store: Store,
    clock: ScriptClock,
    callers: Sequence[Caller],
    seconds: float,
    chance: random.Random,
) -> list[Start]:
    """Let workers work, and return what they started, in the order in which it was booked."""
    began_us = clock.now_us
    started: list[Start] = []
    times = [(began_us + chance.random() * caller.late_us, k) for k, caller in enumerate(callers)]
    heapq.heapify(times)
    while times[0][0] < began_us + seconds * 1e6:
        at_us, k = heapq.heappop(times)
        caller = callers[k]
        if at_us > clock.now_us:
            await clock.set(math.ceil(at_us))
        got = await caller.call(store, clock.now_us)
        if got:
            started += [Start.read(job.lease, job.start_us, clock.now_us) for job in got.jobs]
        following_us = max(caller.next_us(), clock.now_us + 1)
        heapq.heappush(times, (following_us + chance.random() * caller.late_us, k))
    return started
