"""One job: call its handler and say what became of it. The table of outcomes is in docs/handlers.md."""

import asyncio
from collections.abc import Callable

import structlog

from taskqueue.handlers.job import Job
from taskqueue.handlers.outcomes import Discard, RateLimited, RetryLater
from taskqueue.store.claim import Result
from taskqueue_worker.backoff import backoff_ms
from taskqueue_worker.started import Started

log = structlog.get_logger("taskqueue.worker")

_REASON_MAX = 500


async def run(started: Started, job: Job, now_s: Callable[[], float]) -> Result | None:
    """Runs one job to its end and returns what to report; None if the lease is no longer ours.

    Raises CancelledError only when nobody gave the job a reason to stop (the loop itself ends).
    """
    kind = started.kind
    started.began_s = now_s()
    try:
        if kind.run is None:
            return _failed(started, kind.problem)
        await kind.run(job)
    except RateLimited as limited:
        kind.counts["limited"] += 1
        return Result(started.member, "c", int(limited.retry_after_s * 1000), limited.scope)
    except RetryLater as later:
        wait_ms = None if later.after_s is None else int(later.after_s * 1000)
        return _failed(started, later.reason, wait_ms)
    except Discard as discard:
        return _dead(started, discard.reason)
    except asyncio.CancelledError:
        if started.stop is None:
            # Nobody here asked for it: the handler cancelled itself. To the queue that is a failure.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return _failed(started, "the handler was cancelled by itself")
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
        return _stopped(started)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever user code raises is an outcome
        return _failed(started, f"{type(error).__name__}: {error}", said=type(error).__name__)
    kind.counts["done"] += 1
    return Result(started.member, "d")


def _stopped(started: Started) -> Result | None:
    if started.stop == "timeout":
        return _failed(started, f"timed out after {started.kind.spec.timeout_ms} ms")
    if started.stop == "lost":
        started.kind.counts["lost"] += 1
        log.warning("lease lost, job cancelled", job=started.name)
        return None
    started.kind.counts["cancelled"] += 1
    return Result(started.member, "l")


def _failed(started: Started, reason: str, wait_ms: int | None = None, said: str = "") -> Result:
    """`said` stands for the reason in logs: the text of an exception may quote params, and those are the user's."""
    said = said or reason
    spec = started.kind.spec
    failures = started.failures + 1
    if failures >= spec.retry.max_attempts:
        return _dead(started, reason, said)
    started.kind.counts["retried"] += 1
    wait_ms = backoff_ms(spec.retry, failures) if wait_ms is None else wait_ms
    log.info("job failed", job=started.name, attempt=failures, reason=said[:_REASON_MAX], retry_ms=wait_ms)
    return Result(started.member, "r", wait_ms)


def _dead(started: Started, reason: str, said: str = "") -> Result:
    started.kind.counts["dead"] += 1
    log.warning(
        "job dead", job=started.name, attempt=started.failures + 1, reason=(said or reason)[:_REASON_MAX]
    )
    return Result(started.member, "x", 0, reason[:_REASON_MAX])
