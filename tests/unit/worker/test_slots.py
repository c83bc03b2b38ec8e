"""The slots of one worker: jobs begin at their start or not at all, and go back when the worker is told to stop."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from taskqueue.handlers.job import Job
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Schedule, TaskType
from taskqueue.plan.limiter import LATE_S
from taskqueue.store.claim import Result
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.slots import ConcurrencySlots
from taskqueue_worker.task_types import BoundType
from tests.support.process.virtual_time import virtual_time
from tests.support.site.worker_slots import open_slots


@dataclass
class Bench:
    """Slots whose jobs run until the test lets them end."""

    began: list[str] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    both: asyncio.Event = field(default_factory=asyncio.Event)
    slots: ConcurrencySlots = field(init=False)
    bound: BoundType = field(init=False)

    def __post_init__(self) -> None:
        self.bound = BoundType(TaskType("sync", Schedule(interval_s=60)), self._handle)
        self.slots = open_slots(2, self.results.append)

    async def _handle(self, job: Job) -> None:
        self.began.append(job.user)
        if len(self.began) == 2:
            self.both.set()
        await self.go.wait()

    def add(self, *users: str, ahead_s: float = 0.0) -> None:
        start_s = asyncio.get_running_loop().time() + ahead_s
        self.slots.add(LeasedJob(self.lease(user), self.bound, "", 0, 0, start_s, 0.01) for user in users)

    @staticmethod
    def lease(user: str) -> str:
        return f"sync|{user}|60|0|0|w|1"

    def outcomes(self) -> dict[str, Outcome]:
        return {result.lease.split("|")[1]: result.outcome for result in self.results}

    async def settled(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


def at_a_bench(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test in virtual time: where the loop is late, as on a busy machine, a slot gives its job up."""

    @virtual_time
    async def run() -> None:
        made = Bench()
        await made.settled()
        await test(made)
        await made.slots.close()

    return run


@at_a_bench
async def test_give_back_returns_only_jobs_not_begun(bench: Bench) -> None:
    bench.add("running")
    bench.add("next", "behind", ahead_s=30)
    await bench.settled()
    assert bench.slots.free == -1
    bench.slots.give_back()
    await bench.settled()
    assert bench.outcomes() == {"next": Outcome.RETURNED, "behind": Outcome.RETURNED}
    bench.go.set()
    await bench.slots.emptied(asyncio.get_running_loop().time() + 5)
    await bench.settled()
    assert bench.outcomes() == {"next": Outcome.RETURNED, "behind": Outcome.RETURNED, "running": Outcome.DONE}
    assert bench.began == ["running"]
    assert bench.slots.free == 2


@at_a_bench
async def test_a_job_past_its_start_gives_up_the_slot(bench: Bench) -> None:
    bench.add("late", ahead_s=-LATE_S - 0.001)
    await bench.settled()
    assert bench.outcomes() == {"late": Outcome.LATE}
    assert bench.began == []
    assert bench.bound.counts[Outcome.LATE] == 1


@at_a_bench
async def test_jobs_with_a_lost_lease_end_without_a_result(bench: Bench) -> None:
    bench.add("running")
    bench.add("next", "behind", ahead_s=30)
    await bench.settled()
    bench.slots.drop({bench.lease(user) for user in ("running", "next", "behind")})
    await bench.settled()
    assert bench.outcomes() == {}
    assert bench.slots.leases() == []
    assert bench.slots.free == 2


@at_a_bench
async def test_only_a_finished_handler_reports_its_duration(
    bench: Bench,
) -> None:
    bench.add("whole", "cut", ahead_s=0.02)
    await bench.both.wait()
    await asyncio.sleep(2)
    for job in bench.slots.running.values():
        if "|cut|" in job.lease:
            job.cancel("drain")
    await bench.settled()
    bench.go.set()
    await bench.slots.emptied(asyncio.get_running_loop().time() + 5)
    await bench.settled()
    ran_us = {result.lease.split("|")[1]: result.ran_us for result in bench.results}
    assert ran_us == {"cut": 0, "whole": pytest.approx(2_000_000, abs=1)}
