"""The conditions of task types and users, from an object and the inputs of its status. Pure."""

from collections.abc import Iterator

from taskqueue.models.cron_advice import cron_advice
from taskqueue.models.locked_params import Locks, refuse_locked
from taskqueue.models.offered_intervals import find_not_offered, own_interval_reason
from taskqueue.models.values import TaskType, UserSubscription
from taskqueue_operator.condition import MAX_CHARACTERS, MAX_NAMES, Condition, bounded, listed, refusal_of
from taskqueue_operator.limit_conditions import missing_own_limits, resolved_limits
from taskqueue_operator.objects import Object
from taskqueue_operator.status_inputs import StatusInputs
from taskqueue_operator.stop_conditions import by_breaker, paused_by_hand
from taskqueue_operator.stopped import StoppedUser


def of_type(obj: Object, inputs: StatusInputs) -> list[Condition]:
    """Return the conditions of a TaskType."""
    accepted = refusal_of(obj)
    if accepted is not None:
        return [accepted, Condition("Ready", "False", accepted.reason, accepted.message)]
    assert isinstance(obj.value, TaskType)
    return [
        Condition("Accepted", "True", "Valid", cron_advice(obj.value.schedule.cron) or ""),
        resolved_limits(obj.value, inputs),
        _feasible(inputs),
        _handler(obj.value, inputs),
        _ready(obj.value.suspend, paused=obj.name in inputs.paused),
    ]


def _feasible(inputs: StatusInputs) -> Condition:
    if not inputs.limited:
        return Condition(
            "Feasible",
            "Unknown",
            "NoLimit",
            "no global limit is set, so nothing starts: `taskqueue limit set N`",
        )
    if inputs.infeasible:
        return Condition("Feasible", "False", "DoesNotFit", inputs.infeasible)
    return Condition("Feasible", "True", "Fits")


def _handler(task_type: TaskType, inputs: StatusInputs) -> Condition:
    if task_type.function is None:
        return Condition("HandlerRegistered", "True", "NeedsNone", "an HTTP call needs no registered handler")
    if inputs.handlers is None:
        return Condition("HandlerRegistered", "Unknown", "NoWorkerSeen", "no worker has started yet")
    if task_type.function in inputs.handlers:
        return Condition("HandlerRegistered", "True", "Registered")
    return Condition(
        "HandlerRegistered", "False", "NotRegistered", f'no worker has a handler named "{task_type.function}"'
    )


def of_user(obj: Object, inputs: StatusInputs) -> list[Condition]:
    """Return the conditions of a UserSubscription."""
    accepted = _accepted(obj, inputs)
    if accepted.status == "False":
        ready = Condition("Ready", "False", accepted.reason, accepted.message)
        if accepted.reason != "Conflict":
            return [accepted, ready]
        return [accepted, ready, Condition("ResolvedRefs", "False", "RateLimitNotPerUser", accepted.message)]
    assert isinstance(obj.value, UserSubscription)
    stopped = inputs.stopped.users.get(obj.value.user_id, StoppedUser())
    return [
        accepted,
        _resolved(obj.value, inputs),
        _user_ready(obj.value, stopped.paused_until_ms),
        *by_breaker(obj, stopped.tasks),
    ]


def _accepted(obj: Object, inputs: StatusInputs) -> Condition:
    owner = inputs.duplicates.get(obj.name)
    invalid = refusal_of(obj)
    if invalid is not None:
        return invalid
    assert isinstance(obj.value, UserSubscription)
    if owner is not None:
        why = (
            f'user "{obj.value.user_id}" is declared by the UserSubscription "{owner.name}", '
            "which keeps it until it is deleted"
        )
        return Condition("Accepted", "False", "DuplicateUser", why)
    if obj.value.user_id in inputs.imported:
        why = f'user "{obj.value.user_id}" comes from an import or a client: remove it there first'
        return Condition("Accepted", "False", "ManagedElsewhere", why)
    return Condition("Accepted", "True", "Valid")


def _resolved(user: UserSubscription, inputs: StatusInputs) -> Condition:
    refused_types = inputs.refused_types
    unresolved = sorted(
        subscription.type for subscription in user.tasks if subscription.type not in inputs.types
    )
    unknown = [name for name in unresolved if name not in refused_types]
    refused = [name for name in unresolved if name in refused_types]
    locked = sorted(Locks.of(_types(user, inputs)).refused(user).items())
    missing = missing_own_limits(user, inputs)
    others = [] if missing is None else [missing.message]
    others += _not_offered(user, inputs)
    if not unresolved and not locked:
        if not others:
            return Condition("ResolvedRefs", "True", "Resolved")
        reason = "IntervalNotOffered" if missing is None else missing.reason
        return Condition("ResolvedRefs", "False", reason, bounded("; ".join(others)))
    found = []
    if unknown:
        found.append(f"no such task type: {listed(unknown)}")
    each = MAX_CHARACTERS // 2 // min(len(refused) or 1, MAX_NAMES)
    found += [
        f"task type {name} is refused: {bounded(refused_types[name], each)}" for name in refused[:MAX_NAMES]
    ]
    if len(refused) > MAX_NAMES:
        found.append(f"{len(refused) - MAX_NAMES} more task types are refused")
    found += [f"task {name}: {refuse_locked(name, params)}" for name, params in locked[:MAX_NAMES]]
    if len(locked) > MAX_NAMES:
        found.append(f"{len(locked) - MAX_NAMES} more tasks override locked params")
    found += others
    reason = "TaskTypeNotFound" if unknown else "TaskTypeRefused" if refused else "ParamsLocked"
    return Condition(
        "ResolvedRefs",
        "False",
        reason,
        f"{bounded('; '.join(found), MAX_CHARACTERS - 30)}; all other tasks run",
    )


def _not_offered(user: UserSubscription, inputs: StatusInputs) -> list[str]:
    """Return a sentence for each task that runs at another interval than it names; their number first, if many."""
    named = sorted(find_not_offered(user, inputs.types).items())
    found = (
        [f"{len(named)} tasks name intervals that their types do not offer"] if len(named) > MAX_NAMES else []
    )
    return found + [
        own_interval_reason(inputs.types[name], interval_s) for name, interval_s in named[:MAX_NAMES]
    ]


def _types(user: UserSubscription, inputs: StatusInputs) -> Iterator[TaskType]:
    return (
        inputs.types[subscription.type]
        for subscription in user.tasks
        if subscription.params and subscription.type in inputs.types
    )


def _user_ready(user: UserSubscription, paused_until_ms: int | None) -> Condition:
    if user.suspend:
        return _ready(suspended=True)
    if any(not subscription.suspend for subscription in user.tasks):
        if paused_until_ms is not None:
            return paused_by_hand(user.user_id, paused_until_ms)
        return _ready(suspended=False)
    if user.tasks:
        return Condition("Ready", "True", "Suspended", "nothing starts while all of its tasks are suspended")
    return Condition("Ready", "True", "NoTasks", "the list of tasks is empty, so nothing starts")


def _ready(suspended: bool, *, paused: bool = False) -> Condition:
    if suspended:
        return Condition("Ready", "True", "Suspended", "nothing starts while it is suspended")
    if paused:
        return Condition(
            "Ready", "True", "Paused", "nothing starts until `taskqueue resume` or the end of the pause"
        )
    return Condition("Ready", "True", "Scheduled")
