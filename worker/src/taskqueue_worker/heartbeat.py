"""One call per worker per third of the lease keeps everything it holds; one sweep ends what runs too long."""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import count

import structlog

from taskqueue.plan.limiter import LATE_S
from taskqueue.store.claim import Result, claim
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.lease import heartbeat
from taskqueue_worker import outbox
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.slots import Slots

log = structlog.get_logger("taskqueue.worker")

#: How much later than its timeout a job may be stopped.
_SWEEP_S = 0.05


async def keep_leases(
    store: Store, worker: str, lease_ms: int, slots: Slots, info: Callable[[], bytes], handlers: Sequence[str]
) -> None:
    """Runs until cancelled. A lease that the store no longer knows is a job that somebody else has: it is stopped."""
    while True:
        try:
            lost = await heartbeat(store, worker, lease_ms, info(), slots.members(), handlers)
            slots.drop(set(lost) & set(slots.members()))
        except StoreFailure as error:
            log.warning("heartbeat failed", error=str(error))
        await asyncio.sleep(lease_ms / 3000)


async def stop_overdue(slots: Slots) -> None:
    """Runs until cancelled: cancels each job whose handler took longer than its type allows.

    A job that waits for a thread or a connection has as long for that.
    """
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_SWEEP_S)
        now_s = loop.time()
        for job in list(slots.running.values()):
            if job.called_s and now_s - job.called_s > job.type.definition.timeout_ms / 1000:
                job.cancel("timeout")


#: The two threads read the same clock, but not at the same instant.
_MARGIN_S = 0.1


class Standby:
    """Called from the watchdog's thread alone."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        worker: str,
        lease_ms: int,
        slots: Slots,
        info: Callable[[], bytes],
        handlers: Callable[[], Sequence[str]],
    ) -> None:
        self._open_store = open_store
        self._worker = worker
        self._lease_ms = lease_ms
        self._slots = slots
        self._info = info
        self._handlers = handlers
        self._sequence = count(1)
        # Both clocks are the system's monotonic one; the loop's may have another zero.
        self._loop_ahead_s = asyncio.get_running_loop().time() - time.monotonic()

    def keep_leases(self) -> None:
        """Renew what runs, return what cannot start any more."""
        asyncio.run(self._keep())

    async def _keep(self) -> None:
        now_s = time.monotonic() + self._loop_ahead_s
        held = self._slots.snapshot()
        kept = [job.member for job in held if _lasts(job, now_s)]
        missed = [outbox.returned(job.member) for job in held if _missed(job, now_s)]
        try:
            async with self._open_store() as store:
                await heartbeat(store, self._worker, self._lease_ms, self._info(), kept, self._handlers())
                if missed:
                    await self._return(store, missed)
        except StoreFailure as error:
            log.warning("leases not renewed while the loop is blocked", error=str(error))

    async def _return(self, store: Store, missed: list[Result]) -> None:
        worker = f"{self._worker}.standby"
        await claim(store, worker, next(self._sequence), 0, self._lease_ms, missed, has_time=True)
        log.info("jobs returned while the loop is blocked", jobs=len(missed))


def _lasts(job: LeasedJob, now_s: float) -> bool:
    """Whether a job's lease is to be kept: it may still start, or it runs within its timeout."""
    if not job.called_s:
        return not _missed(job, now_s)
    return now_s <= job.called_s + job.type.definition.timeout_ms / 1000


def _missed(job: LeasedJob, now_s: float) -> bool:
    """Whether a job can only miss its slot: its handler was not called, and will not be."""
    return not job.called_s and now_s > job.start_s + LATE_S + _MARGIN_S
