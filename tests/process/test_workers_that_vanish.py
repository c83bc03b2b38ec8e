"""Workers killed, cut off and stopped under load: nothing is lost, and nothing runs twice without a reason."""

import asyncio
import os
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from flaky import flaky
from site_under_test import Site, site, until

from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.adhoc import enqueue
from taskqueue.store.catalog import Generation, TypeRecord, put_types, set_rate

JOBS = 1_500
ROUNDS = int(float(os.environ.get("TASKQUEUE_SOAK", "5")))


async def fill(world: Site, jobs: int = JOBS, rate: float = 300, **spec: Any) -> set[str]:
    """A queue of ad hoc jobs; their idempotency keys."""
    await set_rate(world.store, rate)
    kind = TaskType("job", Schedule(interval_s=3600), function="record", **spec)
    await put_types(world.store, 0, [TypeRecord(kind, (Generation(1, kind.schedule),))])
    names: list[str] = []
    for first in range(0, jobs, 50):
        batch = (
            enqueue(world.store, "job", f"u-{n:04}", job_id=f"j{n}")
            for n in range(first, min(first + 50, jobs))
        )
        names += await asyncio.gather(*batch)
    return {f"job/{name.split('|')[1]}/{name.split('|')[2]}" for name in names}


async def some_done(world: Site, done: int) -> None:
    async def check() -> bool:
        await world.balanced()
        return await world.total("done") >= done

    await until(f"{done} jobs are done", check)


def key_of(member: bytes) -> str:
    return "/".join(member.decode().split("|")[:3])


async def test_killed_workers_lose_nothing_and_only_leased_jobs_run_twice(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        keys = await fill(world)
        chance = random.Random(3)
        options = ("--lease", "1", "--concurrency", "20")
        workers = [await world.worker(*options, sleep_s=0.05) for _ in range(3)]
        suspects: set[str] = set()
        for turn in range(ROUNDS):
            await some_done(world, 100 * (turn + 1))
            victim = workers.pop(chance.randrange(3))
            await world.end(victim, signal.SIGKILL)
            leased = await world.store.client.zrange(world.store.keys("leased"), 0, -1)
            suspects |= {key_of(member) for member in leased if f"-{victim.pid}-" in member.decode()}
            workers.append(await world.worker(*options, sleep_s=0.05))
        await until("every job is done or dead", world.idle, 60)
        found = await world.balanced()
        runs = Counter(start.key for start in world.starts())
        assert runs.keys() == keys, "lost"
        assert {key for key, n in runs.items() if n > 1} <= suspects, "run twice without a kill"
        assert suspects, "no kill hit a worker with a lease: the test shows nothing"
        assert found.totals["done"] + found.totals.get("dead", 0) == JOBS
        for worker in workers:
            assert await world.end(worker, signal.SIGTERM) == 0


async def test_lost_replies_delays_and_cut_connections_start_nothing_twice(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with (
        site(redis_url, release, tmp_path) as world,
        flaky(redis_url, seed=4, cut=0.03, drop=0.06, delay=0.05) as (url, proxy),
    ):
        keys = await fill(world)
        workers = [await world.worker("--lease", "30", "--concurrency", "30", url=url) for _ in range(2)]
        await until("every job is done", world.idle, 60)
        runs = Counter(start.key for start in world.starts())
        assert proxy.counts["drop"] > 5, proxy.counts
        assert runs.keys() == keys, "lost"
        assert {key: n for key, n in runs.items() if n > 1} == {}, "started twice"
        assert await world.total("lost") == 0
        assert await world.total("done") == JOBS
        for worker in workers:
            assert await world.end(worker, signal.SIGTERM) == 0


async def test_a_stopped_worker_gives_back_what_had_not_begun_and_ends_in_its_grace_period(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        keys = await fill(world, 600)
        options = ("--concurrency", "40", "--grace", "5")
        first = await world.worker(*options, sleep_s=0.2)
        await some_done(world, 150)
        assert await world.end(first, signal.SIGTERM, limit_s=6) == 0
        found = await world.balanced()
        assert found.leased == 0, "whatever it held is settled or given back"
        second = await world.worker(*options, sleep_s=0.0)
        await until("every job is done", world.idle, 30)
        runs = Counter(start.key for start in world.starts())
        assert runs.keys() == keys
        assert set(runs.values()) == {1}
        assert await world.end(second, signal.SIGTERM) == 0


async def test_a_job_longer_than_the_grace_period_is_given_back(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        await fill(world, 1, timeout_ms=60_000)
        worker = await world.worker("--grace", "0.5", sleep_s=60)

        async def begun() -> bool:
            return bool(world.starts())

        await until("the job began", begun)
        assert await world.end(worker, signal.SIGTERM, limit_s=5) == 0
        found = await world.balanced()
        assert (sum(found.ready.values()), found.leased) == (1, 0)


async def test_a_job_that_takes_its_worker_down_is_dead_after_three_losses(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        await fill(world, 1)
        for losses in range(3):
            worker = await world.worker("--lease", "1", sleep_s=60)

            async def begun(losses: int = losses) -> bool:
                return len(world.starts()) > losses

            await until("the job began", begun)
            await world.end(worker, signal.SIGKILL)
        last = await world.worker("--lease", "1")

        async def dead() -> bool:
            return await world.total("dead") == 1

        await until("the job is dead", dead)
        await world.balanced()
        assert await world.end(last, signal.SIGTERM) == 0
