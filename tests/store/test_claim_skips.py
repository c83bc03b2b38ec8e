"""Jobs that must not start any more are dropped when they are claimed, counted, and cost no permit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.pause import pause
from taskqueue.store.types import put_types, read_catalog
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)


async def tat(world: World) -> float:
    return await world.tat_us()


async def remove_type(world: World) -> None:
    await put_types(world.store, (await read_catalog(world.store)).version, [], removed=["sync"])


async def suspend_type(world: World) -> None:
    await world.install(TaskType("sync", HOUR, suspend=True))


async def pause_type(world: World) -> None:
    await pause(world.store, "sync")


async def suspend_user(world: World) -> None:
    await world.subscribe("u", "sync", suspend=True)


async def remove_user(world: World) -> None:
    await world.subscribe("u")


@pytest.mark.parametrize("end", [remove_type, suspend_type, pause_type, suspend_user, remove_user])
async def test_a_job_without_its_subscription_is_skipped(world: World, end: object) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.subscribe("u", "sync")
    await world.occur("sync")
    await end(world)  # type: ignore[operator]
    before = await tat(world)
    assert (await world.claim()).jobs == []
    assert (await world.total("skipped"), await tat(world)) == (1, before)
    assert await world.waiting() == {}
    await world.conserved()


@pytest.mark.parametrize("end", [suspend_type, pause_type, suspend_user, remove_user])
async def test_an_ad_hoc_job_runs_all_the_same(world: World, end: object) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    await end(world)  # type: ignore[operator]
    assert len((await world.claim()).jobs) == 1


async def test_an_ad_hoc_job_of_a_removed_type_is_skipped_with_its_payload(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    await remove_type(world)
    assert (await world.claim()).jobs == []
    assert await world.total("skipped") == 1
    assert await raw(world.store).exists(world.store.keys("payload")) == 0


async def test_past_its_deadline_a_job_expires_and_takes_no_permit(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.subscribe("u", "sync")
    await world.occur("sync", life_ms=1_000)
    before = await tat(world)
    assert (await world.claim()).jobs == []
    assert (await world.total("expired"), await tat(world)) == (1, before)
    await world.conserved()


async def test_before_its_deadline_a_job_starts(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u", life_ms=60_000)
    assert len((await world.claim()).jobs) == 1


async def test_a_call_that_drops_many_jobs_is_bounded(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    gone = {f"sync|u{k}|1000|{k}|0": k for k in range(250)}
    await put_ready(world.store, "normal", gone)
    await raw(world.store).hincrby(world.store.keys("metrics"), "emitted", 250)
    first = await world.claim()
    assert (first.jobs, first.next_call_us) == ([], first.now_us)
    await world.claim()
    assert await world.total("skipped") == 250
    await world.conserved()
