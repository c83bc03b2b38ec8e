"""A worker's calls of claim, on a real store."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.audit import audit
from taskqueue.store.claim import Claim, claim
from taskqueue_worker import calls
from taskqueue_worker.calls import Calls, StoreContact
from taskqueue_worker.claimer import Claimer
from taskqueue_worker.clock import StoreClock
from taskqueue_worker.outbox import Outbox
from taskqueue_worker.pace import Pace
from taskqueue_worker.suspects import Suspects

if TYPE_CHECKING:
    from taskqueue_worker.leased_job import LeasedJob
    from tests.store.conftest import World

SYNC = TaskType("sync", Schedule(interval_s=3600))


class Desk:
    """A claimer with two free slots that nothing ever leaves."""

    def __init__(self, world: World) -> None:
        self.got: list[LeasedJob] = []
        self.added = asyncio.Event()
        self.clock = StoreClock()
        pace = Pace()
        types: Any = SimpleNamespace(
            version=-1, get=lambda _: SimpleNamespace(definition=SYNC), refresh=self._refresh
        )
        outbox = Outbox(pace, types.get, self.clock)
        contact = StoreContact(60)
        self.calls = Calls(world.store, "w", 5_000, self.clock, outbox, contact, pace.has_time)
        slots: Any = self
        self.claimer = Claimer(
            self.calls, types, pace, Suspects(pace, lambda: True, asyncio.get_running_loop().time), slots
        )

    @property
    def free(self) -> int:
        return 2 - len(self.got)

    def add(self, jobs: list[LeasedJob]) -> None:
        self.got += jobs
        if jobs:
            self.added.set()

    async def _refresh(self) -> None: ...


async def test_a_delayed_first_reply_makes_no_job_late(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.install(SYNC)
    await world.enqueue("sync", "ada")
    starts_us: list[int] = []
    replies = 0

    async def held_up(*args: Any, **options: Any) -> Claim:
        nonlocal replies
        answer = await claim(*args, **options)
        replies += 1
        if replies == 1:
            await world.clock.advance(ms=80)
        starts_us.extend(job.start_us for job in answer.jobs)
        return answer

    monkeypatch.setattr(calls, "claim", held_up)
    desk = Desk(world)
    desk.calls._loop = desk.claimer._loop = SimpleNamespace(time=world.clock.monotonic)  # type: ignore[assignment]
    channel = asyncio.create_task(desk.claimer.channel(0))
    await asyncio.wait_for(desk.added.wait(), 20)
    channel.cancel()
    assert desk.got[0].start_s == pytest.approx(starts_us[0] / 1e6, abs=1e-5), "by the clock of both"


async def test_jobs_of_a_late_reply_go_back_from_a_draining_worker(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.install(SYNC)
    await world.enqueue("sync", "ada", "bob")
    desk = Desk(world)

    async def drained_meanwhile(*args: Any, **options: Any) -> Claim:
        answer = await claim(*args, **options)
        desk.calls.draining = bool(answer.jobs)
        return answer

    monkeypatch.setattr(calls, "claim", drained_meanwhile)
    async with asyncio.timeout(20):
        await desk.claimer.channel(0)
    assert desk.got == []
    assert (await audit(world.store)).leased == 2
    assert await desk.calls.settle(asyncio.get_running_loop().time() + 20)
    found = await audit(world.store)
    assert (found.leased, sum(found.ready.values()), found.difference) == (0, 2, 0)


async def test_jobs_of_an_unreadable_type_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.install(SYNC)
    await world.enqueue("sync", "ada")
    desk = Desk(world)
    types: Any = SimpleNamespace(
        version=-1, get=lambda _: None, unreadable=frozenset({"sync"}), refresh=desk._refresh
    )
    desk.claimer._types = types

    async def drained_afterwards(*args: Any, **options: Any) -> Claim:
        answer = await claim(*args, **options)
        if answer.jobs:
            asyncio.get_running_loop().call_later(0.1, setattr, desk.calls, "draining", True)
        return answer

    monkeypatch.setattr(calls, "claim", drained_afterwards)
    async with asyncio.timeout(5):
        await desk.claimer.channel(0)
    assert await desk.calls.settle(asyncio.get_running_loop().time() + 5)
    found = await audit(world.store)
    assert (desk.got, found.leased, found.parked, found.difference) == ([], 0, 1, 0)
