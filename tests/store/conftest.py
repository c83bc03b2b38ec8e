"""A small world on a real store: task types, users, jobs and workers in one line each."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.values import Limit, Subscription, TaskType, UserSubscription
from taskqueue.plan.segment import DueRange
from taskqueue.store.audit import audit
from taskqueue.store.claim import Alone, Claim, Result, claim
from taskqueue.store.cursor import read_cursor
from taskqueue.store.enqueue import enqueue
from taskqueue.store.limits import set_rate
from taskqueue.store.tick import tick
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_limits, put_types, read_catalog
from taskqueue.store.users import set_users
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskqueue.store.connection import Store
    from tests.support.store.script_clock import ScriptClock

#: Longer than any test: leases of this length never run out.
LEASE_MS = 60_000


@dataclass
class World:
    """Everything a test does to the store, with the numbers (version, cursor, seq) kept for it.

    The scripts' clock stands still until `world.clock` is moved.
    """

    store: Store
    clock: ScriptClock
    seqs: dict[str, int] = field(default_factory=dict)
    occurrences: itertools.count[int] = field(default_factory=lambda: itertools.count(1_000))

    async def install(
        self, *types: TaskType, limits: Sequence[Limit] = (), rate: float | None = 1_000.0
    ) -> None:
        """Writes limits, types (generation 1 each) and the rate; the limiter is warm, nothing is booked."""
        version = (await read_catalog(self.store)).version
        if limits:
            version = await put_limits(self.store, version, limits)
        await put_types(
            self.store, version, [TypeRecord(one, (Generation(1, one.schedule),)) for one in types]
        )
        if rate is not None:
            await set_rate(self.store, rate)
        await self.warm()

    async def warm(self) -> None:
        """A limiter that has been on this server for long, with every slot free."""
        run = (await raw(self.store).info("server"))["run_id"]
        now_us = self.clock.now_us
        mapping = {
            "start_us": now_us,
            "cost": 0,
            "server_run": run,
            "first_seen_us": 0,
            "last_call_us": now_us,
            "reap_from_us": 0,
        }
        await raw(self.store).hset(self.store.keys("limiter"), mapping=mapping)
        busy = self.store.keys("lanes_busy")
        for queue in await raw(self.store).zrange(busy, 0, -1):
            await raw(self.store).zadd(busy, {queue: now_us})

    async def subscribe(self, user: str, *kinds: str, suspend: bool = False) -> None:
        tasks = tuple(Subscription(kind) for kind in kinds)
        assert await set_users(self.store, "folder", [UserSubscription(user, tasks, suspend)]) == []

    async def occur(self, kind: str, occurrence_s: int | None = None, *, life_ms: int = 0) -> int:
        """An occurrence of a type long ago, all its users' jobs are due; returns how many were emitted."""
        catalog, cursor = await read_catalog(self.store), await read_cursor(self.store)
        at = next(self.occurrences) if occurrence_s is None else occurrence_s
        row = DueRange(kind, 1, 0, 1 << 40, at, life_ms, catalog.records[kind].task_type.priority)
        done = await tick(self.store, cursor, cursor + 1, catalog.version, [row])
        assert done.verdict == "ok"
        return done.emitted

    async def enqueue(self, kind: str, *users: str, delay_ms: int = 0, life_ms: int = 0) -> list[str]:
        """Enqueue a job with params of its own for each user."""
        return [
            await enqueue(self.store, kind, user, {"n": 1}, delay_ms=delay_ms, life_ms=life_ms)
            for user in users
        ]

    async def claim(
        self,
        worker: str = "w",
        n: int = 10,
        results: Sequence[Result] = (),
        lease_ms: int = LEASE_MS,
        alone: Alone = Alone.NOT_NOW,
        has_time: bool = False,
    ) -> Claim:
        self.seqs[worker] = seq = self.seqs.get(worker, 0) + 1
        return await claim(self.store, worker, seq, n, lease_ms, results, alone=alone, has_time=has_time)

    async def again(self, worker: str, n: int, results: Sequence[Result] = ()) -> Claim:
        """The last call of a worker once more, as after a lost answer."""
        return await claim(self.store, worker, self.seqs[worker], n, LEASE_MS, results)

    async def tat_us(self) -> float:
        """Return the earliest start of the next job: the last start and its cost, at the limit in force."""
        start, cost = await raw(self.store).hmget(self.store.keys("limiter"), "start_us", "cost")
        rate = (await read_catalog(self.store)).rate
        assert rate is not None
        return int(start) + int(cost) * 1.015e6 / rate

    async def total(self, name: str) -> int:
        return (await audit(self.store)).totals.get(name, 0)

    async def waiting(self) -> dict[str, list[str]]:
        """Names of jobs by the key that holds them (ready:..., parked:...)."""
        keys = [k async for k in raw(self.store).scan_iter(match=self.store.keys("*"), _type="zset")]
        found: dict[str, list[str]] = {}
        for key in keys:
            name = key.decode().removeprefix(self.store.keys.prefix)
            if name.startswith(("ready:", "parked:")):
                found[name] = [job.decode() for job in await raw(self.store).zrange(key, 0, -1)]
        return found

    async def conserved(self) -> None:
        found = await audit(self.store)
        assert found.difference == 0, found


@pytest.fixture
async def world(store: Store, clock: ScriptClock) -> World:
    return World(store, clock)


@pytest.fixture
def chance() -> random.Random:
    """The same numbers at every run."""
    return random.Random(20_261_124)
