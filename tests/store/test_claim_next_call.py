"""Workers are told when to call again, each its own time: about one call a start, however many workers idle.

Workers are simulated: each keeps every time it was given in a heap and calls when the first has come.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.claim import Result, claim
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
PREFIX = "sync|u|~"


@dataclass
class Fleet:
    """W idle workers; dues and times to call are counted from when they begin."""

    world: World
    workers: int
    n: int
    calls: int = 0
    started: int = 0
    late_us: list[int] = field(default_factory=list)

    async def run(self, dues_us: list[int], until_us: int, look_ahead_us: int = 1_000_000) -> None:
        zero_us = self.world.clock.now_us
        heap = [(0, worker) for worker in range(self.workers)]
        pending: dict[int, list[Result]] = {}
        at = 0
        while heap and heap[0][0] <= until_us:
            now_us, worker = heapq.heappop(heap)
            while at < len(dues_us) and dues_us[at] <= now_us + look_ahead_us:
                job = f"{PREFIX}{dues_us[at]}|0|0"
                await put_ready(self.world.store, "normal", {job: (zero_us + dues_us[at]) // 1_000})
                at += 1
            await self.world.clock.set(zero_us + now_us)
            got = await self.world.claim(str(worker), n=self.n, results=pending.pop(worker, []))
            self.calls += 1
            self.started += len(got.jobs)
            for started in got.jobs:
                due_us = int(started.lease.split("~")[1].split("|")[0])
                self.late_us.append(started.start_us - zero_us - due_us)
            pending[worker] = [Result(started.lease, Outcome.DONE) for started in got.jobs]
            next_us = got.next_call_us - zero_us if got.next_call_us >= 0 else now_us + 1_000
            heapq.heappush(heap, (max(next_us, now_us + 1), worker))


@pytest.mark.parametrize("workers", [1, 4, 100])
async def test_an_unsaturated_start_is_punctual_in_1_5_calls(world: World, workers: int) -> None:
    await world.install(TaskType("sync", HOUR), rate=100)
    fleet = Fleet(world, workers, n=10)
    seconds = 10
    dues = [round(1e6 + k * 1e6 / 30 + 7_919 * (k % 5)) for k in range(30 * seconds)]
    await fleet.run(dues, 1_000_000 * (seconds + 2))
    assert fleet.started == len(dues)
    assert (fleet.calls - workers) / fleet.started <= 1.5  # the first call of each worker is not for a start
    late = sorted(fleet.late_us)
    assert late[len(late) // 2] <= 3_000
    assert late[len(late) * 99 // 100] <= 15_000


@pytest.mark.parametrize("workers", [1, 4, 20])
async def test_saturated_a_start_costs_at_most_a_fifth_of_a_call(world: World, workers: int) -> None:
    await world.install(TaskType("sync", HOUR), rate=100)
    fleet = Fleet(world, workers, n=50)
    await fleet.run(list(range(1_500)), 10_000_000)
    assert fleet.started >= 0.975 * 100 * 10 / 1.015
    assert fleet.calls / fleet.started <= 0.2


@pytest.mark.parametrize("workers", [1, 4, 100])
async def test_idle_workers_poll_in_turn(world: World, workers: int) -> None:
    await world.install(TaskType("sync", HOUR), rate=100)
    fleet = Fleet(world, workers, n=10)
    await fleet.run([], 20_000_000)
    a_second = max(5, workers / 15)  # each at least every 15 s: an answered claim is its sign of life
    assert fleet.calls <= workers + 20 * a_second + 1


async def test_a_full_worker_gets_no_time_to_poll(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "a", "b")
    assert (await world.claim(n=1)).next_call_us == -1
    assert (await world.claim(n=0)).next_call_us == -1


async def test_two_workers_never_wait_for_the_same_due(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "a", delay_ms=300)
    await world.enqueue("sync", "b", delay_ms=500)
    first, second, third = [(await world.claim(f"w{k}")).next_call_us - world.clock.now_us for k in range(3)]
    begun_us = world.clock.now_us % 1_000  # dues are whole milliseconds
    assert (first, second, third) == (294_000 - begun_us, 494_000 - begun_us, 200_000)


@pytest.mark.parametrize(("ahead_ms", "called_ms"), [(899, 200), (900, 894), (0, 894)])
async def test_no_due_behind_the_cursor_is_waited_for(world: World, ahead_ms: int, called_ms: int) -> None:
    """An earlier job may yet be emitted; a cursor that does not lead the clock tells nothing."""
    await world.install(TaskType("sync", HOUR))
    now_ms = world.clock.now_ms
    await raw(world.store).set(world.store.keys("cursor"), now_ms + ahead_ms)
    await world.enqueue("sync", "u", delay_ms=900)
    assert (await world.claim()).next_call_us // 1_000 - now_ms == called_ms


async def test_a_worker_with_a_next_call_gets_no_second_one(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    first = await world.claim()
    assert first.next_call_us > first.now_us
    answers = [await claim(world.store, "w", seq, 10, 15_000, has_time=True) for seq in range(2, 12)]
    assert {answer.next_call_us for answer in answers} == {0}
    other = await world.claim("other")
    assert other.next_call_us - first.next_call_us == 200_000, "nobody's turn was spent"


async def test_next_calls_of_a_backlog_reach_at_most_half_a_second(
    world: World,
) -> None:
    await world.install(TaskType("sync", HOUR), rate=100)
    await world.enqueue("sync", *(f"u{n}" for n in range(100)))
    answers = [await claim(world.store, "w", seq, 50, 15_000, has_time=True) for seq in range(1, 60)]
    last = answers[-1]
    assert all(answer.next_call_us - answer.now_us <= 750_000 for answer in answers)
    assert last.next_call_us == 0
    limiter = world.store.keys("limiter")
    assert int(await raw(world.store).hget(limiter, "due_covered_us") or 0) <= last.now_us, (
        "no due was promised"
    )


async def test_in_a_backlog_a_call_takes_half_a_horizon_or_nothing(world: World) -> None:
    await world.install(TaskType("sync", HOUR), rate=100)
    await world.enqueue("sync", *(f"u{n}" for n in range(100)))
    first = await world.claim("a", n=50)
    assert len(first.jobs) == 25, "as much as the horizon of 250 ms holds"
    polled = await world.claim("b", n=50)
    assert polled.jobs == []
    assert polled.next_call_us - polled.now_us == 25 * 10_150, "a turn of its own"
    await world.clock.advance(ms=120)
    assert (await world.claim("b", n=50)).jobs == []
    await world.clock.advance(ms=20)
    assert len((await world.claim("b", n=50)).jobs) == 140_000 // 10_150 + 1
