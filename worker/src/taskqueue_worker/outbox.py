"""Builds every result that a worker reports, counts it by type and logs what went wrong.

Texts and delays come from `handlers.ending` or are made printable here: no text, number or object of user code or of
an API reaches the store unmade safe.
"""

import asyncio
import random

import structlog

from taskqueue.handlers.ending import Ending
from taskqueue.models.values import Retry
from taskqueue.printable import printable
from taskqueue.store.claim import Result
from taskqueue.store.job_name import parse
from taskqueue_worker.clock import ServerClock
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.pace import Pace
from taskqueue_worker.task_types import TaskTypes

log = structlog.get_logger("taskqueue.worker")

#: When a job that found no free thread is due again. That is further ahead than a claim tells its caller to come back
#: for, so any worker may be the next to take it, and not this one again as a rule.
_NO_THREAD_MIN_MS, _NO_THREAD_MAX_MS = 2_000, 3_000
#: A type or a user that waits for so long is somebody's surprise.
_LONG_CLOSED_MS = 60_000


def done(started: LeasedJob) -> Result:
    """Report that the handler returned."""
    started.type.counts["done"] += 1
    return Result(started.member, "d")


def returned(member: str, wait_ms: int = 0) -> Result:
    """Report a job that goes back without an attempt used; wait_ms: not to be taken again before."""
    return Result(member, "l", wait_ms)


def late(started: LeasedJob) -> Result:
    """Report that the job missed its slot of the limit."""
    started.type.counts["late"] += 1
    return returned(started.member)


def no_thread(started: LeasedJob, error: BaseException) -> Result:
    """Report a job that waited for a thread for as long as it may run: it has not begun."""
    started.type.counts["no-thread"] += 1
    again_ms = random.randint(_NO_THREAD_MIN_MS, _NO_THREAD_MAX_MS)
    log.warning("no free thread", job=started.name, error=printable(error), again_ms=again_ms)
    return returned(started.member, again_ms)


def ended(started: LeasedJob, ending: Ending) -> Result:
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


def failed(started: LeasedJob, reason: str, delay_ms: int | None = None, logged: str = "") -> Result:
    """Report a failed attempt; the last one is a dead letter. `logged` stands for the reason in logs."""
    reason, logged = printable(reason), printable(logged or reason)
    retry = started.type.definition.retry
    failures = started.failures + 1
    if failures >= retry.max_attempts:
        return dead(started, reason, logged)
    started.type.counts["retried"] += 1
    delay_ms = backoff_ms(retry, failures) if delay_ms is None else delay_ms
    log.info("job failed", job=started.name, attempt=failures, reason=logged, retry_ms=delay_ms)
    return Result(started.member, "r", delay_ms)


def dead(started: LeasedJob, reason: str, logged: str = "") -> Result:
    """Report a job that cannot succeed."""
    reason, logged = printable(reason), printable(logged or reason)
    started.type.counts["dead"] += 1
    log.warning("job dead", job=started.name, attempt=started.failures + 1, reason=logged)
    return Result(started.member, "x", 0, reason)


def stopped(started: LeasedJob) -> Result | None:
    """Report a job that the worker itself cancelled; None if its lease is no longer ours."""
    if started.stop == "timeout":
        return failed(started, f"timed out after {started.type.definition.timeout_ms} ms")
    if started.stop == "lost":
        started.type.counts["lost"] += 1
        log.warning("lease lost, job cancelled", job=started.name)
        return None
    started.type.counts["cancelled"] += 1
    return returned(started.member)


def _limited(started: LeasedJob, ending: Ending, delay_ms: int) -> Result:
    started.type.counts["limited"] += 1
    if ending.scope == "global":
        log.warning("all types closed by a handler", job=started.name, delay_ms=delay_ms, **_who(started))
    elif delay_ms >= _LONG_CLOSED_MS:
        log.warning(
            "limit closed for long", job=started.name, scope=ending.scope, delay_ms=delay_ms, **_who(started)
        )
    return Result(started.member, "c", delay_ms, ending.scope)


def _who(started: LeasedJob) -> dict[str, str]:
    type_name, _, rest = started.member.partition("|")
    return {"type": type_name, "user": rest.partition("|")[0]}


def backoff_ms(retry: Retry, failures: int, uniform: float | None = None) -> int:
    """A delay uniform in [0, min(max, min * 2**(failures-1))] ms; failures counts this one too, from 1.

    >>> backoff_ms(Retry(min_backoff_ms=1_000, max_backoff_ms=300_000), 3, uniform=1.0)
    4000
    """
    ceiling = min(retry.max_backoff_ms, retry.min_backoff_ms * 2 ** min(failures - 1, 40))
    return int((random.random() if uniform is None else uniform) * ceiling)


#: The store's scripts are bounded: no call carries more.
_MOST = 500
#: While a job of Forbid or Replace is leased, the next of its subscription would be skipped or take its place: if that
#: one is due within this much, the result is settled soon.
_NEAR_MS = 2_000
#: Cron has no shorter period.
_CRON_PERIOD_S = 60


class Outbox:
    """In the order of their ends."""

    def __init__(self, pace: Pace, types: TaskTypes, clock: ServerClock) -> None:
        self._pace = pace
        self._types = types
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Result] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, result: Result) -> None:
        self._waiting.append(result)
        self._pace.reported(soon=result.verb != "d" or self._holds_up_another(result.member))

    def take(self) -> list[Result]:
        """The oldest, for one call. Whoever could not deliver them puts them back."""
        taken, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        return taken

    def put_back(self, taken: list[Result]) -> None:
        self._waiting = taken + self._waiting

    def _holds_up_another(self, member: str) -> bool:
        """Whether another job of the same subscription may come up while this one still counts as running."""
        if not member.endswith("x") or self._pace.hungry:  # a hungry worker's next claim is a moment away
            return False
        try:
            name = parse(member)
        except (ValueError, IndexError):  # a member that cannot be read is better gone soon
            return True
        bound = self._types.get(name.type)
        if name.occurrence is None or bound is None:
            return True
        period_ms = (bound.definition.schedule.interval_s or _CRON_PERIOD_S) * 1000
        since_due_ms = self._clock.to_server_ms(self._loop.time()) - name.due_ms
        return period_ms - since_due_ms % period_ms <= _NEAR_MS
