"""Limits by name: each is kept exactly, none costs jobs of another one anything, and an unknown one admits nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.values import (
    Limit,
    LimitKey,
    Schedule,
    Subscription,
    TaskType,
    UserLimit,
    UserSubscription,
)
from taskqueue.store.types import put_limits, read_catalog
from taskqueue.store.users import set_users
from tests.support.store.drive import backlog, drive, kind, most_in_a_span, starts, user
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
APP = Limit("app", LimitKey.RELEASE, 100.0)
ORDERS = Limit("orders", LimitKey.RELEASE, 10.0, within="app")
SHOP = Limit("shop", LimitKey.USER, 2.0, burst=40, within="app")


def type_of(name: str, *limits: str, cost: int = 1) -> TaskType:
    return TaskType(name, HOUR, limits=limits, cost=cost)


@pytest.mark.parametrize("rate", [1_000.0, math.inf])
async def test_a_release_limit_spaces_starts_and_is_used(world: World, rate: float) -> None:
    await world.install(type_of("sync", "app"), limits=[APP], rate=rate)
    await backlog(world, "sync", "app", 600)
    jobs = await drive(world, 4.0)
    times = [job.start_us for job in jobs]
    assert most_in_a_span(times, 1_000_000 - 15_000) <= 100
    assert len(jobs) >= 0.975 * 100 * 4


async def test_an_endpoint_takes_from_its_app_too(world: World) -> None:
    types = [type_of("orders", "orders"), type_of("rest", "app")]
    await world.install(*types, limits=[APP, ORDERS], rate=math.inf)
    await backlog(world, "orders", "orders", 200)
    await backlog(world, "rest", "app", 1_000)
    jobs = await drive(world, 5.0)
    found = starts(jobs, kind)
    assert most_in_a_span([job.start_us for job in jobs], 985_000) <= 100
    assert most_in_a_span(found["orders"], 985_000) <= 10
    assert len(jobs) >= 0.95 * 100 * 5
    assert len(found["orders"]) >= 0.95 * 10 * 5
    await world.conserved()


async def test_buckets_give_their_burst_and_then_their_rate(world: World) -> None:
    await world.install(type_of("sync", "shop"), limits=[APP, SHOP], rate=math.inf)
    await backlog(world, "sync", "app", 400, users=2)
    jobs = await drive(world, 10.0)
    for times in starts(jobs, user).values():
        assert 40 + 2 * 10 - 2 <= len(times) <= 40 + 2 * 10
        for span_s in (0.1, 0.5, 1, 3, 9):
            assert most_in_a_span(times, span_s * 1e6 - 15_000) <= 40 + 2 * span_s
    assert most_in_a_span([job.start_us for job in jobs], 985_000) <= 100


@pytest.mark.parametrize("key", LimitKey)
@pytest.mark.parametrize("burst", [1, 2, 25, 40])
async def test_a_fast_limit_within_a_slow_bucket_keeps_its_burst(
    world: World, key: LimitKey, burst: int
) -> None:
    app, fast = Limit("app", LimitKey.RELEASE, 100.0, burst=100), Limit("fast", key, 1_000.0, burst, "app")
    await world.install(type_of("sync", "fast"), limits=[app, fast], rate=math.inf)
    await backlog(world, "sync", "fast" if key is LimitKey.RELEASE else "app", 300, users=1)
    times = [job.start_us for job in await drive(world, 0.3, n=100)]
    for span_ms in (0.001, 1, 2, 5, 10, 50):
        assert most_in_a_span(times, span_ms * 1_000) <= max(burst, 2) + span_ms, "one may be a start ahead"


async def test_a_bucket_is_full_again_after_idle(world: World) -> None:
    await world.install(type_of("sync", "shop"), limits=[SHOP], rate=math.inf)
    await backlog(world, "sync", "app", 40, users=1)
    assert len(await drive(world, 1.0)) == 0  # within an app that nothing defines
    version = (await read_catalog(world.store)).version
    await put_limits(world.store, version, [APP])
    assert len(await drive(world, 3.0)) == 40
    await world.clock.advance(s=25)
    await backlog(world, "sync", "app", 80, due_ms=5_000, users=1)
    assert len(await drive(world, 1.0)) in {40, 41, 42}


async def test_a_user_has_their_own_values(world: World) -> None:
    await world.install(type_of("sync", "shop"), limits=[APP, SHOP], rate=math.inf)
    plus = UserSubscription("u0", (Subscription("sync"),), limits=(UserLimit("shop", 20.0, 5),))
    await set_users(world.store, "folder", [plus])
    await backlog(world, "sync", "app", 400, users=2)
    found = starts(await drive(world, 4.0), user)
    assert 5 + 20 * 4 - 3 <= len(found["u0"]) <= 5 + 20 * 4
    assert 40 + 2 * 4 - 1 <= len(found["u1"]) <= 40 + 2 * 4
    await set_users(world.store, "folder", [UserSubscription("u0", (Subscription("sync"),))])
    assert await raw(world.store).exists(world.store.keys("limits", "shop")) == 0


async def test_jobs_of_an_unknown_limit_wait_and_hold_up_no_others(world: World) -> None:
    await world.install(type_of("sync", "shop"), type_of("other"), limits=[SHOP])
    await backlog(world, "sync", "app", 20)
    await backlog(world, "other", "global", 20)
    found = starts(await drive(world, 2.0), kind)
    assert (len(found["sync"]), len(found["other"])) == (0, 20)
    await put_limits(world.store, (await read_catalog(world.store)).version, [APP])
    assert len(await drive(world, 3.0)) == 20
    await world.conserved()


async def test_a_new_rate_holds_at_once(world: World) -> None:
    slow = Limit("app", LimitKey.RELEASE, 1 / 3_600)
    await world.install(type_of("sync", "app"), limits=[slow])
    await backlog(world, "sync", "app", 200)
    assert len(await drive(world, 2.0)) == 1
    await put_limits(world.store, (await read_catalog(world.store)).version, [APP])
    assert len(await drive(world, 1.0)) >= 70  # after at most a horizon and a cost


async def test_states_of_full_buckets_take_no_memory(world: World) -> None:
    await world.install(type_of("sync", "shop"), limits=[APP, SHOP], rate=math.inf)
    await backlog(world, "sync", "app", 100, users=100)
    await drive(world, 2.0)
    await world.clock.advance(s=60)
    await backlog(world, "sync", "app", 1, due_ms=900, users=1)
    await drive(world, 0.1)
    assert await raw(world.store).zrange(world.store.keys("tats", "shop"), 0, -1) == [b"u0"]
    assert await raw(world.store).pttl(world.store.keys("tats", "shop")) > 0
