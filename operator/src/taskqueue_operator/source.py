"""The objects of the namespace as a source of manifests for the scheduler."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

import structlog

from taskqueue.sources.desired import Desired
from taskqueue.store.errors import StoreFailure
from taskqueue_operator.api import PLURALS, Api
from taskqueue_operator.connection import API_ERRORS, describe_error
from taskqueue_operator.objects import Kind, ObjectTable

log = structlog.get_logger("taskqueue.operator")

#: Changes that come together are published together.
_DEBOUNCE_S = 0.2
_RETRY_MIN_S, _RETRY_MAX_S = 0.5, 15.0
#: Without news of the list that a watch begins with, it is over.
_SETTLED_S = 2.0
#: Of one that has news of lists without end not all is waited for.
_DOUBTS_MOST = 20
#: Objects that take long to read let the rest of the loop run in between.
_AT_ONCE_S = 0.02

FindStored = Callable[[Sequence[str]], Awaitable[Mapping[str, str]]]


class KubernetesSource:
    """Lists, then follows what the watch tells (`put`, `drop`), and lists again every `resync_s` seconds.

    listed: set when everything was listed; whoever watches clears it when the watch breaks off.
    find_stored: reads from the store the digests of the users that objects declared.
    """

    name: Literal["kubernetes"] = "kubernetes"

    def __init__(self, api: Api, resync_s: float, find_stored: FindStored | None = None) -> None:
        self.table = ObjectTable()
        self._find_stored = find_stored
        self._api = api
        self._resync_s = resync_s
        self.listed = asyncio.Event()
        self._changed = asyncio.Event()
        self._doubted = asyncio.Event()
        self._urgent = False
        self._listing = asyncio.Lock()
        self._listed_since_s: float | None = None

    def put(self, kind: Kind, raw: Mapping[str, Any]) -> None:
        """What the watch saw."""
        if self.table.put(kind, raw):
            self._changed.set()

    def drop(self, kind: Kind, name: str, uid: str) -> None:
        """What the watch saw go."""
        if self.table.drop(kind, name, uid):
            self._changed.set()

    def doubt(self) -> None:
        """The watch may have missed what only a list can tell."""
        self._doubted.set()

    def request_relist(self) -> None:
        """List at once: the watch tells nothing, and so no end of it is to be waited for."""
        self._urgent = True
        self._doubted.set()

    def listed_for_s(self) -> float:
        """Since when lists go well; 0 if the last one failed."""
        return 0.0 if self._listed_since_s is None else time.monotonic() - self._listed_since_s

    async def changes(self) -> AsyncIterator[Desired]:
        """What is in force: once everything was listed, and whenever something changed."""
        await self._list_at_last()
        await self._learn_owners()
        while True:
            self._changed.clear()
            yield self.table.desired()
            await self._changed.wait()
            await asyncio.sleep(_DEBOUNCE_S)

    async def _learn_owners(self) -> None:
        """Ask the store, until it answers, which of several objects that name one user it has."""
        while self._find_stored and (undecided := self.table.undecided()):
            try:
                self.table.ownership.stored = await self._find_stored(undecided)
            except StoreFailure as error:
                log.warning("could not read who has contended users; trying again", error=str(error))
                await asyncio.sleep(_RETRY_MIN_S)
            else:
                return

    async def look(self) -> Desired | None:
        """List everything; None where that failed, and then nothing may be removed."""
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
                if time.monotonic() - waited_s > _AT_ONCE_S:
                    await asyncio.sleep(0)
                    waited_s = time.monotonic()
        except API_ERRORS as error:
            log.warning("could not list; nothing is removed for it", kind=kind, error=describe_error(error))
            return False
        if self.table.prune(kind, listed, before):
            self._changed.set()
        return True

    async def resync(self) -> None:
        """List again and again, for what a watch may have missed, until cancelled."""
        await self.listed.wait()
        self.doubt()  # the first list and the first watch may be apart
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._resync_s):
                    await self._doubted.wait()
            await self._settled()
            self._urgent = False
            await self._list_at_last()

    async def _settled(self) -> None:
        """Wait until the watch has told all of its list, thousands of objects one by one."""
        with contextlib.suppress(TimeoutError):
            for _ in range(_DOUBTS_MOST):
                self._doubted.clear()
                if self._urgent:
                    return
                async with asyncio.timeout(_SETTLED_S):
                    await self._doubted.wait()
                await asyncio.sleep(_SETTLED_S / 2)

    async def _list_at_last(self) -> None:
        wait_s = _RETRY_MIN_S
        while not await self._list():
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _RETRY_MAX_S)
        self.listed.set()
