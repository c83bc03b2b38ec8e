"""Limits that a handler closed: for a day at most, seen by people, and opened by them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from taskqueue.cli.main import app
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import RateLimit, Schedule, TaskType
from taskqueue.store.claim import Result
from taskqueue.store.inspection import inspect
from taskqueue.store.limits import ClosedLimit, open_limit, read_closed
from taskqueue.store.wakeup import wait_for_wakeup
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
PLAIN = TaskType("plain", HOUR)
DAY_MS = 86_400_000
EPOCH_FOR_A_DELAY_MS = 1_795_977_600_000
NAMES = pytest.mark.parametrize(
    ("named", "limit"), [("global", "global"), ("", "type:plain"), ("type:plain", "type:plain")]
)


async def closed(world: World, named: str, wait_ms: int, kind: TaskType = PLAIN) -> None:
    """Two jobs of one user; the handler of the first closed a limit."""
    await world.install(kind)
    await world.enqueue("plain", "u", "u")
    (job,) = (await world.claim(n=1)).jobs
    await world.claim(n=0, results=[Result(job.lease, Outcome.LIMITED, wait_ms, named)])


async def starts_within(world: World, ms: int) -> bool:
    for _ in range(ms // 100):
        await world.clock.advance(ms=100)
        if (await world.claim(n=1)).jobs:
            return True
    return False


@NAMES
async def test_a_limit_is_closed_for_a_day_at_most(world: World, named: str, limit: str) -> None:
    await closed(world, named, EPOCH_FOR_A_DELAY_MS)
    (found,) = await read_closed(world.store)
    assert (found.limit, found.until_ms) == (limit, world.clock.now_ms + DAY_MS)
    assert not await starts_within(world, 1_000)
    await world.clock.advance(ms=DAY_MS - 1_000)
    assert await starts_within(world, 500)
    await world.conserved()


@NAMES
async def test_a_repair_keeps_a_closed_limit(world: World, named: str, limit: str) -> None:
    await closed(world, named, 60_000)
    assert await inspect(world.store) == []
    assert [one.limit for one in await read_closed(world.store)] == [limit]


async def test_a_store_closed_for_decades_opens_within_a_day(world: World) -> None:
    await world.install(PLAIN)
    await world.enqueue("plain", "u")
    key = world.store.keys("limiter")
    await raw(world.store).hset(key, "closed_until_us", world.clock.now_us + EPOCH_FOR_A_DELAY_MS * 1_000)
    assert (await world.claim(n=1)).jobs == []
    await world.clock.advance(ms=DAY_MS // 2)
    assert (await world.claim(n=1)).jobs == []
    await world.clock.advance(ms=DAY_MS // 2)
    assert await starts_within(world, 500)


async def test_a_shorter_close_does_not_end_a_longer_one(world: World) -> None:
    await world.install(PLAIN)
    await world.enqueue("plain", "a", "b")
    first, second = (await world.claim(n=2)).jobs
    await world.claim(n=0, results=[Result(first.lease, Outcome.LIMITED, 60_000, "global")])
    await world.claim(n=0, results=[Result(second.lease, Outcome.LIMITED, 1_000, "global")])
    (found,) = await read_closed(world.store)
    assert found == ClosedLimit("global", world.clock.now_ms + 60_000, ("plain", "a"))


@NAMES
async def test_a_manually_opened_limit_starts_parked_jobs(world: World, named: str, limit: str) -> None:
    await closed(world, named, 3_600_000)
    assert not await starts_within(world, 1_000)
    until_ms = world.clock.now_ms + 3_600_000 - 1_000
    assert await open_limit(world.store, limit) == until_ms
    assert await read_closed(world.store) == []
    assert await wait_for_wakeup(world.store, 0.1), "an idle worker hears of it"
    assert await starts_within(world, 500)
    assert await open_limit(world.store, limit) == 0
    await world.conserved()


async def test_an_opened_limit_keeps_its_own_spacing(world: World) -> None:
    await closed(world, "", 3_600_000, TaskType("plain", HOUR, rate_limit=RateLimit(per_second=0.5)))
    await open_limit(world.store, "type:plain")
    assert not await starts_within(world, 1_500)
    assert await starts_within(world, 1_000)


async def test_claim_tells_the_end_of_a_closed_global_limit(world: World) -> None:
    await closed(world, "global", 5_000)
    assert (await world.claim(n=1)).closed_us == world.clock.now_us + 5_000_000
    await world.clock.advance(ms=5_001)
    assert (await world.claim(n=1)).closed_us == 0


async def test_limit_get_shows_and_limit_open_opens_closed_limits(
    world: World, redis_url: str, release: str
) -> None:
    await closed(world, "global", 5_000)
    await raw(world.store).zadd(
        world.store.keys("limits_closed_until"), {"type:v": world.clock.now_us + 60_000_000}
    )

    def taskqueue(*arguments: str) -> dict[str, object]:
        where = {"TASKQUEUE_REDIS_URL": redis_url, "TASKQUEUE_RELEASE": release}
        done = CliRunner().invoke(app, [*arguments, "-o", "json"], env=where)
        assert done.exit_code == 0, done.output
        answer: dict[str, object] = json.loads(done.output)
        return answer

    shown = await asyncio.to_thread(taskqueue, "limit", "get")
    assert shown["closed"] == {
        "global": "until 2027-01-15T08:00:05.123Z by a handler of plain, user u",
        "type:v": "until 2027-01-15T08:01:00.123Z",
    }
    opened = await asyncio.to_thread(taskqueue, "limit", "open")
    assert opened == {"limit": "global", "wasClosedUntil": "2027-01-15T08:00:05.123Z"}
    opened = await asyncio.to_thread(taskqueue, "limit", "open", "--type", "v")
    assert opened == {"limit": "type:v", "wasClosedUntil": "2027-01-15T08:01:00.123Z"}
    assert await asyncio.to_thread(taskqueue, "limit", "get") == {"perSecond": 1000.0}
