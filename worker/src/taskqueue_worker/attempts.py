"""Attempts at leased jobs: the wait for the start, the run of the handler, and a result for every fault."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from taskqueue.handlers.job import Job
from taskqueue.models.outcome import RAN
from taskqueue.process.cancellation import absorb_cancellation
from taskqueue.store.claim import Result
from taskqueue.store.job_name import parse
from taskqueue.store.subscriptions import decode_params
from taskqueue.text.printable import describe_error, type_name
from taskqueue_worker import results
from taskqueue_worker.clock import reached
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.pace import Reach
from taskqueue_worker.runner import judge_raised, run

log = structlog.get_logger("taskqueue.worker")


class Attempts:
    """The attempts of a worker.

    permits: returns the function that grants permits to a job.   to_loop: an instant of the store's clock (us) in the
    loop's time.   observe: takes how long a handler ran, s.   reach: adapted to each start.
    """

    def __init__(
        self,
        permits: Callable[[LeasedJob], Callable[..., Awaitable[None]]],
        to_loop: Callable[[int], float],
        observe: Callable[[float], None],
        reach: Reach,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._permits = permits
        self._to_loop = to_loop
        self._observe = observe
        self._reach = reach

    async def run(self, leased: LeasedJob) -> Result | None:
        """Run one job from its slot of the limit to its result; None after a lost lease."""
        try:
            job = self._job(leased)
        except Exception as error:  # noqa: BLE001 - the store may hold anything
            return results.dead(leased, f"the stored job cannot be read: {describe_error(error)}")
        managed = leased.type.managed
        in_time = await reached(leased.start_s, managed.ahead_s if managed else 0.0)
        self._reach.record(in_time=in_time)
        if not in_time:
            return results.late(leased)
        called_s = self._loop.time()
        result = await run(leased, job, called_s)
        if not leased.began_s:
            return result
        ended_s = self._loop.time()
        self._observe(ended_s - leased.began_s)
        if result is None or result.outcome not in RAN:
            return result
        # A wait for a thread counts, as it takes up the slot. A wait for the start, with a connection, does not.
        held_s = ended_s - max(called_s, leased.start_s)
        return Result(result.lease, result.outcome, result.wait_ms, result.text, max(1, int(held_s * 1e6)))

    def _job(self, leased: LeasedJob) -> Job:
        """Make the job for the handler. Raises any exception that stored text can cause."""
        type_name, user, occurrence, ad_hoc_id, due_ms, _ = parse(leased.lease)
        leased.due_s = self._to_loop(due_ms * 1000)
        params = leased.type.params(decode_params(leased.params))
        permits, attempt = self._permits(leased), leased.attempt
        return Job(type_name, user, occurrence, due_ms, params, attempt, permits, ad_hoc_id or None, leased)


async def judge_fault(leased: LeasedJob, error: BaseException) -> Result | None:
    """Return the result of a job whose slot met an error outside its handler; None after a lost lease.

    Raises the error if the loop is gone.
    """
    if isinstance(error, GeneratorExit):
        if not _in_loop():
            raise error  # not the handler's: Python closes the coroutines of the loop
        return judge_raised(leased, BaseException.with_traceback(error, None))
    if isinstance(error, asyncio.CancelledError):
        await absorb_cancellation()
        return None if leased.stop == "lost" else results.returned(leased)
    log.error("job failed outside its handler", job=leased.name, error=type_name(error))
    return results.failed(leased, f"the worker failed: {describe_error(error)}", logged=type_name(error))


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
