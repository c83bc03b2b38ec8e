"""One run of a handler: the call, and the result of every way in which it may end. docs/handlers.md has the table."""

import asyncio

import structlog

from taskqueue.handlers.errors import NoFreeThread, SlotMissed
from taskqueue.handlers.job import Job
from taskqueue.handlers.outcomes import OutcomeRequest
from taskqueue.handlers.verdict import read_verdict
from taskqueue.process.cancellation import absorb_cancellation
from taskqueue.store.claim import Result
from taskqueue.text.printable import type_name
from taskqueue_worker import results
from taskqueue_worker.leased_job import LeasedJob

log = structlog.get_logger("taskqueue.worker")


async def run(leased: LeasedJob, job: Job, now_s: float) -> Result | None:
    """Run one job to its end and return its result; None after a lost lease.

    Every exception of the handler becomes an outcome. However often the handler or the worker cancelled the running
    task, the task goes on.
    """
    bound = leased.type
    if bound.run is None:
        return results.failed(leased, bound.problem)
    leased.called_s = now_s
    if bound.managed is None:  # a managed handler begins its jobs by itself
        leased.began(now_s)
    error: BaseException | None = None
    try:
        await bound.run(job)
    except GeneratorExit:
        # Python closes all coroutines of a task into which a future throws GeneratorExit, and raises it in the
        # outermost alone: the slot makes the result.
        raise
    except BaseException as raised:  # noqa: BLE001 - every exception of user code is an outcome
        # Without its traceback: the exception and this frame would keep each other alive.
        error = BaseException.with_traceback(raised, None)
    if leased.task is not None and leased.task.cancelling():
        await absorb_cancellation()
    return results.done(leased) if error is None else judge_raised(leased, error)


def judge_raised(leased: LeasedJob, error: BaseException) -> Result | None:
    """Return the result of a job whose handler raised; None after a lost lease."""
    # Not isinstance, which may ask an object for a class of its own.
    raised = type(error)
    if issubclass(raised, SlotMissed):
        return results.late(leased)
    if issubclass(raised, NoFreeThread) and leased.stop == "timeout":
        return results.no_thread(leased, error)
    if leased.stop is not None and not issubclass(raised, OutcomeRequest):
        return results.stopped(leased)
    if issubclass(raised, asyncio.CancelledError):
        return results.failed(leased, "the handler, or a task that a handler left behind, cancelled this job")
    if not issubclass(raised, Exception):
        log.error("handler raised an exit", job=leased.name, error=type_name(error))
    return results.judged(leased, read_verdict(error))
