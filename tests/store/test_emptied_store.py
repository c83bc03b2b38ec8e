"""A store that loses everything under running schedulers: catchUp All loses nothing, other types go on."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Literal

import pytest
from prometheus_client import REGISTRY

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import CatchUp, Schedule, Subscription, TaskType, UserSubscription
from taskqueue.plan.lanes import Lane
from taskqueue.scheduler import keeper as keeper_module
from taskqueue.scheduler.keeper import Keeper
from taskqueue.scheduler.publisher import Publisher
from taskqueue.scheduler.ticker import Ticker
from taskqueue.sources.desired import Desired
from taskqueue.store import job_name
from taskqueue.store.claim import Result, claim
from taskqueue.store.clock import server_now_ms
from taskqueue.store.command import get, zrange
from taskqueue.store.connection import Store
from taskqueue.store.cursor import read_cursor, restore_cursor
from taskqueue.store.limits import set_rate
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import read_catalog
from tests.support.site.site import until
from tests.support.store.raw import raw
from tests.support.store.script_clock import ScriptClock

Due = tuple[str, str, int]
BEHIND_MS = 60_000
EVERY = TaskType("every", Schedule(interval_s=5), function="f", catch_up=CatchUp.ALL)
QUIET = TaskType("quiet", Schedule(interval_s=3_600), function="f", catch_up=CatchUp.ALL)
LATEST = TaskType("latest", Schedule(interval_s=5), function="f")
TYPES = {one.name: one for one in (EVERY, QUIET, LATEST)}
USERS = tuple(f"u-{k:02}" for k in range(12))


def manifests(users: tuple[str, ...] = USERS) -> Desired:
    tasks = tuple(Subscription(name) for name in TYPES)
    subscriptions = {name: UserSubscription(name, tasks) for name in users}
    return Desired(MappingProxyType(TYPES), MappingProxyType(subscriptions), (), (), ())


@pytest.fixture(autouse=True)
def clock(ticking_clock: ScriptClock, monkeypatch: pytest.MonkeyPatch) -> ScriptClock:
    """The store's clock stands still, and keepers look after it without delay."""
    monkeypatch.setattr(keeper_module, "MAINTAIN_S", 0.05)
    return ticking_clock


class Folder:
    """A source that says one thing."""

    name: Literal["folder"] = "folder"

    async def changes(self) -> AsyncIterator[Desired]:
        yield manifests()
        await asyncio.Event().wait()

    async def look(self) -> Desired | None:
        return manifests()


class Scheduler:
    def __init__(self, store: Store) -> None:
        self.ticker = Ticker(store, period_s=0.02)
        self.keeper = Keeper(store, self.ticker, source=Folder())


