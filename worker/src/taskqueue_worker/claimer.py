"""The claimer decides when to call claim and for how many jobs, and hands the jobs to the slots.

Two calls may be in flight, so that the store works while jobs run.
"""

import asyncio

import structlog

from taskqueue.models.outcome import Outcome
from taskqueue.store.claim import Claim, JobLease, Result
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.wakeup import wait_for_wakeup
from taskqueue_worker.calls import Calls
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.pace import Pace
from taskqueue_worker.slots import ConcurrencySlots
from taskqueue_worker.suspects import Suspects
from taskqueue_worker.task_types import TaskTypes

log = structlog.get_logger("taskqueue.worker")

#: Calls of claim that may be in flight.
CHANNELS = 2
#: The store's scripts are bounded: no call takes more jobs.
_MAX_JOBS = 100
#: Calls of each channel before the first that takes jobs. One delayed reply must not be the only known bound of the
#: store's clock: a new worker would start its first jobs late by that delay.
_CALLS_FOR_THE_CLOCK = 3
#: Time until a job whose type cannot be read is tried again.
_UNREADABLE_MS = 1_000
#: Less than the time after which a silent store counts as away.
_WAKEUP_TIMEOUT_S = 1.0
#: A worker that passed a wake-up on takes the next one after this pause.
_PASSED_ON_S = 0.05
_RETRY_S = 1.0


class Claimer:
    """Decides when to claim and how much, and turns answers into leased jobs. leased: jobs so far."""

    def __init__(
        self,
        calls: Calls,
        types: TaskTypes,
        pace: Pace,
        suspects: Suspects,
        slots: ConcurrencySlots,
    ) -> None:
        self._calls = calls
        self._types = types
        self._pace = pace
        self._suspects = suspects
        self._slots = slots
        self._loop = asyncio.get_running_loop()
        self._asked = 0
        self.leased = 0

    async def channel(self, number: int) -> None:
        """Claim until the worker drains."""
        for _ in range(_CALLS_FOR_THE_CLOCK):
            await self._calls.read_clock(number)
        while not self._calls.draining:
            free = self._room()
            next_s = min(self._pace.next_s(free), self._suspects.next_s())
            if next_s > self._loop.time():
                await self._pace.wait(next_s)
            elif (
                free <= 0 and self._pace.forget_passed_times()
            ):  # no room at a time to call: another worker must
                await self._calls.pass_wakeup_on()
            else:
                await self._call(number, free)

    async def listen(self, wakeups: Store) -> None:
        """Have an ad hoc job wake one idle worker at once, until this one drains; a full worker passes the wake-up on.

        wakeups: a store with a connection that may wait.
        """
        while not self._calls.draining:
            try:
                if await wait_for_wakeup(wakeups, _WAKEUP_TIMEOUT_S):
                    if self._slots.free > 0 and not self._suspects.stands_aside and not self._calls.draining:
                        self._pace.call()
                    else:
                        await self._calls.pass_wakeup_on()
                        await asyncio.sleep(_PASSED_ON_S)
            except StoreFailure:
                await asyncio.sleep(_RETRY_S)

    def _room(self) -> int:
        """Return for how many jobs the next call may ask."""
        most = min(_MAX_JOBS, self._pace.reach.jobs(self._calls.rate))
        free = max(0, int(min(self._slots.free - self._asked, most)))
        return self._suspects.room(free, self._asked)

    async def _call(self, channel: int, free: int) -> None:
        """Make one call for at most `free` jobs, and learn from the answer when to call next."""
        self._pace.calling()
        offer = self._suspects.offer(free)
        self._asked += free
        try:
            answer = await self._calls.ask(channel, free, offer)
            if answer is None:
                return
            await self._take(answer)
        finally:
            self._asked -= free
        self._suspects.answered(offer, answer, self._asked)
        if not free:  # the store names a time for workers with room alone
            return
        if answer.next_call_us < 0:
            self._pace.call_when_free()
        elif answer.next_call_us == 0:
            self._pace.call_at(None)
        else:
            self._pace.call_at(self._calls.clock.to_loop(answer.next_call_us))

    async def _take(self, answer: Claim) -> None:
        """Hand the jobs of an answer to the slots, or give them back."""
        if answer.jobs and answer.version != self._types.version:
            try:
                await self._types.refresh()
            except StoreFailure as error:
                log.warning("types not read, jobs returned", jobs=len(answer.jobs), error=str(error))
                self._give_back(*answer.jobs)
                return
        if self._calls.draining:  # the worker was told to stop while the call was in flight
            self._give_back(*answer.jobs)
            return
        leased = self._bind(answer)
        self.leased += len(leased)
        if leased:
            self._pace.holds_jobs_until(leased[-1].start_s)
        self._slots.add(leased)

    def _bind(self, answer: Claim) -> list[LeasedJob]:
        """Bind each job to its type and its start to the loop's clock; jobs without a type go back."""
        find, to_loop = self._types.get, self._calls.clock.to_loop
        leased = []
        for job in answer.jobs:
            name = job.lease.partition("|")[0]
            bound = find(name)
            if bound is not None:
                start_s = to_loop(job.start_us)
                apart_s = None if job.apart_us is None else job.apart_us / 1e6
                leased.append(
                    LeasedJob(job.lease, bound, job.params, job.failures, job.losses, start_s, apart_s)
                )
            elif name in self._types.unreadable:  # until its record is written again
                self._calls.outbox.add(Result(job.lease, Outcome.LIMITED, _UNREADABLE_MS, f"type:{name}"))
            else:  # the type is gone: the next claim of this job drops it
                self._give_back(job)
        return leased

    def _give_back(self, *jobs: JobLease) -> None:
        for job in jobs:
            self._calls.outbox.add(Result(job.lease, Outcome.RETURNED))
