"""Reasons why a subscription is idle or a job waits: one sentence each, with the command that changes it."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.locked_params import Locks, refuse_locked
from taskqueue.models.offered_intervals import offered_intervals, own_interval_reason
from taskqueue.plan.worker import ALIVE_MS
from taskqueue.store.job_name import parse
from taskqueue.store.limit_names import limit_names
from taskqueue.store.limit_times import LimitTimes
from taskqueue.store.listing import WaitingJob, WorkerSeen
from taskqueue.store.subscriptions import StoredSubscription
from taskqueue.store.suspended import Suspension
from taskqueue.store.type_record import TypeRecord
from taskqueue.store.types import Catalog
from taskqueue.views.instant import iso
from taskqueue.views.limit_text import is_unknown, last_free, limit_text, unknown_reason

#: The reason of each subscription of a paused user; a page that shows the pause itself leaves it out.
USER_PAUSED = "the user is paused"


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


def idle_reason(
    subscription: StoredSubscription, catalog: Catalog, user: str = "", suspension: Suspension | None = None
) -> str:
    """Return the reason why no job of a subscription is emitted; empty for an active subscription.

    suspension: by the circuit breaker, of this subscription of `user`.
    """
    record = catalog.records.get(subscription.type)
    if record is None:
        return "unknown type: no manifest declares it"
    if record.removed:
        return "the type is being removed"
    if subscription.type in catalog.paused:
        return f"paused: `taskqueue resume {subscription.type}`"
    if record.task_type.suspend:
        return "the type is suspended"
    if subscription.paused:
        return USER_PAUSED
    if subscription.suspended:
        return _suspension_reason(subscription, record)
    if suspension:
        return _breaker_reason(subscription.type, user, suspension)
    return "" if record.active else "the type is being set up"


def interval_reason(subscription: StoredSubscription, catalog: Catalog) -> str:
    """Return the reason why a subscription does not run at the interval that it names; empty if it does."""
    record = catalog.records.get(subscription.type)
    if record is None or subscription.interval_s is None:
        return ""
    if subscription.interval_s in offered_intervals(record.task_type.schedule):
        return ""
    return own_interval_reason(record.task_type, subscription.interval_s)


def excluded_reason(subscription: StoredSubscription, catalog: Catalog, due_ms: int | None) -> str:
    """Return the reason why an active subscription has no next run, where exclusions are the reason; else empty."""
    record = catalog.records.get(subscription.type)
    if due_ms is not None or record is None or not record.task_type.exclude:
        return ""
    return (
        "never runs: its place in the window is excluded in each period; change exclude or window of its type"
    )


def _suspension_reason(subscription: StoredSubscription, record: TypeRecord) -> str:
    """Return the reason of a suspension: params that the type locks, or the manifest."""
    names = Locks.of([record.task_type]).overridden(subscription.type, subscription.params)
    return f"refused: {refuse_locked(subscription.type, names)}" if names else "suspended"


def _breaker_reason(task_type: str, user: str, suspension: Suspension) -> str:
    """Return the reason of a suspension by the circuit breaker, and what ends it."""
    why = "suspended by the circuit breaker"
    if suspension.since_ms:
        why += f" since {iso(suspension.since_ms)}: {suspension.reason}"
    if suspension.on_trial:
        return f"{why}; its next job decides"
    next_try = iso(suspension.next_ms) if suspension.next_ms else "once a scheduler runs"
    return f"{why}; next try {next_try}; `taskqueue resume {task_type} --user {shlex.quote(user)}`"


def waiting_reason(job: WaitingJob, conditions: Conditions) -> str:
    """Return the reason why a job waits; of several, the nearest obstacle."""
    place, _, detail = job.where.partition(":")
    if place == "leased":
        return f"runs on {detail}"
    if place == "parked":
        if is_unknown(job.limit, conditions.catalog):
            return unknown_reason(job.limit)
        return f"waits for {limit_text(job.limit, conditions.times, conditions.now_ms)}"
    if place == "suspects":
        return "may have killed a worker: waits for a worker without another job"
    return _lane_reason(job, conditions)


def _lane_reason(job: WaitingJob, conditions: Conditions) -> str:
    """Return the reason why a job in a lane waits."""
    name, catalog = parse(job.name), conditions.catalog
    if job.score_ms > conditions.now_ms:
        word = "is due" if job.score_ms == name.due_ms else "is retried"
        return f"{word} in {(job.score_ms - conditions.now_ms) / 1000:.1f} s"
    if name.type in catalog.paused and name.occurrence is not None:
        return f"is dropped, as its type is paused: `taskqueue resume {name.type}`"
    if conditions.user_paused and name.occurrence is not None:
        return f"is dropped, as its user is paused: `taskqueue resume --user {shlex.quote(name.user)}`"
    if catalog.rate is None:
        return "no global limit is set, so nothing starts: `taskqueue limit set N`"
    if not any(conditions.now_ms - worker.seen_ms <= ALIVE_MS for worker in conditions.workers):
        return "no worker is alive: start one with `taskqueue worker`"
    record = catalog.records.get(name.type)
    if record is None:
        return "is dropped: its type is unknown"
    limits = limit_names(record.task_type, catalog.limits)
    if limits.unknown:
        return unknown_reason(limits.unknown[0])
    limit = last_free(limits.path, conditions.times, conditions.now_ms)
    text = limit_text(limit, conditions.times, conditions.now_ms)
    if limit == GLOBAL_LIMIT and math.isinf(catalog.rate):
        text = "a worker"
    return f"waits its turn in lane {job.where} for {text}"
