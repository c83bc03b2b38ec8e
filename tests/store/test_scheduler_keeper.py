"""The store follows a folder of manifests, through bad edits, lost files and a lost store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from taskqueue.scheduler import keeper as keeper_module
from taskqueue.scheduler.keeper import Keeper
from taskqueue.scheduler.ticker import Ticker
from taskqueue.sources import folder as folder_module
from taskqueue.sources.desired import Desired
from taskqueue.sources.folder import FolderSource, load
from taskqueue.store.connection import Store
from taskqueue.store.cursor import read_cursor
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import read_catalog
from taskqueue.store.users import read_stored_users
from tests.support.site.site import until
from tests.support.store.raw import raw
from tests.support.store.script_clock import ScriptClock

PATIENCE_S = 60.0


def type_manifest(name: str, interval: str = "5m", cost: int = 1) -> str:
    return (
        f"apiVersion: taskqueue.dev/v1alpha1\nkind: TaskType\nmetadata: {{name: {name}}}\n"
        f"spec:\n  schedule: {{interval: {interval}}}\n  handler: {{function: f}}\n  cost: {cost}\n"
    )


def user_manifests(count: int, name: str = "orders", prefix: str = "u") -> str:
    return "".join(
        f"---\napiVersion: taskqueue.dev/v1alpha1\nkind: UserSubscription\nmetadata: {{name: {prefix}-{i}}}\n"
        f"spec:\n  tasks: [{{type: {name}}}]\n"
        for i in range(count)
    )


@pytest.fixture(autouse=True)
def clock(ticking_clock: ScriptClock, monkeypatch: pytest.MonkeyPatch) -> ScriptClock:
    """The store's clock stands still, and keepers look after it without delay."""
    monkeypatch.setattr(keeper_module, "MAINTAIN_S", 0.05)
    return ticking_clock


