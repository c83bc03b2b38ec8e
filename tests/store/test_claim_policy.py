"""concurrencyPolicy: the fate of a job while another one of its subscription runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import ConcurrencyPolicy, Priority, Schedule, TaskType
from taskqueue.store.claim import Result
from taskqueue.store.heartbeat import heartbeat
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types, read_catalog
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)


async def sync_with(world: World, policy: ConcurrencyPolicy) -> None:
    await world.install(TaskType("sync", HOUR, concurrency_policy=policy))
    await world.subscribe("u", "sync")


@pytest.mark.parametrize(
    ("policy", "started", "ends", "leased"),
    [("Allow", 1, (0, 0), 2), ("Forbid", 0, (1, 0), 1), ("Replace", 1, (0, 1), 1)],
)
async def test_a_second_occurrence_while_one_runs(
    world: World, policy: str, started: int, ends: tuple[int, int], leased: int
) -> None:
    await sync_with(world, ConcurrencyPolicy(policy))
    await world.occur("sync")
    assert len((await world.claim()).jobs) == 1
    await world.occur("sync")
    assert len((await world.claim()).jobs) == started
    assert (await world.total("skipped"), await world.total("replaced")) == ends
    assert await raw(world.store).zcard(world.store.keys("leases")) == leased
    await world.conserved()


@pytest.mark.parametrize(
    ("policy", "occurrences", "skipped", "replaced"),
    [("Allow", [1000, 1001, 1002], 0, 0), ("Forbid", [1000], 2, 0), ("Replace", [1002], 0, 2)],
)
async def test_occurrences_claimed_in_one_call_follow_the_policy(
    world: World, policy: str, occurrences: list[int], skipped: int, replaced: int
) -> None:
    await sync_with(world, ConcurrencyPolicy(policy))
    for _ in range(3):
        await world.occur("sync")
    got = await world.claim()
    assert [int(job.lease.split("|")[2]) for job in got.jobs] == occurrences
    assert (await world.total("skipped"), await world.total("replaced")) == (skipped, replaced)
    assert await raw(world.store).zcard(world.store.keys("leases")) == len(occurrences)
    await world.conserved()


async def test_the_next_occurrence_runs_once_the_running_one_is_done(world: World) -> None:
    await sync_with(world, ConcurrencyPolicy.FORBID)
    await world.occur("sync")
    first = (await world.claim()).jobs[0]
    await world.occur("sync")
    assert len((await world.claim(results=[Result(first.lease, Outcome.DONE)])).jobs) == 1
    assert await raw(world.store).hlen(world.store.keys("exclusive")) == 1


async def test_other_users_are_not_held_up(world: World) -> None:
    await sync_with(world, ConcurrencyPolicy.FORBID)
    await world.subscribe("v", "sync")
    await world.occur("sync")
    assert len((await world.claim()).jobs) == 2


async def test_an_ad_hoc_job_waits_for_the_running_one(world: World) -> None:
    await sync_with(world, ConcurrencyPolicy.FORBID)
    await world.occur("sync")
    running = (await world.claim()).jobs[0]
    (name,) = await world.enqueue("sync", "u")
    assert (await world.claim()).jobs == []
    assert await world.waiting() == {"ready:global:normal": [name]}
    again_ms = await raw(world.store).zscore(world.store.keys.ready("global", "normal"), name)
    assert again_ms == world.clock.now_ms + 1_000
    await world.claim(results=[Result(running.lease, Outcome.DONE)])
    await world.clock.advance(s=1)
    assert [job.lease.rsplit("|", 2)[0] for job in (await world.claim()).jobs] == [name]
    await world.conserved()


async def test_a_deferred_job_stays_in_one_lane_when_the_priority_changed(world: World) -> None:
    await sync_with(world, ConcurrencyPolicy.FORBID)
    await world.occur("sync")
    await world.claim()
    (name,) = await world.enqueue("sync", "u")
    high = TaskType("sync", HOUR, priority=Priority.HIGH, concurrency_policy=ConcurrencyPolicy.FORBID)
    version = (await read_catalog(world.store)).version
    await put_types(world.store, version, [TypeRecord(high, (Generation(1, HOUR),))])
    assert (await world.claim()).jobs == []
    assert [job for jobs in (await world.waiting()).values() for job in jobs] == [name]
    await world.conserved()


async def test_a_replaced_job_is_lost_and_leaves_nothing_behind(world: World) -> None:
    await sync_with(world, ConcurrencyPolicy.REPLACE)
    await world.enqueue("sync", "u")
    first = (await world.claim("one")).jobs[0]
    await world.claim("one", results=[Result(first.lease, Outcome.RETRIED, 0)])
    first = (await world.claim("one")).jobs[0] if await world.waiting() else first
    held = (await raw(world.store).zrange(world.store.keys("leases"), 0, -1))[0].decode()
    assert await raw(world.store).hlen(world.store.keys("attempts")) == 1
    await world.occur("sync")
    second = (await world.claim("two")).jobs[0]
    assert await heartbeat(world.store, "one", 60_000, b"{}", [held], []) == [held]
    assert await raw(world.store).hlen(world.store.keys("attempts")) == 0
    assert await raw(world.store).hlen(world.store.keys("payload")) == 0
    await world.claim("one", n=0, results=[Result(held, Outcome.DONE)])
    assert await world.total("done") == 0
    await world.claim("two", n=0, results=[Result(second.lease, Outcome.DONE)])
    assert await world.total("done") == 1
    await world.conserved()
