"""One job: call its handler and say what became of it. The table of outcomes is in docs/handlers.md."""

import asyncio

import structlog

from taskqueue.handlers.ending import read_ending
from taskqueue.handlers.errors import NoFreeThread, SlotMissed
from taskqueue.handlers.job import Job
from taskqueue.handlers.outcomes import Outcome
from taskqueue.printable import type_name
from taskqueue.store.claim import Result
from taskqueue_worker import outbox
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.liveness.cancellation import absorb_cancellation

log = structlog.get_logger("taskqueue.worker")


async def run(started: LeasedJob, job: Job, now_s: float) -> Result | None:
    """Runs one job to its end and returns what to report; None if the lease is no longer ours.

    Whatever the handler raises is an outcome, and however often it or the worker cancelled its task, the task goes on.
    """
    bound = started.type
    if bound.run is None:
        return outbox.failed(started, bound.problem)
    started.called_s = now_s
    if bound.managed is None:  # else it says so itself
        started.began_s = now_s
    error: BaseException | None = None
    try:
        await bound.run(job)
    except GeneratorExit:
        # Python closes the coroutines within a task that a future throws GeneratorExit into, and raises it in the
        # outermost alone: only there can what becomes of the job be said.
        raise
    except BaseException as raised:  # noqa: BLE001 - whatever user code raises is an outcome
        # Without its traceback: else it and this frame keep each other.
        error = BaseException.with_traceback(raised, None)
    if started.task is not None and started.task.cancelling():
        await absorb_cancellation()
    return outbox.done(started) if error is None else judge_raised(started, error)


def judge_raised(started: LeasedJob, error: BaseException) -> Result | None:
    """Return what to report of a job whose handler raised; None if the lease is no longer ours."""
    # Not isinstance, which may ask an object for a class of its own.
    raised = type(error)
    if issubclass(raised, SlotMissed):
        return outbox.late(started)
    if issubclass(raised, NoFreeThread) and started.stop == "timeout":
        return outbox.no_thread(started, error)
    if started.stop is not None and not issubclass(raised, Outcome):
        return outbox.stopped(started)
    if issubclass(raised, asyncio.CancelledError):
        return outbox.failed(started, "the handler, or what a handler left behind, cancelled this job")
    if not issubclass(raised, Exception):
        log.error("handler raised what ends programs", job=started.name, error=type_name(error))
    return outbox.ended(started, read_ending(error))
