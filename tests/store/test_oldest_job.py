"""Finding the oldest job of each type, wherever it waits and however it moves meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Limit, LimitKey, RateLimit, Schedule, TaskType
from taskqueue.store import oldest as oldest_module
from taskqueue.store.claim import Result
from taskqueue.store.command import zscore
from taskqueue.store.dead import retry_dead
from taskqueue.store.oldest import find_oldest
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready

if TYPE_CHECKING:
    from taskqueue.store.script import Script
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3_600)
SLOW = RateLimit(per_second=0.001)

Step = Callable[[], Awaitable[object]]


async def found(world: World, *types: str) -> dict[str, int]:
    look = await find_oldest(world.store, types)
    assert look is not None
    return dict(look.due_ms)


async def emitted(world: World, kind: str, *occurrences_s: int) -> None:
    for occurrence_s in occurrences_s:
        assert await world.occur(kind, occurrence_s) == 1


async def test_the_oldest_job_is_found_in_lanes_limits_and_leases(world: World) -> None:
    await world.install(
        TaskType("leased", HOUR), TaskType("parked", HOUR, rate_limit=SLOW), TaskType("lane", HOUR)
    )
    await world.subscribe("u", "leased", "parked", "lane", "nothing")
    await emitted(world, "leased", 100)
    await emitted(world, "parked", 150, 200, 300)
    jobs = (await world.claim(n=5)).jobs
    await world.claim(n=0, results=[Result(job.lease, Outcome.DONE) for job in jobs if "|150|" in job.lease])
    await emitted(world, "lane", 500, 400)
    await world.enqueue("lane", "u")
    places = {name: len(jobs) for name, jobs in (await world.waiting()).items()}
    assert places == {"ready:type:parked:normal": 2, "ready:global:normal": 3}
    offsets = await offset_ms(world)
    assert await found(world, "leased", "parked", "lane", "nothing") == {
        "leased": 100_000 + offsets["leased"],
        "parked": 200_000 + offsets["parked"],
        "lane": 400_000 + offsets["lane"],
    }
    assert await found(world, "lane") == {"lane": 400_000 + offsets["lane"]}


async def offset_ms(world: World) -> dict[str, int]:
    keys = world.store.keys
    scores = {
        name: await world.store.read(zscore(keys.schedule(name, 1), "u"))
        for name in ("leased", "parked", "lane")
    }
    return {name: int(score or 0) for name, score in scores.items()}


async def test_long_lanes_and_many_limits_are_read_to_their_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oldest_module, "_MEMBERS", 10)
    monkeypatch.setattr(oldest_module, "_KEYS", 3)
    await world.install(TaskType("sync", HOUR))
    keys, client = world.store.keys, raw(world.store)
    jobs = {f"sync|u-{k}|{k}|0|0": 5_000_000 - k for k in range(2_000, 3_000)}
    await put_ready(world.store, "high", jobs)
    for k in range(1_000, 1_050):
        await client.zadd(keys("parked", f"global|user:u-{k}"), {f"sync|u-{k}|{k}|7|0": k})
        await client.zadd(keys("limits_free_at"), {f"global|user:u-{k}": k})
    assert await found(world, "sync") == {"sync": 1_000_007}
    await client.unlink(keys("limits_free_at"))
    assert await found(world, "sync") == {"sync": 2_000_000}


async def test_malformed_jobs_are_passed_over(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.subscribe("u", "sync")
    await emitted(world, "sync", 700)
    keys, client = world.store.keys, raw(world.store)
    await client.zadd(
        keys.ready("global", "low"),
        {"garbage": 1, "sync|u": 2, "sync|u|x|y|z": 3, f"sync|u|{'9' * 400}|0|0": 3, b"sync|\xff|1": 4},
    )
    await client.set(keys.ready("global", "backfill"), "no lane")
    assert (await found(world, "sync")).keys() == {"sync"}
    await client.unlink(keys.ready("global", "backfill"), keys.ready("global", "low"))


@pytest.mark.parametrize("verb", ["leave", "retry", "type", "global", "lost", "redriven"])
async def test_a_job_returned_behind_the_scan_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.subscribe("u", "sync")
    await emitted(world, "sync", 700)
    (job,) = (await world.claim()).jobs
    due_ms = 700_000 + int(await world.store.read(zscore(world.store.keys.schedule("sync", 1), "u")) or 0)
    results = {
        "leave": Result(job.lease, Outcome.RETURNED),
        "retry": Result(job.lease, Outcome.RETRIED, 60_000),
        "type": Result(job.lease, Outcome.LIMITED, 60_000),
        "global": Result(job.lease, Outcome.LIMITED, 60_000, "global"),
        "redriven": Result(job.lease, Outcome.DEAD, 0, "bad"),
    }

    async def go_back() -> None:
        if verb == "lost":
            await raw(world.store).zadd(world.store.keys("leases"), {job.lease: 1})
            await world.claim("other", n=0)
        else:
            await world.claim("other", n=0, results=[results[verb]])
        if verb == "redriven":
            assert await retry_dead(world.store, [job.lease.rsplit("|", 2)[0]]) == 1

    before_leases(world, monkeypatch, go_back)
    assert await found(world, "sync") == {"sync": due_ms}


async def test_a_job_moving_between_limits_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Limit("shop", LimitKey.USER, 0.001)
    await world.install(TaskType("sync", HOUR, limits=("shop",)), limits=[shop])
    await world.subscribe("u", "sync")
    await emitted(world, "sync", 600, 700)
    (first,) = (await world.claim()).jobs
    await world.claim(n=0, results=[Result(first.lease, Outcome.DONE)])
    assert (await world.waiting()).keys() == {"parked:global|shop|u"}
    client, keys, real = raw(world.store), world.store.keys, world.store.scan

    async def scan(*args: Any) -> Any:
        """Let the job be where no look goes any more: behind a limit that the list of limits does not have."""
        assert [rows async for rows in real(*args)]
        await client.zadd(keys("tats:shop"), {"u": 1})
        await client.zadd(keys("limits_free_at"), {"global|shop|u": 1})
        await client.zadd(keys("limits_closed_until"), {"type:sync": world.clock.now_us + 60_000_000})
        await world.claim()
        yield []

    monkeypatch.setattr(world.store, "scan", scan)
    looked = await found(world, "sync")
    assert (await world.waiting()).keys() == {"parked:global|type:sync"}
    assert looked.keys() == {"sync"}


async def test_an_empty_store_is_not_scanned(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await find_oldest(world.store, ["sync"]) is None, "nothing was ever installed"
    await world.install(TaskType("sync", HOUR))
    client, keys = raw(world.store), world.store.keys
    cursor = await client.get(keys("cursor"))
    await client.unlink(keys("cursor"))
    assert await find_oldest(world.store, ["sync"]) is None
    await client.set(keys("cursor"), cursor)
    assert await find_oldest(world.store, ["sync"]) is not None

    async def empty() -> None:
        await client.unlink(keys("installed"))

    before_leases(world, monkeypatch, empty)
    assert await find_oldest(world.store, ["sync"]) is None


async def test_a_look_during_which_moves_went_unnoted_is_worth_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.install(TaskType("sync", HOUR))

    async def expire() -> None:
        await raw(world.store).unlink(world.store.keys("scan"))

    before_leases(world, monkeypatch, expire)
    assert await find_oldest(world.store, ["sync"]) is None


async def test_a_move_is_noted_only_during_a_scan(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.subscribe("u", "sync")
    await emitted(world, "sync", 700)
    (job,) = (await world.claim()).jobs
    await world.claim(n=0, results=[Result(job.lease, Outcome.RETURNED)])
    assert [key async for key in raw(world.store).scan_iter(match=world.store.keys("moved*"))] == []


def before_leases(world: World, monkeypatch: pytest.MonkeyPatch, step: Step) -> None:
    """Take a step after a look has read the lanes and the limits, and before it reads the leases."""
    real = world.store.run

    async def run(called: Script[Any], *args: Any) -> Any:
        if called.name == "scan_jobs" and msgspec.msgpack.decode(args[2]) == ["leases"]:
            monkeypatch.setattr(world.store, "run", real)
            await step()
        return await real(called, *args)

    monkeypatch.setattr(world.store, "run", run)
