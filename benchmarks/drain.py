"""Throughput of one real worker process on no-op jobs: leases, retries, timeouts, heartbeats, limiter, metrics."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from taskqueue.store.audit import audit
from taskqueue.store.command import hget
from taskqueue.store.connection import Store, open_store
from tests.support.store.backlog import fill, install, server, task_types

HANDLERS = str(Path(__file__).with_name("noop_handlers.py"))


async def drain(
    jobs: int,
    users: int = 5_000,
    *,
    forbid: bool = False,
    own_limits: bool = False,
    rest: int = 0,
) -> float:
    """Jobs a second between 10 % and 90 % of the backlog done; `rest` further jobs stay queued behind."""
    with server() as url:
        store = open_store(url)
        types = task_types(10, forbid=forbid, own_limits=own_limits)
        await install(store, types, users)
        total = await fill(store, types, jobs + rest, users)
        async with running_worker(url):
            wanted = total - rest
            start = await reached(store, wanted // 10)
            end = await reached(store, wanted * 9 // 10)
        checked = await audit(store)
        assert checked.difference == 0, checked
        await store.close()
        return (end[1] - start[1]) / (end[0] - start[0])


@asynccontextmanager
async def running_worker(url: str, *, history: bool = True) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a worker process of no-op handlers."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "taskqueue_worker",
        *("--redis-url", url, "--handlers", HANDLERS, "--concurrency", "200", "--health-port", "0"),
        *("--log-level", "warning", "--history", str(history)),
        env={**os.environ},
    )  # fmt: skip
    try:
        yield worker
    finally:
        worker.send_signal(signal.SIGTERM)
        await worker.wait()


async def reached(store: Store, done: int) -> tuple[float, int]:
    """When at least so many jobs were done, and how many they were then."""
    limit = time.monotonic() + 120
    metrics = hget(store.keys("metrics"), "done")
    while time.monotonic() < limit:
        count = int(await store.read(metrics) or 0)
        if count >= done:
            return time.perf_counter(), count
        await asyncio.sleep(0.02)
    raise TimeoutError(done)


if __name__ == "__main__":
    for options in ({}, {"forbid": True, "own_limits": True}):
        print(options, round(asyncio.run(drain(200_000, **options))), "jobs/s")
