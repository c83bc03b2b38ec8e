"""Reasons why a subscription is idle: one sentence each, with the command that changes it."""

import shlex

from taskqueue.models.locked_params import Locks, refuse_locked
from taskqueue.models.offered_intervals import offered_intervals, own_interval_reason
from taskqueue.store.subscriptions import StoredSubscription
from taskqueue.store.suspended import Suspension
from taskqueue.store.type_record import TypeRecord
from taskqueue.store.types import Catalog
from taskqueue.views.instant import iso
from taskqueue.views.pause_text import pause_text

#: The reason of each subscription of a paused user; a page that shows the pause itself leaves it out.
USER_PAUSED = "the user is paused"


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
        return pause_text(catalog.paused[subscription.type], f"taskqueue resume {subscription.type}")
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
