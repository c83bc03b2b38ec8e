"""Ad hoc jobs a second of one client: one by one, and with `enqueue_many`; store commands of a delayed job."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from taskqueue import AdHocJob, Client
from taskqueue.store.audit import audit
from taskqueue.store.connection import open_store
from tests.support.store.backlog import install, server, task_types

TYPES, USERS = 10, 5_000
#: Variants of a job, by the name of the figure.
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "params": {"params": {"region": "eu", "order": 12_345}},
    "delayed": {"delay_s": 3_600.0},
}


def jobs(number: int, *, with_id: bool = False, **fields: Any) -> Iterator[AdHocJob]:
    """Make jobs of TYPES types and USERS users in turn."""
    for n in range(number):
        job_id = f"order-{n}" if with_id else None
        yield AdHocJob(f"u-{n % USERS:05}", f"type-{n % TYPES:03}", job_id=job_id, **fields)


async def enqueueing(number: int, runs: int = 3) -> dict[str, Any]:
    """Jobs a second, the making of the jobs included: the median of some runs, each on a new server."""
    kinds = {**KINDS, "with_id": {"with_id": True}}
    rates = {name: [await _rate(number, **kind) for _ in range(runs)] for name, kind in kinds.items()}
    return {f"enqueue_many_{name}_per_s": sorted(found)[runs // 2] for name, found in rates.items()}


async def _rate(number: int, **fields: Any) -> int:
    with server() as url:
        store = open_store(url)
        await install(store, task_types(TYPES), 0)
        async with Client.open(url) as client:
            await client.enqueue("u", "type-000")
            began = time.perf_counter()
            await client.enqueue_many(jobs(number, **fields))
            took = time.perf_counter() - began
        found = await audit(store)
        assert (found.totals["enqueued"], found.difference) == (number + 1, 0), found
        await store.close()
        return round(number / took)


if __name__ == "__main__":
    print(asyncio.run(enqueueing(100_000)))
