"""Lanes share the starts by weight, and none starves."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Priority, Schedule, TaskType
from taskqueue.store.claim import Result
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
USERS = [f"u{k}" for k in range(200)]


async def fill(world: World, cost: int = 1) -> None:
    """A backlog in every lane, the less important the older."""
    kinds = [TaskType(p.value.lower(), HOUR, priority=p, cost=cost) for p in Priority]
    await world.install(*kinds, TaskType("late", HOUR, cost=cost), rate=1_000_000)
    for age, kind in enumerate(["high", "normal", "low", "late"]):
        lane = "backfill" if kind == "late" else kind
        jobs = {
            f"{kind}|{user}|~{kind}|{1_000_000 - age * 1_000}|0": 1_000_000 - age * 1_000 for user in USERS
        }
        await put_ready(world.store, lane, jobs)


@pytest.mark.parametrize("n", [1, 2, 15])
async def test_lanes_are_served_8_to_4_to_2_to_1(world: World, n: int) -> None:
    await fill(world)
    seen: Counter[str] = Counter()
    while seen.total() < 60:
        seen.update(job.lease.split("|")[0] for job in (await world.claim(n=n)).jobs)
    assert seen == {"high": 32, "normal": 16, "low": 8, "late": 4}


async def test_weights_hold_in_calls_with_few_starts(world: World) -> None:
    await fill(world, cost=100_000)  # 100 ms each at this rate: two or three fit the horizon
    seen: Counter[str] = Counter()
    while seen.total() < 60:
        await world.warm()
        seen.update(job.lease.split("|")[0] for job in (await world.claim(n=50)).jobs)
    assert seen["high"] == pytest.approx(32, abs=3)
    assert seen["late"] == pytest.approx(4, abs=2)


async def test_an_empty_lane_yields(world: World) -> None:
    await fill(world)
    await raw(world.store).delete(
        world.store.keys.ready("global", "high"), world.store.keys.ready("global", "normal")
    )
    seen = Counter(job.lease.split("|")[0] for job in (await world.claim(n=30)).jobs)
    assert seen == {"low": 20, "late": 10}


async def test_turns_decide_the_order_of_the_starts(world: World) -> None:
    await fill(world)
    started = sorted((await world.claim(n=50)).jobs, key=lambda job: job.start_us)
    lanes = [job.lease.split("|")[0] for job in started]
    assert lanes[:15] == lanes[15:30] == lanes[30:45]
    assert Counter(lanes[:15]) == {"high": 8, "normal": 4, "low": 2, "late": 1}


async def test_a_lane_starts_its_jobs_by_due(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    jobs = {f"sync|u|~{k}|{due}|0": due for k, due in enumerate([900, 100, 500])}
    await put_ready(world.store, "normal", jobs)
    got = [int(job.lease.split("|")[3]) for _ in range(3) for job in (await world.claim(n=1)).jobs]
    assert got == [100, 500, 900]


async def test_a_job_is_leased_10_ms_early_and_starts_on_time(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "later", delay_ms=10_000)
    assert (await world.claim()).jobs == []
    now_ms = world.clock.now_ms
    name = f"sync|soon|~1|{now_ms + 8}|0"
    await put_ready(world.store, "normal", {name: now_ms + 8})
    (job,) = (await world.claim()).jobs
    assert job.lease.startswith(name)
    assert job.start_us == (now_ms + 8) * 1000


async def test_a_retry_waits_for_its_time(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    (job,) = (await world.claim()).jobs
    assert (await world.claim(results=[Result(job.lease, Outcome.RETRIED, 5_000)])).jobs == []
    score = (
        await raw(world.store).zrange(world.store.keys.ready("global", "normal"), 0, 0, withscores=True)
    )[0][1]
    assert score == world.clock.now_ms + 5_000
    await world.clock.advance(ms=4_980)
    assert (await world.claim()).jobs == []
    await world.clock.advance(ms=20)
    assert len((await world.claim()).jobs) == 1
