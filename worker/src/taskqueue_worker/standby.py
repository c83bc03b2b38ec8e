"""Keeps a worker's leases while its event loop is blocked: in another thread, with a loop and a store of its own.

Jobs whose handlers run are kept for as long as their timeouts allow; on a loop that ran they would have been stopped
then. Jobs that wait for a slot that has passed can only miss it, so they go back at once, for other workers to take.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import count

import structlog

from taskqueue.plan.limiter import LATE_S
from taskqueue.store.claim import Result, claim
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.heartbeat import heartbeat
from taskqueue_worker import report
from taskqueue_worker.slots import Slots
from taskqueue_worker.started import Started

log = structlog.get_logger("taskqueue.worker")

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
        missed = [report.returned(job.member) for job in held if _missed(job, now_s)]
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


def _lasts(job: Started, now_s: float) -> bool:
    """Whether a job's lease is to be kept: it may still start, or it runs within its timeout."""
    if not job.called_s:
        return not _missed(job, now_s)
    return now_s <= job.called_s + job.kind.spec.timeout_ms / 1000


def _missed(job: Started, now_s: float) -> bool:
    """Whether a job can only miss its slot: its handler was not called, and will not be."""
    return not job.called_s and now_s > job.start_s + LATE_S + _MARGIN_S
