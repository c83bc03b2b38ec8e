"""Waiting jobs follow limits that changed: in bounded steps that any process may go on with, none lost on the way."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.values import (
    Limit,
    LimitKey,
    RateLimit,
    Subscription,
    TaskType,
    UserLimit,
    UserSubscription,
)
from taskqueue.store.changed_limits import follow_limits
from taskqueue.store.limits import clear_limit, open_limit, override_limit, override_rate, set_rate
from taskqueue.store.overrides import set_override
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_limits, put_types, read_catalog
from taskqueue.store.users import set_users
from tests.store.test_named_limits import APP, HOUR, type_of
from tests.support.store.drive import backlog, drive, kind, starts, user
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.store.conftest import World

SLOW = Limit("slow", LimitKey.RELEASE, 1 / 60)
SLOW_SHOP = Limit("shop", LimitKey.USER, 1 / 3_600)
SHOP = Limit("shop", LimitKey.USER, 1.0, within="app")
OWN_RATE = RateLimit(per_second=50.0)


async def follow(world: World) -> int:
    """Have all jobs follow, with every job in one place after each step; return the number of steps."""
    steps = 1
    while await follow_limits(world.store):
        steps += 1
        await world.conserved()
    return steps


async def write(world: World, *limits: Limit) -> None:
    await put_limits(world.store, (await read_catalog(world.store)).version, limits)


async def rewrite(world: World, *types: TaskType) -> None:
    """Write types without dealing their subscriptions again."""
    records = [TypeRecord(one, (Generation(1, HOUR),)) for one in types]
    await put_types(world.store, (await read_catalog(world.store)).version, records)


async def test_a_new_rate_holds_at_once_for_parked_jobs(world: World) -> None:
    await world.install(type_of("sync", "shop"), limits=[SLOW_SHOP])
    await backlog(world, "sync", "global", 40, users=2)
    assert len(await drive(world, 2.0)) == 2
    plus = UserSubscription("u1", (Subscription("sync"),), limits=(UserLimit("shop", 20.0),))
    await set_users(world.store, "folder", [plus])
    assert {user(job) for job in await drive(world, 1.0)} == {"u1"}
    await write(world, replace(SLOW_SHOP, per_second=50.0))
    await follow(world)
    assert len(await drive(world, 2.0)) >= 20
    await world.conserved()


async def test_values_of_a_user_hold_at_once_in_the_queue_of_a_type(world: World) -> None:
    await world.install(replace(type_of("sync", "shop"), rate_limit=OWN_RATE), limits=[SLOW_SHOP])
    await backlog(world, "sync", "type:sync", 40, users=1)
    assert len(await drive(world, 2.0)) == 1
    plus = UserSubscription("u0", (Subscription("sync"),), limits=(UserLimit("shop", 20.0),))
    await set_users(world.store, "folder", [plus])
    assert len(await drive(world, 2.0)) >= 30


#: A limit around parked jobs that starts nothing for an hour, and the return to the values before.
HELD: dict[str, tuple[Callable[[World], Awaitable[object]], Callable[[World], Awaitable[object]]]] = {
    "published": (
        lambda world: write(world, replace(APP, per_second=1 / 3_600)),
        lambda world: write(world, APP),
    ),
    "by hand": (
        lambda world: override_limit(world.store, "app", 1 / 3_600),
        lambda world: clear_limit(world.store, "app"),
    ),
    "by hand for a time": (
        lambda world: override_limit(world.store, "app", 1 / 3_600, for_ms=9_000),
        lambda world: world.clock.advance(s=1),
    ),
    "global by hand": (
        lambda world: override_rate(world.store, 1 / 3_600),
        lambda world: override_rate(world.store, 1_000),
    ),
    "global by hand for a time": (
        lambda world: override_rate(world.store, 1 / 3_600, for_ms=9_000),
        lambda world: world.clock.advance(s=1),
    ),
    "global of the release": (
        lambda world: set_rate(world.store, 1 / 3_600),
        lambda world: set_rate(world.store, 1_000),
    ),
    "closed": (
        lambda world: raw(world.store).zadd(
            world.store.keys("limits_closed_until"), {"app": world.clock.now_us + 3.6e9}
        ),
        lambda world: open_limit(world.store, "app"),
    ),
}


@pytest.mark.parametrize("held", HELD)
async def test_parked_jobs_do_not_wait_for_values_that_hold_no_more(world: World, held: str) -> None:
    slow_down, speed_up = HELD[held]
    await world.install(type_of("sync", "shop"), limits=[APP, SHOP])
    await backlog(world, "sync", "app", 100, users=2)
    assert 2 * 2 <= len(await drive(world, 2.0)) <= 2 * 3
    await slow_down(world)
    assert len(await drive(world, 8.0)) <= 2
    await speed_up(world)
    await follow(world)
    assert len(await drive(world, 5.0)) >= 2 * 4
    await world.conserved()


async def test_a_limit_that_ended_by_hand_is_gone_from_the_store(world: World) -> None:
    await world.install(type_of("sync", "app"), limits=[APP])
    await set_override(world.store, "sync", "by", 5_000)
    await override_limit(world.store, "app", 1.0, for_ms=5_000)
    await override_rate(world.store, 1.0)
    await world.clock.advance(s=6)
    before = (await read_catalog(world.store)).version
    await follow(world)
    assert set(await raw(world.store).hkeys(world.store.keys("overrides"))) == {b"sync", b":limit"}
    assert (await read_catalog(world.store)).version > before


async def test_waiting_jobs_move_along_with_their_type(world: World) -> None:
    await world.install(type_of("sync", "slow"), type_of("stays", "slow"), limits=[SLOW, APP])
    await backlog(world, "stays", "slow", 1_500)
    await backlog(world, "sync", "slow", 1_500)
    await rewrite(world, type_of("sync", "app"))
    assert await follow(world) >= 6
    waiting = {key: len(jobs) for key, jobs in (await world.waiting()).items()}
    assert waiting == {"ready:slow:normal": 1_500, "ready:app:normal": 1_500}
    found = starts(await drive(world, 2.0), kind)
    assert len(found["sync"]) >= 190
    assert len(found["stays"]) <= 1
    await world.conserved()


@pytest.mark.parametrize("users", [2_000, 2])
@pytest.mark.parametrize("limits", [("app",), ("fast-shop",)])
async def test_parked_jobs_move_along_with_their_type(world: World, limits: tuple[str], users: int) -> None:
    """Of many users, and of few with many jobs each."""
    fast = Limit("fast-shop", LimitKey.USER, 50.0)
    await world.install(
        type_of("sync", "shop"), type_of("stays", "shop"), limits=[SLOW_SHOP, APP, fast], rate=math.inf
    )
    await backlog(world, "sync", "global", 4_000, users=users)
    await backlog(world, "stays", "global", 4_000, due_ms=900, users=users)
    await drive(world, 2.0, n=200)
    await rewrite(world, type_of("sync", *limits))
    assert await follow(world) >= 8
    found = starts(await drive(world, 2.0), kind)
    assert len(found["sync"]) >= 100
    assert not found["stays"]
    await world.conserved()


async def test_a_limit_that_becomes_one_of_users_takes_its_jobs_along(world: World) -> None:
    await world.install(type_of("sync", "slow"), limits=[SLOW])
    await backlog(world, "sync", "slow", 100)
    await write(world, Limit("slow", LimitKey.USER, 1 / 60))
    await follow(world)
    assert {key: len(jobs) for key, jobs in (await world.waiting()).items()} == {"ready:global:normal": 100}


async def test_a_type_that_moves_back_keeps_its_jobs(world: World) -> None:
    await world.install(type_of("sync", "slow"), limits=[SLOW, APP])
    await backlog(world, "sync", "slow", 3_000)
    await rewrite(world, type_of("sync", "app"))
    await follow_limits(world.store)
    await follow_limits(world.store)
    await rewrite(world, type_of("sync", "slow"))
    await follow(world)
    assert {key: len(jobs) for key, jobs in (await world.waiting()).items()} == {"ready:slow:normal": 3_000}
    await world.conserved()


async def test_a_clock_set_back_has_parked_jobs_looked_at_from_the_start(world: World) -> None:
    await world.install(type_of("sync", "shop"), limits=[SLOW_SHOP], rate=math.inf)
    await backlog(world, "sync", "global", 3_000, users=1_500)
    started = await drive(world, 2.0, n=200)
    await write(world, replace(SLOW_SHOP, per_second=50.0))
    assert await follow_limits(world.store)
    await world.clock.advance(s=-3_600)
    started += await drive(world, 1.0, n=200)
    await follow(world)
    started += await drive(world, 8.0, n=200)
    assert len(started) == 3_000


@pytest.mark.parametrize("value", ["", "x", "-1", "1e999", "nan"])
async def test_an_unreadable_place_is_looked_through_again(world: World, value: str) -> None:
    await world.install(type_of("sync", "app"), type_of("other", "slow"), limits=[SLOW, APP])
    await backlog(world, "sync", "slow", 10)
    fields = (
        "app",
        "sync|parked:slow",
        "sync|ready:slow:normal",
        "|",
        "none|nowhere",
        "other|ready:slow:normal",
        "sync|types",
        "sync|ready:",
    )
    await raw(world.store).hset(world.store.keys("changed_limits"), mapping=dict.fromkeys(fields, value))
    await follow(world)
    assert {key: len(jobs) for key, jobs in (await world.waiting()).items()} == {"ready:app:normal": 10}


async def test_parked_jobs_of_several_limits_follow_in_one_call(world: World) -> None:
    apps = [Limit(f"app-{n}", LimitKey.RELEASE, 100.0) for n in range(4)]
    ends = [Limit(f"end-{n}", LimitKey.RELEASE, 50.0, within=f"app-{n}") for n in range(4)]
    shops = [Limit(f"shop-{n}", LimitKey.USER, 1.0, within=f"end-{n}") for n in range(4)]
    types = [type_of(f"sync-{n}", f"shop-{n}") for n in range(4)]
    await world.install(*types, limits=[*apps, *ends, *shops])
    for n in range(4):
        await backlog(world, f"sync-{n}", f"end-{n}", 100, users=2)
    await drive(world, 2.0)
    await write(world, *(replace(one, per_second=1 / 3_600) for one in apps))
    await drive(world, 8.0)
    await write(world, *apps)
    await follow(world)
    found = starts(await drive(world, 5.0), kind)
    assert all(len(found[one.name]) >= 2 * 4 for one in types)
