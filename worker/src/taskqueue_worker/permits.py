"""Further slots of its limits for a job whose handler runs."""

import asyncio

from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.permit import permit
from taskqueue_worker.clock import reached
from taskqueue_worker.leased_job import LeasedJob

_RETRY_S = 0.25


class Permits:
    """The permits of one job.

    A job of cost c holds the slots start, start + T, ... start + (c - 1) T, and its start used the first; T is the
    spacing of its slowest limit. The rest is used next. After them, or once one was missed, the store grants permits.
    """

    __slots__ = ("_lease_ms", "_leased", "_store", "_used")

    def __init__(self, store: Store, lease_ms: int, leased: LeasedJob) -> None:
        self._store = store
        self._lease_ms = lease_ms
        self._leased = leased
        self._used = 1

    async def take(self, cost: int, limit: str | None = None) -> None:
        """Wait until a call of this cost may leave. Bounded by the job's timeout alone.

        limit: by name, instead of all limits of the job's type, whose slots the job may hold.
        """
        held = self._leased.type.definition.cost
        while limit is None and self._used + cost <= held:
            slot_s = self._leased.start_s + self._used * self._leased.apart_s
            if await reached(slot_s):
                self._used += cost
                return
            self._used += 1
        if limit is None:
            self._used = held
        while not await self._ask(cost, limit):
            pass

    async def _ask(self, cost: int, limit: str | None) -> bool:
        job = self._leased.owner()
        try:
            granted, wait_s = await permit(self._store, cost, self._lease_ms, job["type"], job["user"], limit)
        except StoreFailure:
            await asyncio.sleep(_RETRY_S)  # no permits while the store is away
            return False
        if not granted:
            await asyncio.sleep(wait_s)
            return False
        return await reached(asyncio.get_running_loop().time() + wait_s)