def save(path: Path, text: str) -> None:
    """Write a file so that no look at the folder sees half of it."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text)
    draft.rename(path)


@asynccontextmanager
async def keeping(store: Store, folder: Path | None, ticker: Ticker | None = None) -> AsyncIterator[Keeper]:
    ticking = ticker or Ticker(store)
    keeper = Keeper(store, ticking, source=FolderSource(folder, 0.02) if folder else None, rate=50)
    tasks = [asyncio.create_task(part) for part in (keeper.watch(), keeper.keep())]
    if ticker:
        tasks.append(asyncio.create_task(ticker.run()))
    try:
        yield keeper
        assert [task for task in tasks if task.done() and task.exception()] == []
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def after_publish(keeper: Keeper) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await keeper.published.wait()
    keeper.published.clear()


async def test_a_folder_is_published_and_an_edit_follows(store: Store, tmp_path: Path) -> None:
    save(tmp_path / "types.yaml", type_manifest("orders"))
    save(tmp_path / "users.yaml", user_manifests(3))
    async with keeping(store, tmp_path) as keeper:
        await after_publish(keeper)
        assert keeper.started.is_set()
        catalog = await read_catalog(store)
        assert catalog.records.keys() == {"orders"}
        assert catalog.rate == 50
        assert len(await read_stored_users(store)) == 3
        save(tmp_path / "types.yaml", type_manifest("orders", cost=7))
        await after_publish(keeper)
        assert (await read_catalog(store)).records["orders"].task_type.cost == 7


async def test_a_bad_file_keeps_its_last_good_state(store: Store, tmp_path: Path) -> None:
    save(tmp_path / "a.yaml", type_manifest("orders") + user_manifests(3))
    save(tmp_path / "b.yaml", type_manifest("report"))
    async with keeping(store, tmp_path) as keeper:
        await after_publish(keeper)
        save(tmp_path / "a.yaml", type_manifest("orders", interval="never"))
        await after_publish(keeper)
        save(tmp_path / "b.yaml", type_manifest("report", cost=9))
        await after_publish(keeper)
        catalog = await read_catalog(store)
        assert catalog.records["orders"].task_type.schedule.interval_s == 300
        assert catalog.records["report"].task_type.cost == 9
        assert len(await read_stored_users(store)) == 3
        (tmp_path / "b.yaml").unlink()
        await after_publish(keeper)
        assert (await read_catalog(store)).records.keys() == {"orders"}


async def test_a_file_bad_from_the_start_removes_nothing(store: Store, tmp_path: Path) -> None:
    save(tmp_path / "a.yaml", type_manifest("orders") + user_manifests(3))
    save(tmp_path / "b.yaml", type_manifest("report"))
    async with keeping(store, tmp_path) as keeper:
        await after_publish(keeper)
    save(tmp_path / "a.yaml", "spec: [")
    async with keeping(store, tmp_path) as keeper:
        await after_publish(keeper)
        assert (await read_catalog(store)).records.keys() == {"orders", "report"}
        assert len(await read_stored_users(store)) == 3
        save(tmp_path / "a.yaml", type_manifest("orders") + user_manifests(2))
        await after_publish(keeper)
        assert len(await read_stored_users(store)) == 2


async def test_a_missing_folder_removes_nothing(store: Store, tmp_path: Path) -> None:
    save(tmp_path / "a.yaml", type_manifest("orders") + user_manifests(3))
    async with keeping(store, tmp_path) as keeper:
        await after_publish(keeper)
    async with keeping(store, tmp_path / "missing") as keeper:
        await after_publish(keeper)
    assert len(await read_stored_users(store)) == 3


async def test_a_second_look_confirms_many_removals(store: Store, tmp_path: Path) -> None:
    save(tmp_path / "types.yaml", type_manifest("orders"))
    save(tmp_path / "users.yaml", user_manifests(150))
    async with keeping(store, tmp_path) as keeper:
        await after_publish(keeper)
        save(tmp_path / "users.yaml", user_manifests(5))
        await after_publish(keeper)
        assert len(await read_stored_users(store)) == 5


async def test_a_second_look_cancels_many_removals(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "types.yaml", type_manifest("orders"))
    save(tmp_path / "users.yaml", user_manifests(150))
    whole = load(tmp_path)
    async with keeping(store, tmp_path) as keeper:
        await after_publish(keeper)
        monkeypatch.setattr(folder_module, "load", lambda _path: whole)
        (tmp_path / "users.yaml").unlink()
        await after_publish(keeper)
        assert len(await read_stored_users(store)) == 150


async def test_a_pending_removal_is_retried_until_confirmed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "types.yaml", type_manifest("orders"))
    save(tmp_path / "users.yaml", user_manifests(3))
    monkeypatch.setattr(keeper_module, "_PENDING_S", 0)
    looks = asyncio.Queue[Desired | None]()

    async def look(_source: FolderSource) -> Desired | None:
        return await looks.get()

    monkeypatch.setattr(FolderSource, "look", look)
    async with keeping(store, tmp_path) as keeper:
        await after_publish(keeper)
        (tmp_path / "users.yaml").unlink()
        for _ in range(3):
            looks.put_nowait(None)  # it could not be read
            await after_publish(keeper)
            assert len(await read_stored_users(store)) == 3
        looks.put_nowait(load(tmp_path))
        await after_publish(keeper)
        assert await read_stored_users(store) == {}


async def test_an_emptied_store_is_refilled_from_its_cursor(
    store: Store, tmp_path: Path, clock: ScriptClock
) -> None:
    save(tmp_path / "types.yaml", type_manifest("orders", interval="2s") + user_manifests(20))
    ticker = Ticker(store, period_s=0.05)
    async with keeping(store, tmp_path, ticker) as keeper:
        await after_publish(keeper)
        async with asyncio.timeout(PATIENCE_S):
            await ticker.ticked.wait()
            keys = [key async for key in raw(store).scan_iter(match=f"{store.keys.prefix}*")]
            known_ms = await read_cursor(store)
            await raw(store).unlink(*keys)
        await after_publish(keeper)
        await clock.advance(s=1)

        async def goes_on() -> bool:
            return await read_cursor(store) > known_ms

        await until("the cursor goes on", goes_on)
        catalog = await read_catalog(store)
        assert catalog.rate == 50
        assert catalog.records["orders"].active[0].from_s * 1000 <= known_ms
        assert len(await read_stored_users(store)) == 20
        numbers = [(await read_subscriptions(store, f"u-{i}"))[0].number for i in range(20)]
        assert sorted(numbers) == list(range(20))


async def test_the_store_stays_without_manifests(store: Store, tmp_path: Path) -> None:
    save(tmp_path / "a.yaml", type_manifest("orders") + user_manifests(3))
    async with keeping(store, tmp_path) as keeper:
        await after_publish(keeper)
    async with keeping(store, None) as keeper:
        await after_publish(keeper)
        assert (await read_catalog(store)).records.keys() == {"orders"}
        assert len(await read_stored_users(store)) == 3
