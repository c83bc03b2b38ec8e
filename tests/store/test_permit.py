"""permit: a running job takes further slots of the same limit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.values import Limit, LimitKey, Schedule, TaskType
from taskqueue.store.audit import audit
from taskqueue.store.permit import permit
from taskqueue_worker import permits
from taskqueue_worker.clock import StoreClock
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.task_types import BoundType

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)


async def tat(world: World) -> float:
    return await world.tat_us()


async def test_a_free_slot_is_granted_at_once_and_booked_by_cost(world: World) -> None:
    await world.install(rate=100)
    now_us = world.clock.now_us
    assert (await permit(world.store, 3, 60_000))[:2] == (True, 0.0)
    assert await tat(world) == now_us + 3 * 10_150


@pytest.mark.parametrize("cost", [10**6, 10**30, float("nan"), float("inf"), 1e300])
async def test_no_permit_closes_the_limit_for_longer_than_the_dearest_job(world: World, cost: float) -> None:
    await world.install(rate=100)
    now_us = world.clock.now_us
    await permit(world.store, cost, 60_000)  # type: ignore[arg-type]
    assert await tat(world) <= now_us + 1_000 * 10_150


async def test_permits_and_starts_share_one_limit(world: World) -> None:
    await world.install(TaskType("sync", HOUR), rate=10)
    await world.enqueue("sync", "a")
    now_us = world.clock.now_us
    await permit(world.store, 1, 60_000)
    (job,) = (await world.claim()).jobs
    assert job.start_us == now_us + 101_500


async def test_a_permit_beyond_the_horizon_books_nothing(world: World) -> None:
    await world.install(rate=10)
    granted, _, _ = await permit(world.store, 20, 60_000)
    before = await tat(world)
    refused, wait_s, _ = await permit(world.store, 1, 60_000)
    assert (granted, refused) == (True, False)
    assert wait_s == pytest.approx(20 * 0.1015 - 0.125, abs=1e-6)
    assert await tat(world) == before


async def test_returned_slots_are_counted_by_cost(world: World) -> None:
    await world.install(TaskType("dear", HOUR, cost=3), rate=100)
    await world.enqueue("dear", "a")
    await world.claim()
    await permit(world.store, 2, 60_000)
    await permit(world.store, 50, 60_000)
    refused, _, _ = await permit(world.store, 1, 60_000)
    totals = (await audit(world.store)).totals
    assert not refused
    assert (totals["leased"], totals["reserved_slots"]) == (1, 3 + 2 + 50)


@pytest.mark.parametrize("rate", [None, 0.0])
async def test_without_a_limit_no_permit_is_granted(world: World, rate: float | None) -> None:
    await world.install(rate=rate)
    assert (await permit(world.store, 1, 60_000))[:2] == (False, 1.0)


async def test_a_permit_takes_from_the_limits_of_the_type(world: World) -> None:
    orders = Limit("orders", LimitKey.RELEASE, 10.0)
    await world.install(TaskType("sync", HOUR, limits=("orders",)), limits=[orders])
    assert (await permit(world.store, 1, 60_000, "sync", "u"))[:2] == (True, 0.0)
    granted, wait_s, _ = await permit(world.store, 1, 60_000, "sync", "u")
    assert granted
    assert wait_s == pytest.approx(0.102 - 1.015 / 1_000)


async def test_a_permit_by_name_takes_from_that_limit_and_those_around_it(world: World) -> None:
    app, shop = Limit("app", LimitKey.RELEASE, 5.0), Limit("shop", LimitKey.USER, 1.0, within="app")
    await world.install(TaskType("sync", HOUR), limits=[app, shop])
    assert (await permit(world.store, 1, 60_000, "sync", "u", "shop"))[:2] == (True, 0.0)
    assert not (await permit(world.store, 1, 60_000, "sync", "u", "shop"))[0]  # a second of its own limit
    assert (await permit(world.store, 1, 60_000, "sync", "v", "shop"))[1] == pytest.approx(
        0.204 - 1.015 / 1_000
    )
    granted, wait_s, _ = await permit(world.store, 1, 60_000, "sync", "u")
    assert granted
    assert wait_s == pytest.approx(0.204 - 1.015 / 1_000, abs=0.002)


async def test_an_unknown_limit_grants_no_permit(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    assert (await permit(world.store, 1, 60_000, "sync", "u", "stripe"))[:2] == (False, 1.0)


@pytest.mark.parametrize(
    ("rate", "names", "apart_us"),
    [
        (math.inf, ["orders"], 101_500),
        (math.inf, ["shop"], 0),
        (100, [], 10_150),
        (100, ["orders"], None),
        (math.inf, ["orders", "shop"], None),
    ],
)
async def test_a_job_holds_the_slots_of_its_cost_where_one_limit_has_them(
    rate: float, names: list[str], apart_us: int | None, world: World
) -> None:
    limits = [Limit("orders", LimitKey.RELEASE, 10.0), Limit("shop", LimitKey.USER, 2.0, burst=40)]
    await world.install(TaskType("sync", HOUR, limits=tuple(names), cost=3), rate=rate, limits=limits)
    await world.enqueue("sync", "u")
    (job,) = (await world.claim()).jobs
    assert job.apart_us == apart_us


@pytest.mark.parametrize(("apart_s", "asked"), [(0.0, 0), (None, 2)])
async def test_a_job_asks_for_slots_that_it_does_not_hold(
    apart_s: float | None, asked: int, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def in_time(_: float) -> bool:
        return True

    monkeypatch.setattr(permits, "reached", in_time)
    sync = TaskType("sync", HOUR, cost=3)
    await world.install(sync, rate=1_000)
    leased = LeasedJob("sync|u|60|0|0|w|1", BoundType(sync, None), "", 0, 0, 0.0, apart_s)
    of_job = permits.Permits(world.store, StoreClock(), 60_000, leased)
    for _ in range(2):
        await of_job.take(1)
    assert (await audit(world.store)).totals.get("reserved_slots", 0) == asked
