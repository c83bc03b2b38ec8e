"""Builds every result that a worker reports, counts it by type and logs what went wrong.

Texts and delays come from `handlers.ending` or are made printable here: no text, number or object of user code or of
an API reaches the store unmade safe.
"""

import random

import structlog

from taskqueue.handlers.ending import Ending
from taskqueue.store.claim import Result
from taskqueue.text.printable import printable
from taskqueue_worker.backoff import backoff_ms
from taskqueue_worker.started import Started

log = structlog.get_logger("taskqueue.worker")

#: When a job that found no free thread is due again. That is further ahead than a claim tells its caller to come back
#: for, so any worker may be the next to take it, and not this one again as a rule.
_NO_THREAD_MIN_MS, _NO_THREAD_MAX_MS = 2_000, 3_000
#: A type or a user that waits for so long is somebody's surprise.
_LONG_CLOSED_MS = 60_000


def done(started: Started) -> Result:
    """Report that the handler returned."""
    started.kind.counts["done"] += 1
    return Result(started.member, "d")


def returned(member: str, wait_ms: int = 0) -> Result:
    """Report a job that goes back without an attempt used; wait_ms: not to be taken again before."""
    return Result(member, "l", wait_ms)


def late(started: Started) -> Result:
    """Report that the job missed its slot of the limit."""
    started.kind.counts["late"] += 1
    return returned(started.member)


def no_thread(started: Started, error: BaseException) -> Result:
    """Report a job that waited for a thread for as long as it may run: it has not begun."""
    started.kind.counts["no-thread"] += 1
    again_ms = random.randint(_NO_THREAD_MIN_MS, _NO_THREAD_MAX_MS)
    log.warning("no free thread", job=started.name, error=printable(error), again_ms=again_ms)
    return returned(started.member, again_ms)


def ended(started: Started, ending: Ending) -> Result:
    """Report what a handler asked for by raising."""
    if ending.asked_s is not None:
        log.warning(
            "delay out of bounds",
            job=started.name,
            asked_s=ending.asked_s,
            delay_s=ending.delay_s,
            **_who(started),
        )
    if ending.kind == "dead":
        return dead(started, ending.reason, ending.logged)
    delay_ms = None if ending.delay_s is None else int(ending.delay_s * 1000)
    if ending.kind == "rate-limited":
        return _limited(started, ending, delay_ms or 0)
    return failed(started, ending.reason, delay_ms, ending.logged)


def failed(started: Started, reason: str, delay_ms: int | None = None, logged: str = "") -> Result:
    """Report a failed attempt; the last one is a dead letter. `logged` stands for the reason in logs."""
    reason, logged = printable(reason), printable(logged or reason)
    retry = started.kind.spec.retry
    failures = started.failures + 1
    if failures >= retry.max_attempts:
        return dead(started, reason, logged)
    started.kind.counts["retried"] += 1
    delay_ms = backoff_ms(retry, failures) if delay_ms is None else delay_ms
    log.info("job failed", job=started.name, attempt=failures, reason=logged, retry_ms=delay_ms)
    return Result(started.member, "r", delay_ms)


def dead(started: Started, reason: str, logged: str = "") -> Result:
    """Report a job that cannot succeed."""
    reason, logged = printable(reason), printable(logged or reason)
    started.kind.counts["dead"] += 1
    log.warning("job dead", job=started.name, attempt=started.failures + 1, reason=logged)
    return Result(started.member, "x", 0, reason)


def stopped(started: Started) -> Result | None:
    """Report a job that the worker itself cancelled; None if its lease is no longer ours."""
    if started.stop == "timeout":
        return failed(started, f"timed out after {started.kind.spec.timeout_ms} ms")
    if started.stop == "lost":
        started.kind.counts["lost"] += 1
        log.warning("lease lost, job cancelled", job=started.name)
        return None
    started.kind.counts["cancelled"] += 1
    return returned(started.member)


def _limited(started: Started, ending: Ending, delay_ms: int) -> Result:
    started.kind.counts["limited"] += 1
    if ending.scope == "global":
        log.warning("all types closed by a handler", job=started.name, delay_ms=delay_ms, **_who(started))
    elif delay_ms >= _LONG_CLOSED_MS:
        log.warning(
            "limit closed for long", job=started.name, scope=ending.scope, delay_ms=delay_ms, **_who(started)
        )
    return Result(started.member, "c", delay_ms, ending.scope)


def _who(started: Started) -> dict[str, str]:
    kind, _, rest = started.member.partition("|")
    return {"type": kind, "user": rest.partition("|")[0]}
