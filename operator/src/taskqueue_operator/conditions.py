"""The conditions of both kinds, from an object and the inputs of its status. Pure.

They follow the API conventions of Kubernetes: a reason in PascalCase, and a message where a sentence helps.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from taskqueue.models.cron_advice import cron_advice
from taskqueue.models.locked_params import Locks, refuse_locked
from taskqueue.models.values import TaskType, UserSubscription
from taskqueue_operator.objects import Object
from taskqueue_operator.status_inputs import StatusInputs

_MAX_NAMES = 10
#: Of a message. The API server accepts 32 KiB, which is more than a person reads.
_MAX_CHARACTERS = 1024


class Condition(NamedTuple):
    """A condition of an object. status: True, False or Unknown."""

    type: str
    status: str
    reason: str
    message: str = ""


def of_type(obj: Object, inputs: StatusInputs) -> list[Condition]:
    """Return the conditions of a TaskType."""
    if obj.refusal or not isinstance(obj.value, TaskType):
        return [
            Condition("Accepted", "False", "Invalid", _refusal(obj)),
            Condition("Ready", "False", "Invalid", _refusal(obj)),
        ]
    return [
        Condition("Accepted", "True", "Valid", cron_advice(obj.value.schedule.cron) or ""),
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
        return [accepted, Condition("Ready", "False", accepted.reason, accepted.message)]
    assert isinstance(obj.value, UserSubscription)
    return [accepted, _resolved(obj.value, inputs), _user_ready(obj.value)]


def _accepted(obj: Object, inputs: StatusInputs) -> Condition:
    owner = inputs.duplicates.get(obj.name)
    if obj.refusal or not isinstance(obj.value, UserSubscription):
        return Condition("Accepted", "False", "Invalid", _refusal(obj))
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


def kept(refusal: str) -> str:
    """Add to the refusal of an object that its last accepted state stays in force."""
    note = " (the last accepted state stays in force)"
    return _bounded(refusal, _MAX_CHARACTERS - len(note)) + note


def _refusal(obj: Object) -> str:
    return _bounded(obj.refusal) if obj.value is None else kept(obj.refusal)


def _bounded(text: str, most: int = _MAX_CHARACTERS) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _resolved(user: UserSubscription, inputs: StatusInputs) -> Condition:
    refused_types = inputs.refused_types
    unresolved = sorted(
        subscription.type for subscription in user.tasks if subscription.type not in inputs.types
    )
    unknown = [name for name in unresolved if name not in refused_types]
    refused = [name for name in unresolved if name in refused_types]
    locked = sorted(Locks.of(_types(user, inputs)).refused(user).items())
    if not unresolved and not locked:
        return Condition("ResolvedRefs", "True", "Resolved")
    found = []
    if unknown:
        found.append(f"no such task type: {', '.join(unknown[:_MAX_NAMES])}{_more(unknown)}")
    each = _MAX_CHARACTERS // 2 // min(len(refused) or 1, _MAX_NAMES)
    found += [
        f"task type {name} is refused: {_bounded(refused_types[name], each)}" for name in refused[:_MAX_NAMES]
    ]
    if len(refused) > _MAX_NAMES:
        found.append(f"{len(refused) - _MAX_NAMES} more task types are refused")
    found += [f"task {name}: {refuse_locked(name, params)}" for name, params in locked[:_MAX_NAMES]]
    if len(locked) > _MAX_NAMES:
        found.append(f"{len(locked) - _MAX_NAMES} more tasks override locked params")
    reason = "TaskTypeNotFound" if unknown else "TaskTypeRefused" if refused else "ParamsLocked"
    return Condition(
        "ResolvedRefs",
        "False",
        reason,
        f"{_bounded('; '.join(found), _MAX_CHARACTERS - 30)}; all other tasks run",
    )


def _types(user: UserSubscription, inputs: StatusInputs) -> Iterator[TaskType]:
    return (
        inputs.types[subscription.type]
        for subscription in user.tasks
        if subscription.params and subscription.type in inputs.types
    )


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""


def _user_ready(user: UserSubscription) -> Condition:
    if user.suspend or any(not subscription.suspend for subscription in user.tasks):
        return _ready(user.suspend)
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
