"""One call per worker per third of the lease keeps everything it holds; one sweep ends what runs too long."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.heartbeat import heartbeat
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
            if job.called_s and now_s - job.called_s > job.kind.spec.timeout_ms / 1000:
                job.cancel("timeout")
