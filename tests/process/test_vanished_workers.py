"""Workers killed, cut off and stopped under load: nothing is lost, and nothing runs twice without a reason."""

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from taskqueue.models.values import Retry, Schedule, TaskType
from taskqueue.store.enqueue import enqueue
from taskqueue.store.limits import set_rate
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types
from tests.support.process.seeded_random import chance
from tests.support.site.site import Site, site, until
from tests.support.store.lossy_proxy import Flaky, flaky
from tests.support.store.raw import raw

JOBS = 1_500
ROUNDS = int(float(os.environ.get("TASKQUEUE_SOAK", "5")))


async def fill(
    world: Site, jobs: int = JOBS, rate: float = 300, function: str = "record", **spec: Any
) -> set[str]:
    """A queue of ad hoc jobs; their idempotency keys."""
    await set_rate(world.store, rate)
    kind = TaskType("job", Schedule(interval_s=3600), function=function, **spec)
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
        dice = chance(3)
        # Long enough for a worker that lives to renew it, on a machine however busy.
        options = ("--lease", "4", "--concurrency", "20")
        workers = [await world.worker(*options, sleep_s=0.05) for _ in range(3)]
        suspects: set[str] = set()
        for turn in range(ROUNDS):
            await some_done(world, 100 * (turn + 1))
            victim = workers.pop(dice.randrange(3))
            await world.end(victim, signal.SIGKILL)
            leased = await raw(world.store).zrange(world.store.keys("leases"), 0, -1)
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


