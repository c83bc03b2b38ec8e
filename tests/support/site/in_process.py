"""A scheduler and a worker's calls in one process, on a store that a test may damage."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import msgspec

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import RateLimit, Schedule, Subscription, TaskType, UserSubscription
from taskqueue.scheduler import keeper as keeper_module
from taskqueue.scheduler import metrics, repair
from taskqueue.scheduler.keeper import Keeper
from taskqueue.scheduler.ticker import Ticker
from taskqueue.sources.desired import Desired
from taskqueue.store.audit import audit
from taskqueue.store.claim import Claim, Result, claim
from taskqueue.store.connection import Store
from taskqueue.store.dead import read_dead
from taskqueue.store.enqueue import enqueue
from taskqueue.store.fence import read_epoch
from taskqueue.store.heartbeat import heartbeat
from taskqueue.store.limits import read_closed
from taskqueue.store.listing import read_handlers, read_jobs, read_workers
from taskqueue.store.lookup import find_jobs, find_stored_users
from taskqueue.store.permit import permit
from taskqueue.store.places import read_places
from taskqueue.store.retention import read_retention
from taskqueue.store.runs import read_runs
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import read_catalog
from taskqueue.store.users import Source as SourceName
from taskqueue.store.users import read_stored_users
from taskqueue.store.work import read_work
from taskqueue.store.writes import Write, begin_write, read_writes

LEASE_MS = 10_000
WRITE = Write(caller="eduard", by="token", method="PUT", path="/v1/users/ada", address="127.0.0.1")
GOOD, BAD = "good", "bad"
TYPES = {
    GOOD: TaskType(GOOD, Schedule(interval_s=60), function="f"),
    BAD: TaskType(BAD, Schedule(interval_s=60), function="f", rate_limit=RateLimit(per_second=500)),
}
USERS = {name: UserSubscription(name, (Subscription(GOOD), Subscription(BAD))) for name in ("ada", "mal")}


class Manifests:
    """A source that says the same for ever."""

    name: SourceName = "folder"

    async def changes(self) -> AsyncIterator[Desired]:
        yield await self.look()
        await asyncio.Event().wait()

    async def look(self) -> Desired:
        return Desired(TYPES, USERS, (), (), ())


@dataclass
class Fleet:
    """The calls of one worker, and its finished jobs."""

    store: Store
    keeper: Keeper
    ticker: Ticker
    parts: list[asyncio.Task[None]]
    failed: float = field(default_factory=metrics.PUBLISHES.labels("failed")._value.get)
    done: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def work(self, calls: int = 1) -> None:
        """Claim and settle, with everything else that workers, the operator and people call."""
        results: list[Result] = []
        for _ in range(calls):
            got: Claim = await claim(self.store, "w", next(self.numbers), 20, LEASE_MS, results)
            results = [Result(job.lease, Outcome.DONE, 0, "", 100) for job in got.jobs]
            self.done |= {job.lease.rsplit("|", 2)[0] for job in got.jobs}
        await claim(self.store, "w", next(self.numbers), 0, LEASE_MS, results)
        self.alive()

    async def look(self) -> None:
        """Read all that is read."""
        store = self.store
        await heartbeat(store, "w", LEASE_MS, msgspec.json.encode({}), ["nobody|1|1|1|1|w|1"], ["f"])
        await permit(store, 1, LEASE_MS)
        await read_catalog(store)
        await read_jobs(store)
        await read_workers(store)
        await read_handlers(store)
        await read_dead(store)
        await begin_write(store, WRITE)
        await read_writes(store)
        await read_work(store)
        await read_stored_users(store)
        await find_stored_users(store, list(USERS))
        await read_epoch(store)
        for user in USERS:
            await read_subscriptions(store, user)
            await read_runs(store, user)
            await find_jobs(store, user)
        await audit(store)
        await read_closed(store)
        await read_retention(store)
        catalog = await read_catalog(store)
        await read_places(store, catalog.records.values(), catalog.variants)
        self.alive()

    async def enqueue(self, task_type: str = GOOD, user: str = "ada") -> str:
        return await enqueue(self.store, task_type, user, job_id=f"n{next(self.numbers)}")

    async def until(self, happened: Callable[[], bool], patience_s: float = 10.0) -> None:
        """Work until then; the patience is for machines under load."""
        async with asyncio.timeout(patience_s):
            while not happened():
                await self.work()
                await asyncio.sleep(0.002)

    def alive(self) -> None:
        """Raise the error of an ended part of the scheduler, or the store's refusal."""
        assert self.ticker.failure == ""
        assert metrics.PUBLISHES.labels("failed")._value.get() == self.failed
        for part in self.parts:
            if part.done():
                part.result()
                raise AssertionError("a part of the scheduler ended")


@asynccontextmanager
async def fleet(store: Store) -> AsyncIterator[Fleet]:
    """Run a scheduler until the end of the block. Its loops turn many times a second."""
    before = keeper_module.MAINTAIN_S, repair._AGAIN_S
    keeper_module.MAINTAIN_S, repair._AGAIN_S = 0.02, 0.0
    ticker = Ticker(store, period_s=0.02)
    keeper = Keeper(store, ticker, source=Manifests(), rate=20_000)
    parts = [asyncio.create_task(part) for part in (keeper.watch(), keeper.keep(), ticker.run())]
    running = Fleet(store, keeper, ticker, parts)
    store.malformed.tell = lambda location, _fate: running.told.append(location)
    try:
        await running.until(keeper.started.is_set)
        yield running
        running.alive()
    finally:
        keeper_module.MAINTAIN_S, repair._AGAIN_S = before
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
