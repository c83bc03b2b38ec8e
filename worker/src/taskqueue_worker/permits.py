"""Further slots of the global limit for a job that is already running."""

import asyncio

from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.lease import permit
from taskqueue_worker.clock import reached
from taskqueue_worker.leased_job import LeasedJob

_RETRY_S = 0.25


class Permits:
    """A job of cost c holds the slots start, start + T, ... start + (c-1) T; its start used the first.

    Those that are left are used first; beyond them, or once one was missed, the store is asked.
    """

    __slots__ = ("_lease_ms", "_started", "_store", "_used")

    def __init__(self, store: Store, lease_ms: int, started: LeasedJob) -> None:
        self._store = store
        self._lease_ms = lease_ms
        self._started = started
        self._used = 1

    async def take(self, cost: int) -> None:
        """Returns when a call of this cost may leave. Waits as long as it takes: the job's timeout bounds it."""
        held = self._started.type.definition.cost
        while self._used + cost <= held:
            slot_s = self._started.start_s + self._used * self._started.spacing_s
            if await reached(slot_s):
                self._used += cost
                return
            self._used += 1
        self._used = held
        while True:
            if await self._ask(cost):
                return

    async def _ask(self, cost: int) -> bool:
        try:
            granted, wait_s = await permit(self._store, cost, self._lease_ms)
        except StoreFailure:
            await asyncio.sleep(_RETRY_S)  # closed while the store is away
            return False
        if not granted:
            await asyncio.sleep(wait_s)
            return False
        return await reached(asyncio.get_running_loop().time() + wait_s)
