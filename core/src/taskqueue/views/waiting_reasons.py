"""Reasons why a job waits: one sentence each, with the command that changes it, and when the job expires."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.plan.worker import ALIVE_MS
from taskqueue.store.job_name import JobName, parse
from taskqueue.store.limit_names import limit_names
from taskqueue.store.limit_times import LimitTimes
from taskqueue.store.listing import WaitingJob, WorkerSeen
from taskqueue.store.types import Catalog
from taskqueue.views.duration_text import duration_text
from taskqueue.views.instant import clock_text
from taskqueue.views.limit_text import is_unknown, last_free, limit_text, unknown_reason


@dataclass(frozen=True, slots=True)
class Conditions:
    """The state of the store on which a waiting job depends. now_ms: the clock of the store.

    times: of the limits for which jobs may wait. user_paused: whether the jobs' user is.
    """

    catalog: Catalog
    workers: Sequence[WorkerSeen]
    now_ms: int
    times: Mapping[str, LimitTimes] = field(default_factory=dict)
    user_paused: bool = False


def waiting_reason(job: WaitingJob, conditions: Conditions) -> str:
    """Return the reason why a job waits, the nearest of several, and when the job expires."""
    place, _, detail = job.where.partition(":")
    name, now_ms = parse(job.name), conditions.now_ms
    if place == "leased":
        return f"runs on {detail}"
    if place == "parked":
        why = _parked_reason(job, conditions)
    elif place == "suspects":
        why = "may have killed a worker: waits for a worker without another job"
    elif job.score_ms > now_ms:
        word = "is due" if job.score_ms == name.due_ms else "is retried"
        why = f"{word} in {duration_text((job.score_ms - now_ms) / 1000)}"
    elif dropped := _drop_reason(name, conditions):
        return dropped
    else:
        why = _lane_reason(job, name, conditions)
    return f"{why}{_expiry_text(name, now_ms)}"


def _expiry_text(name: JobName, now_ms: int) -> str:
    """Return when a job expires, as the end of a reason; empty for a job without a deadline."""
    expires_ms = name.due_ms + name.life_ms
    if not name.life_ms:
        return ""
    if now_ms > expires_ms:
        return "; its deadline has passed: it is dropped when its turn comes"
    return f"; expires at {clock_text(expires_ms, now_ms)}"


def _parked_reason(job: WaitingJob, conditions: Conditions) -> str:
    """Return the reason why a job outside the lanes waits."""
    if is_unknown(job.limit, conditions.catalog):
        return unknown_reason(job.limit)
    return f"waits for {limit_text(job.limit, conditions.times, conditions.now_ms)}"


def _drop_reason(name: JobName, conditions: Conditions) -> str:
    """Return the reason why a due job will not start; empty if it may."""
    catalog = conditions.catalog
    if name.type in catalog.paused and name.occurrence is not None:
        return f"is dropped, as its type is paused: `taskqueue resume {name.type}`"
    if conditions.user_paused and name.occurrence is not None:
        return f"is dropped, as its user is paused: `taskqueue resume --user {shlex.quote(name.user)}`"
    return "" if name.type in catalog.records else "is dropped: its type is unknown"


def _lane_reason(job: WaitingJob, name: JobName, conditions: Conditions) -> str:
    """Return the reason why a due job in a lane waits."""
    catalog, now_ms = conditions.catalog, conditions.now_ms
    if catalog.rate is None:
        return "no global limit is set, so nothing starts: `taskqueue limit set N`"
    if not any(now_ms - worker.seen_ms <= ALIVE_MS for worker in conditions.workers):
        return "no worker is alive: start one with `taskqueue worker`"
    limits = limit_names(catalog.records[name.type].task_type, catalog.limits)
    if limits.unknown:
        return unknown_reason(limits.unknown[0])
    limit = last_free(limits.path, conditions.times, now_ms)
    text = limit_text(limit, conditions.times, now_ms)
    if limit == GLOBAL_LIMIT and math.isinf(catalog.rate):
        text = "a worker"
    return f"waits its turn in lane {job.where} for {text}"
