"""The global limit: starts are spaced exactly, for all workers together, on the server's clock."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Limit, LimitKey, Schedule, TaskType
from taskqueue.store.claim import Result, claim
from taskqueue.store.limits import override_rate, set_rate
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
HORIZON_US = 250_000


def spacing_us(rate: float, cost: int = 1) -> float:
    return cost * 1.015e6 / rate


async def test_starts_of_all_workers_are_spaced_within_the_horizon(world: World) -> None:
    await world.install(TaskType("sync", HOUR), rate=1_000)
    await world.enqueue("sync", *(f"u{k}" for k in range(100)))
    starts: list[int] = []
    for k in range(10):
        got = await world.claim(f"w{k % 3}", n=10)
        assert len(got.jobs) == 10
        assert all(got.now_us <= job.start_us <= got.now_us + HORIZON_US for job in got.jobs)
        starts += [job.start_us for job in got.jobs]
    assert {b - a for a, b in itertools.pairwise(starts)} == {spacing_us(1_000)}


async def test_a_worker_gets_at_most_the_horizon_and_a_callback(world: World) -> None:
    await world.install(TaskType("sync", HOUR), rate=100)
    await world.enqueue("sync", *(f"u{k}" for k in range(100)))
    got = await world.claim(n=100)
    assert len(got.jobs) == 1 + HORIZON_US * 100 // 1_015_000
    assert got.now_us < got.next_call_us <= got.now_us + HORIZON_US
    assert (await world.claim("v", n=100)).jobs == []


async def test_never_more_jobs_than_free_slots(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", *(f"u{k}" for k in range(20)))
    assert [len((await world.claim(n=n)).jobs) for n in (0, 1, 7)] == [0, 1, 7]


async def test_a_job_reserves_its_cost_in_slots(world: World) -> None:
    await world.install(TaskType("big", HOUR, cost=20), rate=1_000)
    await world.enqueue("big", "a", "b", "c")
    starts = [job.start_us for job in (await world.claim()).jobs]
    assert [b - a for a, b in itertools.pairwise(starts)] == [spacing_us(1_000, 20)] * 2


async def test_a_new_server_starts_nothing_before_the_old_horizon(world: World) -> None:
    await world.install(TaskType("sync", HOUR), rate=10)
    await world.enqueue("sync", "a")
    await raw(world.store).hset(world.store.keys("limiter"), "server_run", "0" * 40)
    first = await world.claim()
    assert first.jobs == []
    tat = await world.tat_us()
    assert tat == first.now_us + HORIZON_US + spacing_us(10)
    await world.clock.set(int(tat) - HORIZON_US - 1)
    assert (await world.claim()).jobs == []
    await world.clock.set(int(tat) - HORIZON_US // 2)
    assert [job.start_us for job in (await world.claim()).jobs] == [tat]


async def test_a_lost_limiter_waits_as_a_new_server_does(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "a", "b")
    assert len((await world.claim(n=1)).jobs) == 1
    await raw(world.store).delete(world.store.keys("limiter"))
    first = await world.claim()
    tat = await world.tat_us()
    assert first.jobs == []
    assert tat == first.now_us + HORIZON_US + spacing_us(1_000)


async def test_a_new_store_has_every_limit_free(world: World) -> None:
    daily = Limit("daily", LimitKey.RELEASE, 1 / 86_400)
    await world.install(TaskType("sync", HOUR, limits=("daily",)), limits=[daily])
    await raw(world.store).delete(world.store.keys("limiter"))
    await world.enqueue("sync", "a")
    (job,) = (await world.claim()).jobs
    assert job.start_us == world.clock.now_us


async def test_a_new_server_keeps_a_later_booking_of_the_old_one(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    later = world.clock.now_us + 60_000_000
    await raw(world.store).hset(
        world.store.keys("limiter"), mapping={"server_run": "0" * 40, "start_us": later, "cost": 0}
    )
    await world.claim()
    assert await world.tat_us() == later + spacing_us(1_000)


@pytest.mark.parametrize("rate", [None, 0.0, -1.0])
async def test_without_a_limit_nothing_starts(world: World, rate: float | None) -> None:
    await world.install(TaskType("sync", HOUR), rate=rate)
    await world.enqueue("sync", "a")
    got = await world.claim()
    assert (got.jobs, got.rate) == ([], -1)
    assert got.next_call_us > got.now_us
    await set_rate(world.store, 1_000)
    await world.warm()
    assert len((await world.claim()).jobs) == 1


async def test_an_override_replaces_the_limit_at_once(world: World) -> None:
    await world.install(TaskType("sync", HOUR), rate=1_000)
    await override_rate(world.store, 50)
    await world.enqueue("sync", *"abcdef")
    got = await world.claim()
    assert got.rate == pytest.approx(50)
    assert {b.start_us - a.start_us for a, b in itertools.pairwise(got.jobs)} == {spacing_us(50)}


async def test_a_repeated_call_returns_the_same_jobs(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", *"abcdef")
    first = await world.claim(n=2)
    results = [
        Result(first.jobs[0].lease, Outcome.DONE),
        Result(first.jobs[1].lease, Outcome.RETRIED, 60_000),
    ]
    second = await world.claim(n=2, results=results)
    for _ in range(2):
        assert (await world.again("w", 2, results)).jobs == second.jobs
    assert (await world.total("done"), await world.total("retried"), await world.total("leased")) == (
        1,
        1,
        4,
    )
    await world.conserved()


async def test_a_repeated_call_omits_lost_jobs(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "a", "b")
    first = await world.claim(n=2)
    await raw(world.store).zrem(world.store.keys("leases"), first.jobs[0].lease)
    assert (await world.again("w", 2)).jobs == first.jobs[1:]


async def test_a_delayed_old_call_leases_nothing(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", *"abcdef")
    await world.claim(n=1)
    await world.claim(n=1)
    late = await claim(world.store, "w", 1, 4, 60_000)
    assert late.jobs == []
    assert await world.total("leased") == 2
    assert len((await world.claim(n=1)).jobs) == 1


async def test_a_raised_limit_holds_from_the_next_start_on(world: World) -> None:
    await world.install(TaskType("sync", HOUR), rate=0.1)
    for user in "abc":
        await world.enqueue("sync", user)
    assert len((await world.claim()).jobs) == 1
    await set_rate(world.store, 100)
    assert len((await world.claim()).jobs) == 2


async def test_a_new_server_waits_for_the_dearest_booking_of_the_old_one(world: World) -> None:
    await world.install(TaskType("dear", HOUR, cost=7), rate=100)
    await world.enqueue("dear", "a")
    assert len((await world.claim()).jobs) == 1
    await raw(world.store).hset(world.store.keys("limiter"), "server_run", "0" * 40)
    seen = await world.claim()
    assert await world.tat_us() == seen.now_us + HORIZON_US + 7 * spacing_us(100)
