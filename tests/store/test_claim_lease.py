"""Leases: the one record of work in flight. Lost jobs come back, late results change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import ConcurrencyPolicy, Schedule, TaskType
from taskqueue.store.claim import CODES, Alone, Result
from taskqueue.store.dead import read_dead
from taskqueue.store.heartbeat import heartbeat
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)


async def vanish(world: World) -> None:
    """All leases ran out, long after the last gap in calls."""
    for member in await raw(world.store).zrange(world.store.keys("leases"), 0, -1):
        await raw(world.store).zadd(world.store.keys("leases"), {member: world.clock.now_ms})


async def test_a_lease_lasts_from_the_start_of_its_job(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    (job,) = (await world.claim(lease_ms=5_000)).jobs
    expiry = await raw(world.store).zscore(world.store.keys("leases"), job.lease)
    assert expiry == job.start_us // 1000 + 5_000


async def test_a_vanished_workers_job_runs_again_as_a_loss(
    world: World,
) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    (first,) = (await world.claim("one")).jobs
    await vanish(world)
    (second,) = (await world.claim("two", alone=Alone.NOW)).jobs
    assert (second.failures, second.losses) == (0, 1)
    assert second.lease.split("|")[:5] == first.lease.split("|")[:5]
    assert await world.total("lost") == 1
    await world.conserved()


@pytest.mark.parametrize("outcome", CODES)
async def test_the_result_of_a_lost_lease_changes_nothing(world: World, outcome: Outcome) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    (first,) = (await world.claim("one")).jobs
    await vanish(world)
    (second,) = (await world.claim("two", alone=Alone.NOW)).jobs
    before = await world.waiting()
    await world.claim("one", n=0, results=[Result(first.lease, outcome, 0, "")])
    assert await world.waiting() == before == {}
    assert await raw(world.store).zrange(world.store.keys("leases"), 0, -1) == [second.lease.encode()]
    await world.conserved()


@pytest.mark.parametrize(
    ("name", "is_job"),
    [
        ("sync|u|1000|0|0", True),
        ("sync|u|9999999999|9999999999999|9999999999999999", True),
        ("sync|u|99999999998|0|0", True),
        ("sync|u|99999999999|1000|0", False),
        ("sync|u|1000|100000000000000|0", False),
        ("sync|u|1000|0|10000000000000000", False),
        ("sync|u|1000|0", False),
        ("sync|u|~id|1000|0", True),
        ("sync|u|~i d|1000|0", False),
    ],
)
async def test_a_done_lease_ends_its_job_or_is_noted_as_none(world: World, name: str, is_job: bool) -> None:
    await world.install(TaskType("sync", HOUR))
    store, lease = world.store, f"{name}|w|1"
    await raw(store).zadd(store.keys("leases"), {lease: world.clock.now_ms + 60_000})
    await raw(store).hset(store.keys("attempts"), name, "1|0|0")
    await raw(store).hset(store.keys("payload"), name, "")
    await world.claim(n=0, results=[Result(lease, Outcome.DONE)])
    assert await raw(store).zcard(store.keys("leases")) == 0
    assert await raw(store).hexists(store.keys("attempts"), name) is not is_job
    assert await raw(store).hexists(store.keys("payload"), name) is not (is_job and "~" in name)
    assert await raw(store).hexists(store.keys("malformed"), f"leases {lease}") is not is_job
    assert await world.total("done") == is_job


async def test_a_job_that_kills_three_workers_is_dead(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    (name,) = await world.enqueue("sync", "u")
    for losses in range(3):
        (job,) = (await world.claim(f"w{losses}", alone=Alone.NOW)).jobs
        assert job.losses == losses
        await vanish(world)
    assert (await world.claim("last")).jobs == []
    (letter,) = await read_dead(world.store)
    assert (letter.job, letter.failures, letter.losses) == (name, 0, 3)
    assert "vanished 3 times" in letter.reason
    await world.conserved()


async def test_failures_do_not_count_as_losses(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    results: list[Result] = []
    for failures in range(5):
        (job,) = (await world.claim(results=results)).jobs
        assert (job.failures, job.losses) == (failures, 0)
        results = [Result(job.lease, Outcome.RETRIED, 0)]


async def test_a_returned_or_parked_job_uses_no_attempt(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    (job,) = (await world.claim()).jobs
    (again,) = (await world.claim(results=[Result(job.lease, Outcome.RETURNED)])).jobs
    assert (again.failures, again.losses) == (0, 0)
    assert await raw(world.store).exists(world.store.keys("attempts")) == 0


@pytest.mark.parametrize("text", ["", "types", "nonsense"])
async def test_an_unknown_limit_never_costs_a_job(world: World, text: str) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    (job,) = (await world.claim()).jobs
    assert len((await world.claim(results=[Result(job.lease, Outcome.LIMITED, 10, text)])).jobs) == 1
    await world.conserved()


async def test_nothing_is_reaped_for_one_lease_after_a_gap_in_calls(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    await world.claim("one")
    await world.clock.advance(s=90)  # nobody called, and the lease ran out
    for passed_s in (0, 20, 20, 19):
        await world.clock.advance(s=passed_s)
        assert (await world.claim("two", lease_ms=60_000)).jobs == []
    await world.clock.advance(s=1)
    assert len((await world.claim("two", lease_ms=60_000, alone=Alone.NOW)).jobs) == 1


async def test_a_lease_of_the_old_server_expires_later_without_loss(
    world: World,
) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    await world.claim("one")
    await vanish(world)
    await raw(world.store).hset(world.store.keys("limiter"), "server_run", "0" * 40)
    for passed_s, jobs in ((0, 0), (29, 0), (29, 0), (2, 1)):
        await world.clock.advance(s=passed_s)
        assert len((await world.claim("two")).jobs) == jobs
        assert await world.total("returned") == jobs
    assert await world.total("lost") == 0
    assert await raw(world.store).exists(world.store.keys("attempts")) == 0


async def test_heartbeats_prove_calls_while_workers_are_busy(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    await world.claim("one", lease_ms=60_000)
    for _ in range(4):  # no claim for far longer than half a lease, a heartbeat every third of one
        await world.clock.advance(s=20)
        await heartbeat(world.store, "two", 60_000, b"{}", [], [])
    assert len((await world.claim("two", lease_ms=60_000, alone=Alone.NOW)).jobs) == 1


async def test_the_first_heartbeat_after_a_gap_keeps_the_gap(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    await world.claim("one", lease_ms=60_000)
    await world.clock.advance(s=90)
    await heartbeat(world.store, "two", 60_000, b"{}", [], [])
    await world.claim("two", lease_ms=60_000)
    assert await world.total("lost") == 0


async def test_a_call_returns_a_bounded_number_of_leases(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", *(f"u{k}" for k in range(50)))
    await world.claim(n=50)
    await vanish(world)
    await world.claim("two", n=0)
    assert await world.total("lost") == 20


async def test_a_lost_lease_does_not_block_the_next_run(world: World) -> None:
    await world.install(TaskType("sync", HOUR, concurrency_policy=ConcurrencyPolicy.FORBID))
    await world.subscribe("u", "sync")
    await world.occur("sync")
    await world.claim("one")
    await vanish(world)
    await world.claim("two", n=0)
    assert await raw(world.store).exists(world.store.keys("exclusive")) == 0
    assert len((await world.claim("two", alone=Alone.NOW)).jobs) == 1


async def test_a_job_returned_with_a_delay_is_leased_after_it(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    (job,) = (await world.claim()).jobs
    assert (await world.claim(results=[Result(job.lease, Outcome.RETURNED, 60_000)])).jobs == []
    ((name, due_ms),) = await raw(world.store).zrange(
        world.store.keys("ready:global:normal"), 0, -1, withscores=True
    )
    assert job.lease.startswith(name.decode())
    assert 50_000 < due_ms - world.clock.now_us / 1000 <= 60_000
    assert (await raw(world.store).hgetall(world.store.keys("attempts"))) == {}
    await world.conserved()
