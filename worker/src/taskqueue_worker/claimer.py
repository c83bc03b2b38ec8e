"""Calls claim when it is worth a call. Two calls may be in flight, so that the store works while jobs run."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable
from itertools import count

import structlog

from taskqueue.plan.limiter import STRETCH
from taskqueue.store.claim import Alone, Claim, ClaimedJob, Result, claim
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.lease import pass_wakeup_on
from taskqueue_worker import outbox
from taskqueue_worker.clock import ServerClock
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.liveness.cancellation import absorb_cancellation
from taskqueue_worker.outbox import Outbox
from taskqueue_worker.pace import Pace
from taskqueue_worker.probes import Life
from taskqueue_worker.slots import Slots
from taskqueue_worker.suspects import Suspects
from taskqueue_worker.task_types import BoundType, TaskTypes

log = structlog.get_logger("taskqueue.worker")

CHANNELS = 2
#: The store's scripts are bounded: no call takes more jobs than this.
_MOST_JOBS = 100
#: Calls of each channel before the first that takes jobs: one reply that was held up must not be all that is known of
#: the store's clock, or a new worker would start its first jobs late by as much.
_CALLS_FOR_THE_CLOCK = 3
#: A type whose record cannot be read is tried again so often.
_UNREADABLE_MS = 1_000
_RETRY_MIN_S, _RETRY_MAX_S = 0.05, 1.0


class Claimer:
    """calls, started: so many calls of claim, and so many jobs from them.

    draining: claim no more. ended: a cancellation is the worker's own; before, user code made it, and it is ignored.
    closed_us: until when a handler shut the global limit, server clock; 0 if it is open.
    """

    def __init__(
        self,
        store: Store,
        worker: str,
        lease_ms: int,
        types: TaskTypes,
        clock: ServerClock,
        pace: Pace,
        results: Outbox,
        slots: Slots,
        life: Life,
        suspects: Suspects,
    ) -> None:
        self._store = store
        self._worker = worker
        self._lease_ms = lease_ms
        self._types = types
        self._clock = clock
        self._pace = pace
        self._results = results
        self._slots = slots
        self._life = life
        self._suspects = suspects
        self._loop = asyncio.get_running_loop()
        self._asked = 0
        self._sequences = [count(1) for _ in range(CHANNELS)]
        self.draining = False
        self.ended = False
        self.calls = 0
        self.started = 0
        self.closed_us = 0
        self._rate = 0.0

    async def channel(self, number: int) -> None:
        """Claims until the worker drains."""
        worker = f"{self._worker}.{number}"
        sequence = self._sequences[number]
        for _ in range(_CALLS_FOR_THE_CLOCK):
            await self._claim(worker, next(sequence), 0, [])
        while not self.draining:
            most = min(_MOST_JOBS, self._pace.reach.jobs(self._rate))
            free = max(0, int(min(self._slots.free - self._asked, most)))
            free = self._suspects.room(free, self._asked)
            next_s = min(self._pace.next_s(free), self._suspects.next_s())
            if next_s > self._loop.time():
                await self._pace.wait(next_s)
                continue
            if free <= 0 and self._pace.missed():
                with contextlib.suppress(StoreFailure):
                    await pass_wakeup_on(self._store)
                continue
            await self._call(worker, next(sequence), free)

    async def settle(self, until_s: float) -> bool:
        """Reports every result that is left; False if the store could not be reached by until_s."""
        sequence = count(1)
        while self._results and self._loop.time() < until_s:
            results = self._results.take()
            answer = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until_s):
                    answer = await self._claim(f"{self._worker}.end", next(sequence), 0, results, until_s)
            if answer is None:
                self._results.put_back(results)
        return not self._results

    async def _call(self, worker: str, seq: int, free: int) -> None:
        results = self._results.take()
        self._pace.calling()
        said = self._suspects.word(free)
        self._asked += free
        try:
            try:
                answer = await self._claim(worker, seq, free, results, said=said)
            except BaseException:
                self._results.put_back(results)  # reported twice, they change nothing
                raise
            if answer is None:  # draining: whatever the lost call leased comes back when its lease ends
                self._results.put_back(results)
                return
            await self._take(answer)
        finally:
            self._asked -= free
        self._suspects.answered(said, answer, self._asked)
        if not free:
            return
        if answer.come_back_us < 0:
            self._pace.come_when_free()
        else:
            self._pace.come_back(self._clock.to_loop(answer.come_back_us) if answer.come_back_us else None)

    async def _claim(
        self,
        worker: str,
        seq: int,
        free: int,
        results: list[Result],
        until_s: float | None = None,
        said: Alone = Alone.NOT_NOW,
    ) -> Claim | None:
        """The same call until it is answered, for the store remembers (worker, seq).

        None if that was not until until_s, or, without it, if the worker drains meanwhile.
        """
        wait_s = _RETRY_MIN_S
        while True:
            sent_s = self._loop.time()
            try:
                self.calls += 1
                has_time = self._pace.has_time()
                answer = await claim(
                    self._store, worker, seq, free, self._lease_ms, results, has_time=has_time, alone=said
                )
            except StoreFailure as error:
                self._life.refused(str(error))
                if wait_s == _RETRY_MIN_S:
                    log.warning("claim failed, nothing starts", error=str(error))
                if self.draining if until_s is None else self._loop.time() + wait_s >= until_s:
                    return None
                await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
                wait_s = min(2 * wait_s, _RETRY_MAX_S)
                continue
            except asyncio.CancelledError:
                if self.ended or until_s is not None:
                    raise
                await absorb_cancellation()
                log.warning("claim cancelled by user code, repeated")
                continue
            self._life.answered()
            self._clock.observe(sent_s, self._loop.time(), answer.now_us)
            self.closed_us = answer.closed_us
            self._rate = answer.rate
            return answer

    async def _take(self, answer: Claim) -> None:
        if answer.jobs and answer.version != self._types.version:
            try:
                await self._types.refresh()
            except StoreFailure:
                log.warning("types not read, jobs returned", jobs=len(answer.jobs))
                self._give_back(answer.jobs)
                return
        if self.draining:  # what a call in flight brought when the worker was told to stop
            self._give_back(answer.jobs)
            return
        spacing_s = STRETCH / answer.rate if answer.rate > 0 else 0.0
        find: Callable[[str], BoundType | None] = self._types.get
        jobs = []
        for job in answer.jobs:
            name = job.member.partition("|")[0]
            bound = find(name)
            if bound is None and name in self._types.unreadable:  # until its record is written again
                self._results.add(Result(job.member, "c", _UNREADABLE_MS, "type"))
                continue
            if bound is None:  # gone since: the next claim of this job drops it
                self._give_back([job])
                continue
            start_s = self._clock.to_loop(job.start_us)
            jobs.append(
                LeasedJob(job.member, bound, job.params, job.failures, job.losses, start_s, spacing_s)
            )
        self.started += len(jobs)
        if jobs:
            self._pace.booked(jobs[-1].start_s)
        self._slots.add(jobs)

    def _give_back(self, jobs: Iterable[ClaimedJob]) -> None:
        for job in jobs:
            self._results.add(outbox.returned(job.member))
