"""The objects of the namespace as a source of manifests for the scheduler."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import structlog

from taskqueue.process.backoff import Backoff
from taskqueue.sources.desired import Desired
from taskqueue.store.errors import StoreFailure
from taskqueue_operator.api import PLURALS
from taskqueue_operator.connection import API_ERRORS, describe_error
from taskqueue_operator.object_table import ObjectTable
from taskqueue_operator.objects import InForce, Kind

log = structlog.get_logger("taskqueue.operator")

#: Changes within this time are published together.
_DEBOUNCE_S = 0.2
_RETRY_MIN_S, _RETRY_MAX_S = 0.5, 15.0
#: A requested list begins after this time without another request.
_QUIET_S = 2.0
#: Maximum times that further requests postpone a list.
_MAX_POSTPONED = 20
#: Reading of objects yields to the other tasks of the loop after this time.
_MAX_BLOCKING_S = 0.02

#: Reads from the store the digests of users, by id. Raises StoreFailure.
FindStored = Callable[[Sequence[str]], Awaitable[Mapping[str, str]]]
#: Reads from the store the types and limits in force. Raises StoreFailure.
ReadInForce = Callable[[], Awaitable[InForce]]


class ListApi(Protocol):
    """The call that lists objects."""

    def list(self, kind: Kind) -> AsyncIterator[Mapping[str, Any]]:
        """Yield every object of a kind. Raises API_ERRORS."""


class KubernetesSource:
    """Lists all objects, follows the events of the watch (`put`, `drop`), and lists again every `resync_s` seconds.

    listed: set after a complete list; the watcher clears it when a watch breaks off. find_stored: for users that
    several objects declare. read_in_force: for objects that contradict each other at the start.
    """

    name: Literal["kubernetes"] = "kubernetes"

    def __init__(
        self,
        api: ListApi,
        resync_s: float,
        find_stored: FindStored | None = None,
        read_in_force: ReadInForce | None = None,
    ) -> None:
        self.table = ObjectTable()
        self._find_stored = find_stored
        self._read_in_force = read_in_force
        self._api = api
        self._resync_s = resync_s
        self.listed = asyncio.Event()
        self._changed = asyncio.Event()
        self._relist_requested = asyncio.Event()
        self._urgent = False
        self._listing = asyncio.Lock()
        self._listed_since_s: float | None = None

    def put(self, kind: Kind, raw: Mapping[str, Any]) -> None:
        """Take an object that was added or modified."""
        if self.table.put(kind, raw):
            self._changed.set()

    def drop(self, kind: Kind, name: str, uid: str) -> None:
        """Remove an object that was deleted."""
        if self.table.drop(kind, name, uid):
            self._changed.set()

    def request_relist(self, *, at_once: bool = False) -> None:
        """Have everything listed again.

        at_once: without waiting for further requests, because the watch is silent.
        """
        self._urgent = self._urgent or at_once
        self._relist_requested.set()

    def listed_for_s(self) -> float:
        """Return for how long lists have succeeded; 0 if the last list failed."""
        return 0.0 if self._listed_since_s is None else time.monotonic() - self._listed_since_s

    async def changes(self) -> AsyncIterator[Desired]:
        """Yield the desired state: after the first complete list, and after each change."""
        await self._list_until_success()
        await self._learn_owners()
        await self._learn_in_force()
        while True:
            self._changed.clear()
            yield self.table.desired()
            await self._changed.wait()
            await asyncio.sleep(_DEBOUNCE_S)

    async def _learn_owners(self) -> None:
        """Read from the store, until it answers, which of several objects that declare one user is stored."""
        while self._find_stored and (undecided := self.table.undecided()):
            try:
                self.table.ownership.stored = await self._find_stored(undecided)
            except StoreFailure as error:
                log.warning("owners not read, retrying", error=str(error))
                await asyncio.sleep(_RETRY_MIN_S)
            else:
                return

    async def _learn_in_force(self) -> None:
        """Read from the store, until it answers, the types and limits that were in force before the start."""
        while self._read_in_force:
            try:
                self.table.learn(await self._read_in_force())
            except StoreFailure as error:
                log.warning("types in force not read, retrying", error=str(error))
                await asyncio.sleep(_RETRY_MIN_S)
            else:
                return

    async def look(self) -> Desired | None:
        """List everything and return the desired state; None if a list failed, so that nothing may be removed."""
        return self.table.desired() if await self._list() else None

    async def _list(self) -> bool:
        async with self._listing:
            for kind in PLURALS:
                if not await self._list_kind(kind):
                    self._listed_since_s = None
                    return False
            self._listed_since_s = self._listed_since_s or time.monotonic()
            return True

    async def _list_kind(self, kind: Kind) -> bool:
        before, listed = self.table.asked(), set()
        waited_s = time.monotonic()
        try:
            async for raw in self._api.list(kind):
                if self.table.put(kind, raw, before):
                    self._changed.set()
                listed.add(raw["metadata"]["name"])
                if time.monotonic() - waited_s > _MAX_BLOCKING_S:
                    await asyncio.sleep(0)
                    waited_s = time.monotonic()
        except API_ERRORS as error:
            log.warning("list failed", kind=kind, error=describe_error(error))
            return False
        if self.table.prune(kind, listed, before):
            self._changed.set()
        return True

    async def resync(self) -> None:
        """List at intervals and on request, to find changes that the watch missed, until cancelled."""
        await self.listed.wait()
        self.request_relist()  # changes between the first list and the first watch
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._resync_s):
                    await self._relist_requested.wait()
            await self._quiet()
            self._urgent = False
            await self._list_until_success()

    async def _quiet(self) -> None:
        """Wait until requests cease: a new watch makes one request after another while it starts."""
        with contextlib.suppress(TimeoutError):
            for _ in range(_MAX_POSTPONED):
                self._relist_requested.clear()
                if self._urgent:
                    return
                async with asyncio.timeout(_QUIET_S):
                    await self._relist_requested.wait()
                await asyncio.sleep(_QUIET_S / 2)

    async def _list_until_success(self) -> None:
        backoff = Backoff(_RETRY_MIN_S, _RETRY_MAX_S, lowest=1.0)
        while not await self._list():
            wait_s = backoff.fail()
            await asyncio.sleep(wait_s)
        self.listed.set()
