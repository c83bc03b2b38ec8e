"""The operator at 10,000 subscriptions: start, memory, writes, and how soon an edit is published and confirmed."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks.operated import TYPES, Operator, objects, operator, subscription, task_type
from taskqueue.store.connection import Store, open_store
from taskqueue.store.cursor import read_cursor
from taskqueue.store.errors import CursorLostError
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.users import read_stored_users
from tests.support.kubernetes.bulk_objects import Objects
from tests.support.kubernetes.control_plane import ControlPlane
from tests.support.kubernetes.tools import cluster_tools
from tests.support.store.backlog import server

_LIMIT_S = 900.0
_QUIET_S = 30.0
_POLL_S = 0.05
#: One edit, and the generation it makes.
_EDIT = {"suspend": True}
_EDITED = 2


async def _until(check: Callable[[], Awaitable[bool]]) -> float:
    """Seconds until it holds."""
    began = time.monotonic()
    while not await check():
        if time.monotonic() - began > _LIMIT_S:
            raise TimeoutError
        await asyncio.sleep(_POLL_S)
    return time.monotonic() - began


async def operating(users: int, tasks: int = 30) -> dict[str, Any]:
    """Figures; the API server's own counters count the writes. Objects carry managedFields, as applied ones do."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ControlPlane(cluster_tools("kubernetes"), Path(folder) / "control-plane") as cluster,
        server() as url,
    ):
        async with objects(cluster) as shop, open_store(url) as store:
            await shop.apply("TaskType", ((name, task_type(name)) for name in _types()))
            every = [(f"u-{n:05}", subscription(n, tasks)) for n in range(users)]
            await shop.apply("UserSubscription", every)
            async with operator(cluster, url, Path(folder)) as process:
                return await _Run(shop, store, process, users).figures()


def _types() -> list[str]:
    return [f"type-{n:03}" for n in range(TYPES)]


class _Run:
    def __init__(self, shop: Objects, store: Store, process: Operator, users: int) -> None:
        self._shop = shop
        self._store = store
        self._process = process
        self._users = users

    async def figures(self) -> dict[str, Any]:
        """In the order of a day: start, first statuses, quiet, edits, a type that comes and goes."""
        figures: dict[str, Any] = {"operator_objects": self._users + TYPES}
        await self._start(figures)
        figures["edit_status_while_all_others_wait_s"] = await self._edit_one("u-00001")
        await self._first_statuses(figures)
        await self._quiet(figures)
        figures["edit_status_s"] = await self._edit_one("u-00002")
        figures["edit_published_s"] = await self._publish_one("u-00003")
        await self._burst(figures)
        figures |= await self._fan_out("type_created", self._shop.apply("TaskType", [_new_type()]))
        figures |= await self._fan_out("type_deleted", self._shop.delete("TaskType", "not-yet"))
        figures["operator_peak_mb"] = round(self._process.memory_mb("VmHWM"))
        return figures

    async def _start(self, figures: dict[str, Any]) -> None:
        async def ticking() -> bool:
            try:
                moved = await read_cursor(self._store)
            except CursorLostError:
                return False
            return bool(moved and self._process.events("published"))

        figures["operator_first_tick_s"] = round(await _until(ticking), 1)
        figures["operator_cpu_ms_per_object_at_start"] = self._cpu_ms_per_object(0)
        figures["operator_rss_after_start_mb"] = round(self._process.memory_mb())
        assert len(await read_stored_users(self._store)) == self._users

    async def _first_statuses(self, figures: dict[str, Any]) -> None:
        cpu_s, writes, began = self._process.cpu_s(), await self._shop.status_writes(), time.monotonic()
        await self._settled()
        written = await self._shop.status_writes() - writes
        figures["first_status_writes_per_s"] = round(written / (time.monotonic() - began), 1)
        figures["cpu_ms_per_status_write"] = round(1000 * (self._process.cpu_s() - cpu_s) / written, 2)
        total = await self._shop.status_writes()
        figures["status_writes_per_object_after_start"] = round(total / (self._users + TYPES), 3)

    async def _quiet(self, figures: dict[str, Any]) -> None:
        cpu_s, writes = self._process.cpu_s(), await self._shop.status_writes()
        await asyncio.sleep(_QUIET_S)
        figures["steady_status_writes"] = await self._shop.status_writes() - writes
        figures["steady_cpu_percent"] = round(100 * (self._process.cpu_s() - cpu_s) / _QUIET_S, 1)
        figures["operator_rss_mb"] = round(self._process.memory_mb())

    async def _edit_one(self, name: str) -> float:
        """Seconds from an edit to its confirmation: a status that observed the generation."""
        began = time.monotonic()
        await self._shop.edit("UserSubscription", [(name, _EDIT)])

        async def confirmed() -> bool:
            return (await self._shop.status("UserSubscription", name)).get("observedGeneration") == _EDITED

        await _until(confirmed)
        return round(time.monotonic() - began, 2)

    async def _publish_one(self, name: str) -> float:
        """Seconds from an edit to the store: nothing that is suspended starts from there on."""
        began = time.monotonic()
        await self._shop.edit("UserSubscription", [(name, _EDIT)])

        async def suspended() -> bool:
            return all(task.suspended for task in await read_subscriptions(self._store, name))

        await _until(suspended)
        return round(time.monotonic() - began, 2)

    async def _burst(self, figures: dict[str, Any]) -> None:
        edited = range(self._users // 2, self._users // 2 + min(1000, self._users // 2))
        owners = await read_stored_users(self._store)
        names = [f"u-{n:05}" for n in edited]
        began = time.monotonic()
        await self._shop.edit("UserSubscription", [(name, _EDIT) for name in names])
        accepted = time.monotonic()

        async def published() -> bool:
            now = await read_stored_users(self._store)
            return all(now[name].digest != owners[name].digest for name in names)

        await _until(published)
        figures["burst_edits"] = len(names)
        figures["burst_published_s"] = round(time.monotonic() - began, 1)
        figures["burst_published_after_the_last_edit_s"] = round(time.monotonic() - accepted, 1)

        async def confirmed() -> bool:
            said = [await self._shop.status("UserSubscription", name) for name in (names[0], names[-1])]
            return all(status.get("observedGeneration") == _EDITED for status in said)

        await _until(confirmed)
        await self._settled()
        figures["burst_status_s"] = round(time.monotonic() - began, 1)

    async def _fan_out(self, what: str, change: Awaitable[None]) -> dict[str, Any]:
        """The cost of adding or removing a type with many references: a write per object, paced."""
        writes, began = await self._shop.status_writes(), time.monotonic()
        await change
        await self._settled()
        written = await self._shop.status_writes() - writes
        return {
            f"{what}_status_writes": written,
            f"{what}_status_writes_per_s": round(written / (time.monotonic() - began), 1),
        }

    async def _settled(self) -> None:
        """Wait until no status was written for three seconds."""
        while True:
            before = await self._shop.status_writes()
            await asyncio.sleep(3)
            if await self._shop.status_writes() == before:
                return

    def _cpu_ms_per_object(self, since_s: float) -> float:
        return round(1000 * (self._process.cpu_s() - since_s) / (self._users + TYPES), 2)


def _new_type() -> tuple[str, dict[str, Any]]:
    return "not-yet", task_type("not-yet")
