"""A type with 10,000 waiting jobs moves to another limit while workers run; the process that moves them is killed."""

import asyncio
import itertools
import time
from collections import Counter
from functools import partial
from pathlib import Path

from taskqueue.store.types import read_catalog
from tests.support.site.site import Site, audited, site, until
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready

JOBS, USERS, WORKERS = 10_000, 20, 2
#: Moves until one is caught on the way, on a machine that does not let this process look often.
TRIES = 5
SECOND = {"interval": "1s"}


def limit(requests: int, per: str) -> dict[str, object]:
    return {"key": "Release", "rate": {"requests": requests, "per": per}}


def publish(world: Site, name: str, **limits: dict[str, object]) -> None:
    """Let sync take from the limit of this name. steady and named have jobs each second, and limits of their own."""
    types: dict[str, dict[str, object]] = {
        "sync": {"schedule": {"interval": "24h"}, "limits": [{"name": name}]},
        "steady": {"schedule": SECOND, "limits": [{"name": "app"}]},
        "named": {"schedule": SECOND, "limits": [{"name": "kept"}]},
    }
    world.publish(types, USERS, limits)


async def waiting(world: Site, name: str) -> int:
    return int(await raw(world.store).zcard(world.store.keys.ready(name, "normal")))


async def fill(world: Site, name: str) -> None:
    due_ms = int(time.time() * 1000) - 60_000
    jobs = {f"sync|u-{k % USERS:04}|~{k}|{due_ms + k}|0": due_ms + k for k in range(JOBS)}
    await put_ready(world.store, "normal", jobs, name)
    await raw(world.store).hincrby(world.store.keys("metrics"), "enqueued", JOBS)


async def kill_on_the_way(world: Site, mover: asyncio.subprocess.Process) -> str:
    """Move sync to a new limit, kill the mover halfway, and return the limit's name."""
    former = "slow-0"
    for number in itertools.count(1):
        name = f"slow-{number}"
        publish(world, name, app=limit(50, "1s"), kept=limit(40, "1s"), **{name: limit(1, "60s")})
        await until("jobs move", partial(_some, world, name))
        mover.kill()
        await mover.wait()
        if await waiting(world, former):
            return name
        assert number < TRIES, "each mover was done before it was killed"
        former, mover = name, await world.scheduler("--rate", "none")
    raise AssertionError


async def _some(world: Site, name: str) -> bool:
    """Look often for a while."""
    for _ in range(100):
        if await waiting(world, name):
            return True
    return False


async def test_a_mover_killed_halfway_leaves_no_job_behind(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        publish(world, "slow-0", app=limit(50, "1s"), kept=limit(40, "1s"), **{"slow-0": limit(1, "60s")})
        mover = await world.scheduler("--rate", "none")
        for _ in range(WORKERS):
            await world.worker("--concurrency", "200")
        await until("jobs run", lambda: _done(world, 1))
        await fill(world, "slow-0")
        async with audited(world):
            name = await kill_on_the_way(world, mover)
            await world.scheduler("--rate", "none")
            changed = world.store.keys("changed_limits")
            await until("all jobs follow", lambda: _is_gone(world, changed))
            assert await waiting(world, name) >= JOBS - 10
            # In use with another value; and gone from the manifests, though a type names it.
            publish(world, name, app=limit(60, "1s"), **{name: limit(5_000, "1s")})
            await until("all jobs start", lambda: _all_started(world))
            await until("nobody waits for a former limit", lambda: _limits(world, {"app", "kept", name}))
            assert (await read_catalog(world.store)).limits["app"].per_second == 60
            done = await world.total("done")
            await until("the other types go on", lambda: _done(world, done + USERS))
        seen = Counter(one.key for one in world.starts())
        assert {key: number for key, number in seen.items() if number > 1} == {}
        assert sum("/~" in key for key in seen) == JOBS


async def _done(world: Site, number: int) -> bool:
    return await world.total("done") >= number


async def _all_started(world: Site) -> bool:
    return world.record.read_bytes().count(b"/~") >= JOBS


async def _is_gone(world: Site, key: str) -> bool:
    return not await raw(world.store).exists(key)


async def _limits(world: Site, names: set[str]) -> bool:
    return set((await read_catalog(world.store)).limits) == names
