"""Further slots of its limits for a job whose handler runs."""

import asyncio

from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.permit import permit
from taskqueue_worker.clock import StoreClock, reached
from taskqueue_worker.leased_job import LeasedJob

_RETRY_S = 0.25


class Permits:
    """The permits of one job.

    Under one limit a job of cost c holds the slots start, start + T, ... start + (c - 1) T, T apart as the limit asks,
    and its start used the first. The rest is used next. After them, once one was missed, and under several limits, the
    store grants permits.
    """

    __slots__ = ("_clock", "_lease_ms", "_leased", "_store", "_used")

    def __init__(self, store: Store, clock: StoreClock, lease_ms: int, leased: LeasedJob) -> None:
        self._store = store
        self._clock = clock
        self._lease_ms = lease_ms
        self._leased = leased
        self._used = 1

    async def take(self, cost: int, limit: str | None = None) -> None:
        """Wait until a call of this cost may leave. Bounded by the job's timeout alone.

        limit: by name, instead of all limits of the job's type, whose slots the job may hold.
        """
        apart_s = self._leased.apart_s
        held = 1 if apart_s is None else self._leased.type.definition.cost
        while limit is None and apart_s is not None and self._used + cost <= held:
            if await reached(self._leased.start_s + self._used * apart_s):
                self._used += cost
                return
            self._used += 1
        if limit is None:
            self._used = held
        while not await self._ask(cost, limit):
            pass

    async def _ask(self, cost: int, limit: str | None) -> bool:
        job, now_s = self._leased.owner(), asyncio.get_running_loop().time
        sent_s = now_s()
        try:
            found = await permit(self._store, cost, self._lease_ms, job["type"], job["user"], limit)
        except StoreFailure:
            await asyncio.sleep(_RETRY_S)  # no permits while the store is away
            return False
        if not found.granted:
            await asyncio.sleep(found.wait_s)
            return False
        # A reply that a busy loop delayed must not shift the slot; nor may a clock that was set since the last claim.
        at_s = min(max(sent_s, self._clock.to_loop(found.now_us)), now_s())
        return await reached(at_s + found.wait_s)
