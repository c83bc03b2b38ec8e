"""Reads the store once a second while somebody looks, and hands each snapshot to all live pages."""

import asyncio
from collections.abc import AsyncIterator

from taskqueue.store.audit import audit
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue_api.live.snapshot import Snapshot

PERIOD_S = 1.0


class Reader:
    """The one reader of a process. Any number of pages follow it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._newest: Snapshot | None = None
        self._fault = "the store has not answered yet"
        self._changed = asyncio.Condition()
        self._closed = False

    def fault(self) -> str | None:
        """Return the reason why there is no snapshot."""
        return self._fault or None

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            try:
                newest = Snapshot(await server_now_ms(self._store), (await audit(self._store)).totals)
            except StoreFailure as error:
                self._fault = str(error)
            else:
                self._fault = ""
                async with self._changed:
                    self._newest = newest
                    self._changed.notify_all()
            await asyncio.sleep(PERIOD_S)

    async def close(self) -> None:
        """End all iterations of `follow`."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def follow(self) -> AsyncIterator[Snapshot]:
        """Yield the newest snapshot, then each new one, until the process ends."""
        while not self._closed:
            if self._newest:
                yield self._newest
            async with self._changed:
                await self._changed.wait()
