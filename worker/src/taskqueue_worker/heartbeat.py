"""Heartbeats: they renew the leases of a worker's jobs, from the event loop or, while it is blocked, from a thread.

A sweep cancels handlers that run for longer than their types allow.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import count

import structlog

from taskqueue.models.outcome import Outcome
from taskqueue.plan.limiter import LATE_S
from taskqueue.store.claim import Result, claim
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.heartbeat import heartbeat
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.slots import ConcurrencySlots

log = structlog.get_logger("taskqueue.worker")

#: A handler is cancelled at most this long after its timeout.
_SWEEP_S = 0.05
#: Two threads read the same clock, but not at the same instant.
_MARGIN_S = 0.1


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The heartbeat of one worker. One call a third of the lease renews all its leases.

    info: the worker as JSON, for `taskqueue get workers`.   handlers: registered names.
    """

    worker: str
    lease_ms: int
    info: Callable[[], bytes]
    handlers: Callable[[], Sequence[str]]

    async def send(self, store: Store, leases: Sequence[str]) -> list[str]:
        """Renew the leases and return the lost ones. Raises StoreFailure."""
        return await heartbeat(store, self.worker, self.lease_ms, self.info(), leases, self.handlers())


async def keep_leases(beat: Heartbeat, store: Store, slots: ConcurrencySlots) -> None:
    """Send heartbeats until cancelled. A job whose lease is lost belongs to another worker and is cancelled here."""
    while True:
        try:
            lost = await beat.send(store, slots.leases())
            slots.drop(set(lost) & set(slots.leases()))
        except StoreFailure as error:
            log.warning("heartbeat failed", error=str(error))
        await asyncio.sleep(beat.lease_ms / 3000)


async def stop_timed_out(slots: ConcurrencySlots) -> None:
    """Cancel overdue handlers, until cancelled. Waiting for a thread or a connection has the same timeout."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_SWEEP_S)
        now_s = loop.time()
        for leased in list(slots.running.values()):
            if leased.has_timed_out(now_s):
                leased.cancel("timeout")


class Standby:
    """Keeps the leases while the event loop is blocked, with a loop and a store of its own.

    Called from the watchdog's thread alone. Running jobs are kept until their timeouts; on a loop that runs they would
    be cancelled then. Jobs that can only miss their slots go back at once, for other workers.
    """

    def __init__(self, open_store: Callable[[], Store], beat: Heartbeat, slots: ConcurrencySlots) -> None:
        self._open_store = open_store
        self._beat = beat
        self._slots = slots
        self._numbers = count(1)
        # Both clocks are the system's monotonic one; the loop's may have another zero.
        self._loop_ahead_s = asyncio.get_running_loop().time() - time.monotonic()

    def keep_leases(self) -> None:
        """Renew the leases of jobs that run or may still start; return the other jobs."""
        asyncio.run(self._keep())

    async def _keep(self) -> None:
        now_s = time.monotonic() + self._loop_ahead_s
        held = self._slots.snapshot()
        missed = {leased for leased in held if _has_missed(leased, now_s)}
        kept = [leased.lease for leased in held if leased not in missed and not leased.has_timed_out(now_s)]
        try:
            async with self._open_store() as store:
                await self._beat.send(store, kept)
                if missed:
                    await self._return(store, missed)
        except StoreFailure as error:
            log.warning("leases not renewed while loop is blocked", error=str(error))

    async def _return(self, store: Store, missed: Collection[LeasedJob]) -> None:
        # Not counted: the loop counts these jobs as late when it goes on.
        results = [Result(leased.lease, Outcome.LATE) for leased in missed]
        worker = f"{self._beat.worker}.standby"
        await claim(store, worker, next(self._numbers), 0, self._beat.lease_ms, results, has_time=True)
        log.info("jobs returned while loop is blocked", jobs=len(missed))


def _has_missed(leased: LeasedJob, now_s: float) -> bool:
    """Tell whether a job can only miss its slot: its handler was not called, and will not be."""
    return not leased.called_s and now_s > leased.start_s + LATE_S + _MARGIN_S
