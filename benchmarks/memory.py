"""Bytes per subscription in Valkey: schedule and preferences, then with the last outcome of each."""

import asyncio
from itertools import count
from typing import Any

from taskqueue.models.outcome import Outcome
from taskqueue.store.claim import Result, claim
from taskqueue.store.connection import Store, open_store
from tests.support.store.backlog import fill, install, server, task_types
from tests.support.store.raw import raw


async def _used(store: Store) -> int:
    return int((await raw(store).info("memory"))["used_memory_dataset"])


async def memory(users: int, types: int = 30) -> dict[str, Any]:
    """Every user wants every type, so a user's records fit one compact hash, as for real users."""
    with server() as url:
        store = open_store(url)
        specs = task_types(types)
        await install(store, [], 0)
        empty = await _used(store)
        await install(store, specs, users)
        plain = await _used(store)
        subscriptions = users * types
        await fill(store, specs, subscriptions, users)
        results: list[Result] = []
        calls, left = count(1), subscriptions
        while left:
            answer = await claim(store, "w", next(calls), 100, 60_000, results)
            left -= len(results)
            results = [Result(job.lease, Outcome.DONE) for job in answer.jobs]
        await raw(store).delete(store.keys("claims", "w"))
        settled = await _used(store)
        done = int(await raw(store).hget(store.keys("metrics"), "done"))
        assert done == subscriptions, (done, subscriptions)
        await store.close()
        return {
            "subscriptions": subscriptions,
            "bytes_schedule_and_preferences": round((plain - empty) / subscriptions, 1),
            "bytes_with_last_outcomes": round((settled - empty) / subscriptions, 1),
        }


if __name__ == "__main__":
    print(asyncio.run(memory(10_000)))
