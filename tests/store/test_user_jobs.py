"""The jobs of a user, found by their names: as many as a walk over the whole queue finds."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import CatchUp, Limit, LimitKey, RateLimit, Schedule, TaskType
from taskqueue.scheduler.publisher import Publisher
from taskqueue.scheduler.ticker import Ticker
from taskqueue.store.claim import Result
from taskqueue.store.clock import server_now_ms
from taskqueue.store.cursor import restore_cursor
from taskqueue.store.job_name import parse
from taskqueue.store.limits import set_rate
from taskqueue.store.lookup import find_jobs, read_user_places
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import read_catalog
from taskqueue.store.user_pauses import pause_user
from taskqueue.views.user_detail import read_user_detail
from taskqueue.views.user_jobs import find_scheduled_jobs
from tests.support.store.random_customers import NAMES, random_type, random_user
from tests.support.store.ready import put_ready

if TYPE_CHECKING:
    from taskqueue.store.listing import WaitingJob
    from tests.store.conftest import World

USERS = tuple(f"u:{number}" for number in range(6))
HOUR_S = 3_600
HOURLY = Schedule(interval_s=HOUR_S)
#: More jobs than a look at a user walks.
MANY = 2_001


async def named(world: World, user: str) -> list[WaitingJob]:
    catalog = await read_catalog(world.store)
    generations = [
        (one.type, generation.number)
        for one in await read_subscriptions(world.store, user)
        if one.type in catalog.records
        for generation in catalog.records[one.type].active
    ]
    places = await read_user_places(world.store, user, generations)
    return await find_scheduled_jobs(world.store, catalog, user, places, await server_now_ms(world.store))


async def walked(world: World, user: str) -> list[WaitingJob]:
    """All jobs of the user within their deadlines."""
    now_ms, jobs = await server_now_ms(world.store), await find_jobs(world.store, user)
    names = {job: parse(job.name) for job in jobs}
    return [job for job, name in names.items() if not name.life_ms or name.due_ms + name.life_ms >= now_ms]


@pytest.mark.parametrize("seed", range(6))
async def test_names_of_scheduled_jobs_follow_from_their_subscriptions(world: World, seed: int) -> None:
    random = Random(seed)
    types = {name: random_type(random, name) for name in NAMES}
    assert await restore_cursor(world.store, world.clock.now_ms)
    await set_rate(world.store, math.inf)
    await Publisher(world.store).publish(types, {user: random_user(random, user) for user in USERS})
    ticker, found = Ticker(world.store), 0
    for turn in range(12):
        await world.clock.advance(ms=700_000 + turn)
        await ticker.turn()
        if turn == 10:
            await pause_user(world.store, USERS[0])
        for user in USERS:
            jobs = await walked(world, user)
            assert await named(world, user) == jobs
            found += len(jobs)
    assert found > 20


async def occur(world: World, kind: str) -> None:
    """The period of the hour before, all its users' jobs are due."""
    await world.occur(kind, hour_before(world), life_ms=HOUR_S * 1_000)


def hour_before(world: World) -> int:
    return world.clock.now_ms // 1_000 // HOUR_S * HOUR_S - HOUR_S


async def test_a_job_is_found_wherever_it_waits(world: World) -> None:
    limits = [Limit("app", LimitKey.RELEASE, 10.0), Limit("shop", LimitKey.USER, 1.0, within="app")]
    kinds = {
        "plain": TaskType("plain", HOURLY),
        "own": TaskType("own", HOURLY, rate_limit=RateLimit(per_second=5)),
        "shop": TaskType("shop", HOURLY, limits=("shop",)),
        "gone": TaskType("gone", HOURLY, limits=("undeclared",)),
    }
    await world.install(*kinds.values(), limits=limits)
    await world.subscribe("ada|1", *kinds)
    for kind in kinds:
        await occur(world, kind)
    assert {job.where for job in await named(world, "ada|1")} == {"normal"}
    jobs = {parse(job.lease).type: job.lease for job in (await world.claim()).jobs}
    assert "plain" in jobs
    await world.claim(
        n=0,
        results=[
            Result(lease, Outcome.LIMITED, 3_600_000, "shop" if kind == "shop" else "")
            for kind, lease in jobs.items()
            if kind != "plain"
        ],
    )
    found = await named(world, "ada|1")
    assert found == await walked(world, "ada|1")
    assert {parse(job.name).type: job.where for job in found}.keys() == kinds.keys()
    assert {job.where.partition(":")[0] for job in found} >= {"leased", "parked"}


async def test_the_latest_dues_without_a_deadline_are_looked_for(world: World) -> None:
    await world.install(TaskType("sync", HOURLY, catch_up=CatchUp.ALL))
    await world.subscribe("ada", "sync")
    last_s = hour_before(world)
    for hours in (0, 1, 99, 100):
        await world.occur("sync", last_s - hours * HOUR_S)
    found = [parse(job.name).occurrence for job in await named(world, "ada")]
    assert found == [last_s - 99 * HOUR_S, last_s - HOUR_S, last_s]


async def test_a_user_is_shown_without_a_walk_over_a_long_queue(world: World) -> None:
    await world.install(TaskType("sync", HOURLY))
    await world.subscribe("ada", "sync")
    await occur(world, "sync")
    (adhoc,) = await world.enqueue("sync", "ada")
    short = await read_user_detail(world.store, "ada")
    assert adhoc in {row.job for row in short.jobs}
    assert "onlyScheduled" not in short.to_json()

    await put_ready(world.store, "normal", {f"sync|other|{n}|7|0": n * 1_000 + 7 for n in range(MANY)})
    bounded = await read_user_detail(world.store, "ada")
    assert {row.job for row in bounded.jobs} == {row.job for row in short.jobs} - {adhoc}
    assert bounded.to_json()["onlyScheduled"] is True
    whole = await read_user_detail(world.store, "ada", walk=True)
    assert whole == short
