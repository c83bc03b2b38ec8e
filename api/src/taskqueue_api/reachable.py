"""Readiness: whether the store answers, asked once a second by a call that reads one value."""

import asyncio
import time

from taskqueue.process.health import REACHABLE_S
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure

_ASK_S = 1.0


class Reachable:
    """The store's answers to one process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._answered_s = float("-inf")
        self._fault = "the store has not answered yet"

    def fault(self) -> str | None:
        """Return a sentence while the store does not answer."""
        return self._fault if time.monotonic() - self._answered_s > REACHABLE_S else None

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            try:
                await server_now_ms(self._store)
            except StoreFailure as error:
                self._fault = str(error)
            else:
                self._answered_s = time.monotonic()
            await asyncio.sleep(_ASK_S)
