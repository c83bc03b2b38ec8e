"""One handler ends its process, among many good ones: it alone is dead, and the rest hardly wait for it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.dead import read_dead
from taskqueue.store.enqueue import enqueue
from taskqueue.store.limits import set_rate
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types
from tests.support.site.site import Site, site, until

JOBS = 200
OPTIONS = ("--lease", "1", "--concurrency", "20")


@asynccontextmanager
async def restarted_workers(world: Site, count: int, sleep_s: float) -> AsyncIterator[None]:
    """So many workers, each started again when it exits, as a Deployment would."""

    async def keep() -> None:
        while True:
            worker = await world.worker(*OPTIONS, sleep_s=sleep_s)
            await worker.wait()

    keepers = [asyncio.create_task(keep()) for _ in range(count)]
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper


async def test_one_of_200_jobs_ends_its_process_and_no_other_is_dead(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        await set_rate(world.store, 300)
        kind = TaskType("job", Schedule(interval_s=3600), function="record-or-exit")
        await put_types(world.store, 0, [TypeRecord(kind, (Generation(1, kind.schedule),))])
        users = [f"u-{n:03}" for n in range(JOBS - 1)]
        users.insert(50, "culprit")
        for user in users:
            await enqueue(world.store, "job", user)
        async with restarted_workers(world, 2, sleep_s=0.05):
            await until("every job is done or dead", world.idle, 60)
        found = await world.balanced()
        assert (found.totals["done"], found.totals["dead"]) == (JOBS - 1, 1)
        (letter,) = await read_dead(world.store)
        assert "|culprit|" in letter.job
        assert letter.reason == "the worker vanished 3 times while this job ran"
        starts = world.starts()
        runs = Counter(start.user for start in starts)
        assert runs.keys() == set(users)
        assert runs["culprit"] == letter.losses
        by_process = Counter(start.pid for start in starts)
        ended = [start.pid for start in starts if start.user == "culprit"]
        beside = {start.user for start in starts if start.pid == ended[0]}
        assert {user for user, n in runs.items() if n > 1} <= beside, "an innocent elsewhere ran twice"
        assert sum(by_process.values()) <= JOBS + len(beside) + 3
