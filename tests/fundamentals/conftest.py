"""A release in one process, for tests that explain one concept each: read these files first.

Scheduler and workers are called in turn, on a real Valkey. The clock stands still until a test lets time pass.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Subscription, UserSubscription
from taskqueue.scheduler.publisher import Publisher
from taskqueue.scheduler.ticker import Ticker
from taskqueue.store import job_name
from taskqueue.store.audit import audit
from taskqueue.store.claim import Alone, JobLease, Result, claim
from taskqueue.store.enqueue import enqueue
from taskqueue.store.limits import set_rate
from taskqueue.testing import run_handler_async
from taskqueue_worker.results import backoff_ms
from tests.support.store.script_clock import BEGIN_US

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taskqueue.handlers.registry import Function
    from taskqueue.models.values import Limit, TaskType
    from taskqueue.store.connection import Store
    from tests.support.store.script_clock import ScriptClock

LEASE_S = 60
#: 2027-01-15 08:00:00 UTC, the full second before every test begins.
BEGIN_S = BEGIN_US // 1_000_000
SECOND_US = 1_000_000
#: Scheduler and workers call at least so often.
PERIOD_US = SECOND_US // 4
#: Every job runs for so long.
RUN_US = 1_000


class Job(NamedTuple):
    """A leased job. Times are in seconds since 08:00:00.

    due_s: its period's start and the subscription's offset. start_s: the exact start that the limit reserved.
    period_s: the start of its period; None for an enqueued job.
    """

    type: str
    user: str
    due_s: float
    start_s: float
    period_s: int | None
    params: dict[str, Any]
    failures: int
    lease: str


@dataclass
class Worker:
    """A worker's calls: the number of the last, the results to hand over with the next, and its time."""

    name: str
    calls: int = 0
    results: list[Result] = field(default_factory=list)
    calls_at_us: int = 0


class Release:
    """The scheduler and the workers of one release. A test begins at 08:00:00 UTC."""

    def __init__(self, store: Store, clock: ScriptClock) -> None:
        self.store = store
        self.clock = clock
        self.publisher = Publisher(store)
        self.ticker = Ticker(store)
        self._types: dict[str, TaskType] = {}
        self._workers: dict[str, Worker] = {}

    async def publish(
        self,
        *types: TaskType,
        users: Iterable[str] = (),
        limit: float = 1_000,
        limits: Iterable[Limit] = (),
    ) -> None:
        """Apply manifests in which every user subscribes to every type.

        limit: the global one, starts per second.   limits: by name.
        """
        await set_rate(self.store, limit)
        names = tuple(Subscription(one.name) for one in types)
        await self.apply(
            {one.name: one for one in types},
            {user: UserSubscription(user, names) for user in users},
            {one.name: one for one in limits},
        )

    async def apply(
        self,
        types: dict[str, TaskType],
        users: dict[str, UserSubscription],
        limits: dict[str, Limit] | None = None,
    ) -> None:
        """Apply manifests: types and limits by name, users by id."""
        self._types |= types
        await self.publisher.publish(types, users, limits=limits or {})

    async def pass_time(self, seconds: float) -> None:
        """Let time pass with a scheduler and without workers."""
        await self.work(seconds, workers=0)

    async def work(
        self, seconds: float, handler: Function | None = None, *, workers: int = 1, at_most: int = 100
    ) -> list[Job]:
        """Let time pass with a scheduler and workers; return the started jobs, the earliest first."""
        started: list[Job] = []
        names = [f"worker-{k}" for k in range(workers)]
        end_us = self.clock.now_us + round(seconds * SECOND_US)
        while self.clock.now_us < end_us:
            await self.ticker.turn()
            for name in names:
                if self._worker(name).calls_at_us <= self.clock.now_us:
                    jobs = await self.lease(name, at_most)
                    started += jobs
                    for job in jobs:
                        await self.run(job, handler or _succeed, name)
            times = [self._worker(name).calls_at_us for name in names]
            await self.clock.set(min([end_us, self.clock.now_us + PERIOD_US, *times]))
        for name in names:
            await self.lease(name, 0)
        return sorted(started, key=lambda job: job.start_s)

    async def lease(self, worker: str = "worker-0", at_most: int = 100) -> list[Job]:
        """Settle a worker's results and claim jobs for it."""
        caller = self._worker(worker)
        caller.calls += 1
        answer = await claim(
            self.store, worker, caller.calls, at_most, LEASE_S * 1_000, caller.results, alone=Alone.NOW
        )
        caller.results = []
        later_us = answer.now_us + PERIOD_US
        caller.calls_at_us = max(min(answer.next_call_us, later_us), answer.now_us + 10_000)
        return [_job(one) for one in answer.jobs]

    async def run(self, job: Job, handler: Function, worker: str = "worker-0") -> None:
        """Run a handler for a leased job; its outcome is settled by the worker's next call."""
        ended = await run_handler_async(handler, type=job.type, user=job.user, params=job.params)
        wait_ms = round((ended.delay_s or 0) * 1_000)
        match ended.outcome:
            case Outcome.DONE:
                result = Result(job.lease, Outcome.DONE, ran_us=RUN_US)
            case Outcome.LIMITED:
                result = Result(job.lease, Outcome.LIMITED, wait_ms)
            case Outcome.RETRIED if job.failures + 1 < self._types[job.type].retry.max_attempts:
                backoff = backoff_ms(self._types[job.type].retry, job.failures + 1)
                result = Result(job.lease, Outcome.RETRIED, wait_ms or backoff, ran_us=RUN_US)
            case _:
                result = Result(job.lease, Outcome.DEAD, 0, ended.reason, RUN_US)
        self._worker(worker).results.append(result)

    async def enqueue(self, task_type: str, *users: str, job_id: str | None = None) -> list[str]:
        """Enqueue a job for each user, as an application does; return the names of the jobs."""
        return [await enqueue(self.store, task_type, user, job_id=job_id) for user in users]

    async def totals(self) -> Counter[str]:
        """Return the counters of jobs (emitted, done, dead, missed and more), which must balance."""
        found = await audit(self.store)
        assert found.difference == 0, found
        return Counter(found.totals)

    def _worker(self, name: str) -> Worker:
        return self._workers.setdefault(name, Worker(name))


def _job(claimed: JobLease) -> Job:
    name = job_name.parse(claimed.lease)
    start_s = claimed.start_us / SECOND_US - BEGIN_S
    period_s = None if name.occurrence is None else name.occurrence - BEGIN_S
    params = json.loads(claimed.params or "{}")
    due_s = name.due_ms / 1_000 - BEGIN_S
    return Job(name.type, name.user, due_s, start_s, period_s, params, claimed.failures, claimed.lease)


async def _succeed(_job: object) -> None:
    """Do the work of a handler that always succeeds."""


@pytest.fixture
async def release(store: Store, ticking_clock: ScriptClock) -> Release:
    """A release that has run for a second: a store that none ever used starts nothing before."""
    made = Release(store, ticking_clock)
    await made.publish()
    await made.clock.set(BEGIN_US - SECOND_US)
    await made.lease()
    await made.clock.set(BEGIN_US)
    return made
