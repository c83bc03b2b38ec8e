"""The status of an object, computed and compared. Pure: the time is an argument.

A transition time changes only with the status of its condition. Without another cause, a status changes at most once an
hour.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from taskqueue.models.duration import format_ms
from taskqueue.models.values import TaskType, UserSubscription
from taskqueue.plan.following import next_period_s
from taskqueue.plan.schedule import shortest_gap_s, window_s
from taskqueue_operator.condition import Condition
from taskqueue_operator.conditions import of_type, of_user
from taskqueue_operator.limit_conditions import of_limit
from taskqueue_operator.objects import Object
from taskqueue_operator.status_inputs import StatusInputs

_NEXT_GAP_S = 3600
_RFC_3339 = "%Y-%m-%dT%H:%M:%SZ"
_FIELDS = (
    "observedGeneration",
    "subscriptions",
    "suspendedByBreaker",
    "window",
    "next",
    "userId",
    "taskCount",
)


def status_of(obj: Object, inputs: StatusInputs, now: datetime) -> dict[str, Any]:
    """Return the fields and conditions that the operator owns."""
    fields: dict[str, Any] = {}
    if obj.kind == "TaskType":
        conditions = of_type(obj, inputs)
        fields = {
            "subscriptions": inputs.subscriptions.get(obj.name, 0),
            "suspendedByBreaker": inputs.stopped.subscriptions.get(obj.name, 0),
        }
        if isinstance(obj.value, TaskType):
            fields |= _times(obj.value, now)
    elif obj.kind == "RateLimit":
        conditions = of_limit(obj, inputs)
    else:
        conditions = of_user(obj, inputs)
        fields = _user(obj, has_user=obj.name not in inputs.duplicates)
    return {
        "observedGeneration": obj.generation,
        **fields,
        "conditions": _dated(conditions, obj, now),
    }


def _user(obj: Object, *, has_user: bool) -> dict[str, Any]:
    """Return the user and the number of tasks; of a refused object only while it owns the user (see `says_owner`)."""
    if isinstance(obj.value, UserSubscription) and (has_user or not obj.fault):
        return {"userId": obj.subject, "taskCount": len(obj.value.tasks)}
    return {"userId": obj.subject} if has_user and (obj.says_owner or obj.conflict) else {}


def agrees(status: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Tell whether a status has all wanted fields and conditions; it may have more, from other writers."""
    known = {had["type"]: had for had in status.get("conditions", ())}
    return all(status.get(name) == wanted.get(name) for name in _FIELDS) and all(
        known.get(condition["type"]) == condition for condition in wanted["conditions"]
    )


def _times(task_type: TaskType, now: datetime) -> dict[str, str]:
    """Return the window in effect, and if periods are an hour or longer the next one: each change is a write."""
    times = {"window": format_ms(window_s(task_type.schedule) * 1000)}
    if not task_type.suspend and shortest_gap_s(task_type.schedule) >= _NEXT_GAP_S:
        begins = datetime.fromtimestamp(
            next_period_s(task_type.schedule, task_type.exclude, int(now.timestamp())), UTC
        )
        times["next"] = begins.strftime(_RFC_3339)
    return times


def _dated(conditions: Sequence[Condition], obj: Object, now: datetime) -> list[dict[str, Any]]:
    known = {had["type"]: had for had in obj.status.get("conditions", ())}
    dated = []
    for condition in sorted(conditions):
        had = known.get(condition.type)
        since = had.get("lastTransitionTime") if had and had.get("status") == condition.status else None
        dated.append(
            {
                **condition._asdict(),
                "observedGeneration": obj.generation,
                "lastTransitionTime": since or now.astimezone(UTC).strftime(_RFC_3339),
            }
        )
    return dated
