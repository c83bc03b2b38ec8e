"""A keeper with a store that was lost, reverted, or given users by an import."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

import pytest

from taskqueue.models.fault import Fault
from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.scheduler import keeper as keeper_module
from taskqueue.scheduler.floors import CursorCopy
from taskqueue.scheduler.keeper import Keeper
from taskqueue.scheduler.ticker import Ticker
from taskqueue.sources.desired import Desired, Protected
from taskqueue.store.connection import Store
from taskqueue.store.cursor import read_cursor
from taskqueue.store.fence import Fence, take_epoch
from taskqueue.store.types import read_catalog
from taskqueue.store.users import read_stored_users, set_users
from tests.support.site.site import until
from tests.support.store.raw import raw
from tests.support.store.script_clock import ScriptClock


def desired(types: tuple[str, ...] = ("sync",), users: tuple[str, ...] = ("ada", "bob")) -> Desired:
    return Desired(
        MappingProxyType({name: TaskType(name, Schedule(interval_s=2), function="f") for name in types}),
        MappingProxyType({name: UserSubscription(name, (Subscription("sync"),)) for name in users}),
        (),
        (),
        (),
    )


class Given:
    """A source of given manifests."""

    name: Literal["kubernetes"] = "kubernetes"

    def __init__(self) -> None:
        self.said = asyncio.Queue[Desired]()

    async def changes(self) -> AsyncIterator[Desired]:
        while True:
            yield await self.said.get()

    async def look(self) -> Desired | None:
        return None


class Leading:
    """A Leadership from `begin` until `end`."""

    another_leads = False
    last_copy: CursorCopy | None = None

    def __init__(self, store: Store) -> None:
        self._store = store
        self._on = asyncio.Event()
        self._fence = Fence("ns/uid", 0)

    async def begin(self) -> None:
        self._fence = Fence("ns/uid", await take_epoch(self._store, "ns/uid", self._fence.epoch))
        self._on.set()

    def end(self) -> None:
        self._on.clear()

    async def wait_to_lead(self) -> Fence:
        await self._on.wait()
        return self._fence


class Replica:
    def __init__(self, store: Store) -> None:
        self.ticker = Ticker(store, period_s=0.05)
        self.source = Given()
        self.leads = Leading(store)
        self.keeper = Keeper(store, self.ticker, source=self.source, rate=50, leadership=self.leads)

    async def publishes(self, what: Desired) -> None:
        self.keeper.published.clear()
        self.source.said.put_nowait(what)
        async with asyncio.timeout(60):
            await self.keeper.published.wait()


@pytest.fixture(autouse=True)
def clock(ticking_clock: ScriptClock, monkeypatch: pytest.MonkeyPatch) -> ScriptClock:
    """The store's clock stands still, and keepers look after it without delay."""
    monkeypatch.setattr(keeper_module, "MAINTAIN_S", 0.05)
    return ticking_clock


@asynccontextmanager
async def replica(store: Store) -> AsyncIterator[Replica]:
    made = Replica(store)
    tasks = [asyncio.create_task(c) for c in (made.keeper.watch(), made.keeper.keep(), made.ticker.run())]
    try:
        yield made
        assert not [task for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def everything(store: Store) -> dict[bytes, bytes]:
    return {key: await raw(store).dump(key) async for key in raw(store).scan_iter(match=store.keys("*"))}


async def put_back(store: Store, kept: dict[bytes, bytes]) -> None:
    pipeline = raw(store).pipeline()
    pipeline.unlink(*(await everything(store)))
    for key, value in kept.items():
        pipeline.restore(key, 0, value)
    pipeline.execute()


async def test_a_standby_refills_a_store_lost_with_its_leader(store: Store, clock: ScriptClock) -> None:
    async with replica(store) as first, replica(store) as standby:
        await first.leads.begin()
        await first.publishes(desired())
        standby.source.said.put_nowait(desired())

        async def standby_knows() -> bool:
            return standby.ticker.cursor_ms is not None and standby.ticker.cursor_ms == first.ticker.cursor_ms

        await until("the standby ticks, too", standby_knows)
        first.leads.end()
        cursor_ms = await read_cursor(store)
        await raw(store).unlink(*(await everything(store)))
        await clock.advance(ms=2_500)  # nobody leads for more than a period
        await standby.leads.begin()

        async def goes_on() -> bool:
            record = (await read_catalog(store)).records.get("sync")
            return record is not None and bool(await raw(store).exists(store.keys("cursor")))

        await until("it is filled again", goes_on)
        record = (await read_catalog(store)).records["sync"]
        assert record.active[0].from_s * 1000 <= cursor_ms, "nothing was skipped"


async def test_a_reverted_store_is_published_again(store: Store) -> None:
    async with replica(store) as only:
        await only.leads.begin()
        await only.publishes(desired())
        kept = await everything(store)
        await only.publishes(desired(types=("sync", "other"), users=("ada", "bob", "eve")))
        await put_back(store, kept)

        async def there_again() -> bool:
            types = (await read_catalog(store)).records.keys()
            return types == {"sync", "other"} and "eve" in await read_stored_users(store)

        await until("what was lost is there again", there_again)


async def test_users_change_owners_with_imports(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "_FOREIGN_S", 0.1)
    monkeypatch.setattr(keeper_module, "_RESYNC_S", 0.1)

    async with replica(store) as only:
        await only.leads.begin()
        await only.publishes(desired())
        await set_users(store, "import", [UserSubscription("ada", (Subscription("sync"),))])

        async def foreign(users: set[str]) -> bool:
            return only.keeper.of_other_sources == users

        await until("ada is seen to be imported", lambda: foreign({"ada"}))
        await set_users(store, "import", [UserSubscription("ada")])
        await until("ada is ours", lambda: foreign(set()))
        assert (await read_stored_users(store))["ada"].source == "kubernetes"


async def test_a_refused_object_keeps_its_stored_user(
    store: Store,
) -> None:
    async with replica(store) as only:
        await only.leads.begin()
        await only.publishes(desired(types=("sync", "bad"), users=("ada", "bob", "eve")))
        fault = Fault("UserSubscription/ada", 1, 0, "spec", "cannot be")
        rest = replace(desired(users=("eve",)), faults=(fault,))
        await only.publishes(replace(rest, protected=Protected(frozenset({"bad"}), frozenset({"ada"}))))
        assert (await read_stored_users(store)).keys() == {"ada", "eve"}
        assert (await read_catalog(store)).records.keys() == {"sync", "bad"}
        await only.publishes(replace(rest, protected=Protected()))
        assert (await read_stored_users(store)).keys() == {"eve"}
