"""Bytes in Valkey: a subscription with its place in the schedule, with its last outcome; a user at a limit; history."""

import asyncio
import math
from itertools import count
from typing import Any

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Limit, LimitKey, Schedule, TaskType
from taskqueue.store.claim import Result, claim
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store, open_store
from taskqueue.store.history import (
    MAX_MINUTES,
    MINUTE_MS,
    MINUTES_PER_HOUR,
    Counts,
    to_counters,
)
from taskqueue.store.history import count as count_history
from taskqueue.store.limits import set_rate
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_limits, put_types, read_catalog
from tests.support.store.backlog import fill, install, server, task_types
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready

#: Time for which a user's limit is not full again, longer than the run.
REFILL_S = 600


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


async def memory_of_limits(users: int) -> dict[str, Any]:
    """Every user has just made a start under a limit of their own; then all are free again."""
    limit = Limit("shop", LimitKey.USER, 1 / REFILL_S)
    sync = TaskType("sync", Schedule(interval_s=3600), function="noop", limits=(limit.name,))
    with server() as url:
        store = open_store(url)
        version = await put_limits(store, (await read_catalog(store)).version, [limit])
        await put_types(store, version, [TypeRecord(sync, (Generation(1, sync.schedule),))])
        await set_rate(store, math.inf)
        jobs = {f"sync|user-{number:07}|~{number}|1|0": 1.0 for number in range(users)}
        await put_ready(store, "normal", jobs)
        calls, left = count(1), users
        while left:
            left -= len((await claim(store, "w", next(calls), 100, 60_000, [])).jobs)
        tats = raw(store), store.keys("tats", limit.name)
        used = await tats[0].memory_usage(tats[1], samples=0)
        kept_ms = await tats[0].pttl(tats[1])
        await store.close()
        return {
            "bytes_user_at_a_limit": round(used / users, 1),
            "users_at_a_limit_kept_s": round(kept_ms / 1000),
        }


async def memory_of_history(types: int, hours: int) -> dict[str, Any]:
    """Every type makes 200 starts in every minute, late by four classes, and two of them are retried."""
    outcomes = {Outcome.DONE: 198, Outcome.RETRIED: 2}
    counts = Counts([140, 40, 10, 8, 0, 0, 0, 0, 2], [outcomes.get(one, 0) for one in Outcome])
    with server() as url:
        store = open_store(url)
        await install(store, [], 0)
        empty = int((await raw(store).info("memory"))["used_memory"])
        last, numbers = await server_now_ms(store) // MINUTE_MS, count(1)
        for minute in range(last - hours * MINUTES_PER_HOUR + 1, last + 1):
            rows = [(f"fetch-orders-{one:03}", minute, to_counters(counts)) for one in range(types)]
            for first in range(0, types, MAX_MINUTES):
                await count_history(store, "w", next(numbers), rows[first : first + MAX_MINUTES])
        used = int((await raw(store).info("memory"))["used_memory"])
        await store.close()
        return {"history_mb": round((used - empty) / 1e6, 1)}


if __name__ == "__main__":
    parts = (memory(10_000), memory_of_limits(10_000), memory_of_history(300, 72))
    print([asyncio.run(part) for part in parts])