async def test_lost_replies_and_cut_connections_start_nothing_twice(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with (
        site(redis_url, release, tmp_path) as world,
        flaky(redis_url, seed=4, cut=0.03, drop=0.06, delay=0.05) as (url, proxy),
    ):
        await through(world, url, proxy, "--lease", "30")
        assert proxy.counts["drop"] > 5, proxy.counts


async def test_late_requests_and_replies_start_nothing_twice(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with (
        site(redis_url, release, tmp_path) as world,
        flaky(redis_url, seed=5, drop=0.01, hold=0.05) as (url, proxy),
    ):
        await through(world, url, proxy, "--lease", "30")
        assert min(proxy.counts["late request"], proxy.counts["late reply"]) > 0, proxy.counts


async def test_only_expired_leases_run_a_job_twice(redis_url: str, release: str, tmp_path: Path) -> None:
    # A held heartbeat outlasts the lease by far: the store cannot know that the worker lives.
    async with (
        site(redis_url, release, tmp_path) as world,
        flaky(redis_url, seed=6, cut=0.02, drop=0.02, hold=0.05, holds=2) as (url, proxy),
    ):
        keys = await fill(world, retry=Retry(max_attempts=99))
        workers = [
            await world.worker("--lease", "1", "--concurrency", "30", url=url, sleep_s=0.1) for _ in range(2)
        ]
        await until("every job is done or dead", world.idle, 60)
        totals = (await world.balanced()).totals
        runs = Counter(start.key for start in world.starts())
        assert sum(runs.values()) - len(runs) <= totals.get("lost", 0), "twice, and nobody lost a lease"
        attempts = {(start.key, start.attempt) for start in world.starts()}
        assert len(attempts) == sum(runs.values()), "a handler cannot tell that its job has run before"
        assert len(keys - runs.keys()) <= totals.get("dead", 0), "lost"
        assert totals["done"] + totals.get("dead", 0) == JOBS
        assert proxy.counts["late request"] + proxy.counts["late reply"] > 0, proxy.counts
        for worker in workers:
            assert await world.end(worker, signal.SIGTERM) == 0


async def through(world: Site, url: str, proxy: Flaky, *options: str) -> None:
    """Two workers do all jobs through a proxy, each exactly once."""
    keys = await fill(world)
    workers = [await world.worker(*options, "--concurrency", "30", url=url) for _ in range(2)]
    await until("every job is done", world.idle, 60)
    runs = Counter(start.key for start in world.starts())
    assert runs.keys() == keys, "lost"
    assert {key: n for key, n in runs.items() if n > 1} == {}, f"started twice; {proxy.counts}"
    assert await world.total("lost") == 0
    assert await world.total("done") == JOBS
    for worker in workers:
        assert await world.end(worker, signal.SIGTERM) == 0


async def test_workers_replaced_one_by_one_under_load_run_nothing_twice(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        keys = await fill(world)
        options = ("--concurrency", "40", "--grace", "5", "--lease", "30")
        workers = [await world.worker(*options, sleep_s=0.2) for _ in range(2)]
        for turn in range(ROUNDS):
            await some_done(world, 150 * (turn + 1))
            workers.append(await world.worker(*options, sleep_s=0.2))
            assert await world.end(workers.pop(0), signal.SIGTERM, limit_s=30) == 0
            await world.balanced()
        ends = (world.end(worker, signal.SIGTERM, limit_s=30) for worker in workers)
        assert await asyncio.gather(*ends) == [0, 0]  # together, in the middle of the load
        found = await world.balanced()
        begun = len(world.starts())
        assert 0 < begun < JOBS
        assert (found.leased, sum(found.ready.values())) == (0, JOBS - begun), "what had not begun is ready"
        assert found.totals["done"] == begun
        last = await world.worker("--concurrency", "40")
        await until("every job is done", world.idle, 30)
        runs = Counter(start.key for start in world.starts())
        assert runs.keys() == keys, "lost"
        assert set(runs.values()) == {1}, "run twice"
        assert await world.total("lost") == 0
        assert await world.end(last, signal.SIGTERM) == 0


@pytest.mark.parametrize("function", ["record-thread", "record-to-thread"])
async def test_a_hanging_thread_delays_no_exit_beyond_the_grace(
    redis_url: str, release: str, tmp_path: Path, function: str
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        await fill(world, 1, function=function, timeout_ms=120_000)
        worker = await world.worker("--grace", "0.5", sleep_s=90)

        async def begun() -> bool:
            return bool(world.starts())

        await until("the job began", begun)
        assert await world.end(worker, signal.SIGTERM, limit_s=30) == 0
        found = await world.balanced()
        assert (sum(found.ready.values()), found.leased) == (1, 0)


async def test_a_worker_with_a_silent_store_still_exits(redis_url: str, release: str, tmp_path: Path) -> None:
    async with (
        site(redis_url, release, tmp_path) as world,
        flaky(redis_url, seed=7) as (url, proxy),
    ):
        keys = await fill(world, 600)
        worker = await world.worker(
            "--grace", "1", "--lease", "2", "--concurrency", "40", url=url, sleep_s=0.2
        )
        await some_done(world, 100)
        proxy.flowing.clear()
        # Its grace, a second for handlers that clean up, and 5 s to say what became of the last jobs.
        assert await world.end(worker, signal.SIGTERM, limit_s=30) == 0
        again = await world.worker("--concurrency", "40", "--lease", "2")
        await until("every job is done", world.idle, 30)
        runs = Counter(start.key for start in world.starts())
        assert runs.keys() == keys, "lost"
        twice = sum(runs.values()) - len(runs)
        assert 0 < twice <= await world.total("lost"), "only what nobody could report runs again"
        assert await world.end(again, signal.SIGTERM) == 0


async def test_a_job_longer_than_the_grace_period_is_given_back(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        await fill(world, 1, timeout_ms=120_000)
        worker = await world.worker("--grace", "0.5", sleep_s=90)

        async def begun() -> bool:
            return bool(world.starts())

        await until("the job began", begun)
        assert await world.end(worker, signal.SIGTERM, limit_s=30) == 0
        found = await world.balanced()
        assert (sum(found.ready.values()), found.leased) == (1, 0)


async def test_a_job_that_kills_three_workers_is_dead(redis_url: str, release: str, tmp_path: Path) -> None:
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
