"""Ad hoc jobs a second that one client enqueues with `enqueue_many`, and how long a call keeps the store."""

import asyncio
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from taskqueue import AdHocJob, Client
from taskqueue.store.audit import audit
from taskqueue.store.connection import open_store
from tests.support.store.backlog import install, server, task_types
from tests.support.store.raw import raw

TYPES, USERS = 10, 5_000
#: Variants of a job, by the name of the figure.
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "params": {"params": {"region": "eu", "order": 12_345}},
    "delayed": {"delay_s": 3_600.0},
    "with_id": {"with_id": True},
}


def jobs(number: int, *, with_id: bool = False, **fields: Any) -> Iterator[AdHocJob]:
    """Make jobs of TYPES types and USERS users in turn."""
    for n in range(number):
        job_id = f"order-{n}" if with_id else None
        yield AdHocJob(f"u-{n % USERS:05}", f"type-{n % TYPES:03}", job_id=job_id, **fields)


async def enqueueing(number: int, runs: int = 3) -> dict[str, Any]:
    """Jobs a second, the making of the jobs included, and ms of the store a call: the medians of some runs.

    Each run has a new server.
    """
    found: dict[str, Any] = {}
    for name, kind in KINDS.items():
        rates, calls_ms = zip(*[await _measure(number, **kind) for _ in range(runs)], strict=True)
        found[f"enqueue_many_{name}_per_s"] = round(median(rates))
        found[f"enqueue_many_{name}_call_ms"] = round(median(calls_ms), 2)
    return found


async def _measure(number: int, **fields: Any) -> tuple[float, float]:
    with server() as url:
        store = open_store(url)
        await install(store, task_types(TYPES), 0)
        async with Client.open(url) as client:
            await client.enqueue("u", "type-000")  # loads the script
            await raw(store).config_resetstat()
            began = time.perf_counter()
            await client.enqueue_many(jobs(number, **fields))
            took = time.perf_counter() - began
        stats = await raw(store).info("commandstats")
        found = await audit(store)
        assert (found.totals["enqueued"], found.difference) == (number + 1, 0), found
        await store.close()
        return number / took, stats["cmdstat_evalsha"]["usec_per_call"] / 1000


if __name__ == "__main__":
    print(asyncio.run(enqueueing(100_000)))