@asynccontextmanager
async def scheduler(store: Store) -> AsyncIterator[Scheduler]:
    made = Scheduler(store)
    parts = (made.keeper.watch(), made.keeper.keep(), made.ticker.run())
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        yield made
        assert not [task for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def begin(store: Store, *batches: tuple[str, ...]) -> int:
    """Publish as it was done a minute ago, the users in the order of the batches; return the cursor of then."""
    cursor_ms = await server_now_ms(store) - BEHIND_MS
    assert await restore_cursor(store, cursor_ms)
    await set_rate(store, 1_000)
    there: tuple[str, ...] = ()
    for batch in batches:
        there += batch
        await Publisher(store).publish(TYPES, manifests(there).users, as_of_ms=cursor_ms)
    return cursor_ms


async def waiting(store: Store) -> set[Due]:
    names = [
        name for lane in Lane for name in await store.read(zrange(store.keys.ready("global", lane), 0, -1))
    ]
    jobs = [job_name.parse(name.decode()) for name in names]
    return {(job.type, job.user, job.occurrence or 0) for job in jobs}


async def empty(store: Store) -> None:
    """Empty this release, in one step, as FLUSHALL empties all of them."""
    keys = [key async for key in raw(store).scan_iter(match=store.keys("*"))]
    await raw(store).unlink(*keys)


async def run_some(store: Store, clock: ScriptClock, jobs: int) -> Counter[Due]:
    """Run the first jobs that a worker gets, and forget the rest."""
    ran = Counter[Due]()
    results: list[Result] = []
    for seq in range(1, 1_000):
        got = await claim(store, "w", seq, min(10, jobs - ran.total()), 60_000, results)
        names = [job_name.parse(job.lease) for job in got.jobs]
        ran.update((job.type, job.user, job.occurrence or 0) for job in names)
        results = [Result(job.lease, Outcome.DONE) for job in got.jobs]
        if ran.total() == jobs and not results:
            return ran
        await clock.advance(ms=10)
    raise AssertionError(ran)


async def caught_up(store: Store, *tickers: Ticker) -> None:
    async def there() -> bool:
        catalog = await read_catalog(store)
        cursor_ms = int(await store.read(get(store.keys("cursor"))) or 0)
        ahead = cursor_ms >= await server_now_ms(store)
        return ahead and catalog.replay is None and all(one.cursor_ms == cursor_ms for one in tickers)

    await until("the cursor is where the clock is", there)


async def planned(store: Store, since_ms: int, until_ms: int, *types: str) -> set[Due]:
    """Every due of some types, or of all types with catchUp All, by the offsets in the store."""
    found = set[Due]()
    for one in [TYPES[name] for name in types or ("every", "quiet")]:
        (generation,) = (await read_catalog(store)).records[one.name].active
        key = store.keys.schedule(one.name, generation.number)
        interval_s = one.schedule.interval_s or 0
        first_s = since_ms // 1000 // interval_s * interval_s
        for user, place in await raw(store).zrange(key, 0, -1, withscores=True):
            for occurrence_s in range(first_s, until_ms // 1000 + 1, interval_s):
                if since_ms < occurrence_s * 1000 + place <= until_ms:
                    found.add((one.name, user.decode(), occurrence_s))
    return found


def counted() -> float:
    return REGISTRY.get_sample_value("taskqueue_emitted_again_total") or 0.0


async def test_lost_jobs_of_catch_up_all_are_emitted_again(store: Store, clock: ScriptClock) -> None:
    since_ms = await begin(store, USERS)
    async with scheduler(store) as first, scheduler(store) as second:
        await caught_up(store, first.ticker, second.ticker)
        ran = await run_some(store, clock, 60)
        for one in (first, second):
            await one.keeper.recovery_point.read()
        waited, before_ms, count = await waiting(store), await read_cursor(store), counted()
        due = await planned(store, since_ms, before_ms)
        await empty(store)
        await caught_up(store, first.ticker, second.ticker)
        again = await waiting(store)
        due |= await planned(store, since_ms, await read_cursor(store))
    assert due - ran.keys() - again == set(), "nothing of catchUp All is missing"
    every = {job for job in waited if job[0] == "every"}
    assert len(every) > 80
    assert len([job for job in again & ran.keys() if job[0] == "every"]) <= len(every)
    assert counted() - count >= len(every)
    others = {job for job in again if job[0] != "every"}
    assert others <= await planned(store, before_ms - 2_001, before_ms + 60_000, *TYPES), (
        "two seconds, as ever"
    )


async def test_a_scheduler_without_floors_replays_the_period(store: Store) -> None:
    since_ms = await begin(store, USERS)
    async with scheduler(store) as first, scheduler(store) as second:
        await caught_up(store, first.ticker, second.ticker)
        due = {job for job in await planned(store, since_ms, await read_cursor(store)) if job[0] == "quiet"}
        await empty(store)
        await caught_up(store, first.ticker, second.ticker)
        assert due <= await waiting(store)


async def test_other_places_after_a_refill_lose_nothing(store: Store, clock: ScriptClock) -> None:
    since_ms = await begin(store, USERS[6:], USERS[:6])
    async with scheduler(store) as only:
        await caught_up(store, only.ticker)
        ran = await run_some(store, clock, 60)
        await only.keeper.recovery_point.read()
        places = {user: [task.number for task in await read_subscriptions(store, user)] for user in USERS}
        due = await planned(store, since_ms, await read_cursor(store))
        await empty(store)
        await caught_up(store, only.ticker)
        again = await waiting(store)
        assert places != {
            user: [task.number for task in await read_subscriptions(store, user)] for user in USERS
        }
        cursor_ms = await read_cursor(store)
        later = await planned(store, cursor_ms, cursor_ms + 3_600_000)
    assert due - ran.keys() - again - later == set()


async def test_a_store_emptied_during_a_replay_loses_nothing(store: Store, clock: ScriptClock) -> None:
    since_ms = await begin(store, USERS)
    async with scheduler(store) as only:
        await caught_up(store, only.ticker)
        ran = await run_some(store, clock, 30)
        await only.keeper.recovery_point.read()
        due = await planned(store, since_ms, await read_cursor(store))
        for _ in range(2):
            only.keeper.published.clear()
            await empty(store)
            await asyncio.wait_for(only.keeper.published.wait(), 20)
            await only.keeper.recovery_point.read()
        await caught_up(store, only.ticker)
        again = await waiting(store)
    assert due - ran.keys() - again == set()
