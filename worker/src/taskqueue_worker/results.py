"""Results: made from the outcomes of handlers, logged, and counted by type.

Texts and delays come from `handlers.verdict` or pass through `printable`: no text, number or object of user code or of
an API reaches the store unchecked.
"""

import random

import structlog

from taskqueue.handlers.verdict import FailureVerdict
from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Retry
from taskqueue.store.claim import Result
from taskqueue.text.printable import printable
from taskqueue_worker.leased_job import LeasedJob

log = structlog.get_logger("taskqueue.worker")

#: When a job that found no free thread is due again. A claim names no time to come back that far ahead, so any worker
#: may take the job next, and as a rule another one does.
_NO_THREAD_MIN_MS, _NO_THREAD_MAX_MS = 2_000, 3_000
#: A type or user whose limit is closed for so long is worth a warning.
_LONG_CLOSED_MS = 60_000
#: An attribute of an enum class costs 0.1 us in Python 3.11, a global next to nothing.
_DONE = Outcome.DONE


def done(leased: LeasedJob) -> Result:
    """Make the result of a handler that returned."""
    leased.type.counts[_DONE] += 1
    return Result(leased.lease, _DONE)


def returned(leased: LeasedJob) -> Result:
    """Make the result of a job that goes back before its handler was called."""
    leased.type.counts[Outcome.RETURNED] += 1
    return Result(leased.lease, Outcome.RETURNED)


def late(leased: LeasedJob) -> Result:
    """Make the result of a job that missed its slot of the limit."""
    leased.type.counts[Outcome.LATE] += 1
    return Result(leased.lease, Outcome.LATE)


def no_thread(leased: LeasedJob, error: BaseException) -> Result:
    """Make the result of a job that waited for a thread until its timeout; its handler has not begun."""
    leased.type.counts[Outcome.NO_THREAD] += 1
    again_ms = random.randint(_NO_THREAD_MIN_MS, _NO_THREAD_MAX_MS)
    log.warning("no free thread", job=leased.name, error=printable(error), again_ms=again_ms)
    return Result(leased.lease, Outcome.NO_THREAD, again_ms)


def judged(leased: LeasedJob, verdict: FailureVerdict) -> Result:
    """Make the result that a handler asked for by raising."""
    if verdict.asked_s is not None:
        log.warning(
            "delay out of bounds",
            job=leased.name,
            asked_s=verdict.asked_s,
            delay_s=verdict.delay_s,
            **leased.owner(),
        )
    delay_ms = None if verdict.delay_s is None else int(verdict.delay_s * 1000)
    match verdict.outcome:
        case Outcome.RETRIED:
            return failed(leased, verdict.reason, delay_ms, verdict.logged)
        case Outcome.DEAD:
            return dead(leased, verdict.reason, verdict.logged)
        case Outcome.LIMITED:
            return _limited(leased, verdict, delay_ms or 0)
        case other:  # a new outcome that handlers ask for gets a branch here
            raise NotImplementedError(other)


def failed(leased: LeasedJob, reason: str, delay_ms: int | None = None, logged: str = "") -> Result:
    """Make the result of a failed attempt: retried, or dead after the last. `logged` replaces the reason in logs."""
    reason, logged = printable(reason), printable(logged or reason)
    retry = leased.type.definition.retry
    failures = leased.failures + 1
    if failures >= retry.max_attempts:
        return dead(leased, reason, logged)
    leased.type.counts[Outcome.RETRIED] += 1
    delay_ms = backoff_ms(retry, failures) if delay_ms is None else delay_ms
    log.info("job failed", job=leased.name, attempt=failures, reason=logged, retry_ms=delay_ms)
    return Result(leased.lease, Outcome.RETRIED, delay_ms)


def dead(leased: LeasedJob, reason: str, logged: str = "") -> Result:
    """Make the result of a job that cannot succeed. `logged` replaces the reason in logs."""
    reason, logged = printable(reason), printable(logged or reason)
    leased.type.counts[Outcome.DEAD] += 1
    log.warning("job dead", job=leased.name, attempt=leased.failures + 1, reason=logged)
    return Result(leased.lease, Outcome.DEAD, 0, reason)


def stopped(leased: LeasedJob) -> Result | None:
    """Make the result of a job whose handler the worker cancelled; None after a lost lease."""
    if leased.stop == "timeout":
        return failed(leased, f"timed out after {leased.type.definition.timeout_ms} ms")
    if leased.stop == "lost":
        leased.type.counts[Outcome.LOST] += 1
        log.warning("lease lost, job cancelled", job=leased.name)
        return None
    leased.type.counts[Outcome.INTERRUPTED] += 1
    return Result(leased.lease, Outcome.INTERRUPTED)


def _limited(leased: LeasedJob, verdict: FailureVerdict, delay_ms: int) -> Result:
    leased.type.counts[Outcome.LIMITED] += 1
    limit = verdict.limit
    if limit and limit not in leased.type.closable:
        log.error(
            "limit not closed, the job takes nothing from it",
            job=leased.name,
            limit=limit,
            limits=sorted(leased.type.closable),
            **leased.owner(),
        )
        limit = ""
    if limit == GLOBAL_LIMIT:
        log.warning("global limit closed by a handler", job=leased.name, delay_ms=delay_ms, **leased.owner())
    elif delay_ms >= _LONG_CLOSED_MS:
        log.warning(
            "limit closed for long",
            job=leased.name,
            limit=limit or "the type's default",
            delay_ms=delay_ms,
            **leased.owner(),
        )
    return Result(leased.lease, Outcome.LIMITED, delay_ms, limit)


def backoff_ms(retry: Retry, failures: int, uniform: float | None = None) -> int:
    """Return a delay uniform in [0, min(max, min * 2**(failures - 1))] ms; failures counts from 1, this one included.

    "Full jitter" of the AWS architecture note "Exponential backoff and jitter".

    >>> backoff_ms(Retry(min_backoff_ms=1_000, max_backoff_ms=300_000), 3, uniform=1.0)
    4000
    """
    ceiling = min(retry.max_backoff_ms, retry.min_backoff_ms * 2 ** min(failures - 1, 40))
    return int((random.random() if uniform is None else uniform) * ceiling)
