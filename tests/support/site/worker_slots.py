"""Slots without a store: a job goes in, its result comes out."""

import asyncio
from collections.abc import Callable
from typing import Self

import pytest

from taskqueue.handlers.registry import Runnable
from taskqueue.models.values import Retry, Schedule, TaskType
from taskqueue.store.claim import Result
from taskqueue_worker import clock
from taskqueue_worker.attempts import Attempts
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.pace import Reach
from taskqueue_worker.slots import ConcurrencySlots
from taskqueue_worker.task_types import BoundType

LIMIT_S = 30.0


async def no_permit(_: int) -> None:
    """Refuse a permit: the job under test must ask for none."""
    raise AssertionError


def open_slots(size: int, report: Callable[[Result], None]) -> ConcurrencySlots:
    attempts = Attempts(lambda _: no_permit, float, lambda _: None, Reach())
    return ConcurrencySlots(size, attempts.run, report, lambda: None)


class SlotsUnderTest:
    """Slots whose results wait in a queue. They swallow every cancellation but their own, so they must be closed.

    No job misses its slot, however busy the machine.
    """

    def __init__(self, size: int = 1) -> None:
        self.results: asyncio.Queue[Result] = asyncio.Queue()
        self.slots = open_slots(size, self.results.put_nowait)

    async def __aenter__(self) -> Self:
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(clock, "LATE_S", 3_600.0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.slots.close()
        self._patch.undo()

    def add(self, lease: str, run: Runnable | None, params: str = "") -> BoundType:
        bound = BoundType(TaskType("sync", Schedule(interval_s=60), retry=Retry(max_attempts=9)), run)
        self.slots.add([LeasedJob(lease, bound, params, 0, 0, asyncio.get_running_loop().time(), 0.01)])
        return bound

    async def run(self, lease: str, run: Runnable | None, params: str = "") -> Result:
        """Run one job and return its result."""
        self.add(lease, run, params)
        return await asyncio.wait_for(self.results.get(), LIMIT_S)
