"""A UserSubscription's spec as programs write it, read without the models, which take four times as long.

Of a hundred thousand lines nearly all are plain. What is not, or is wrong, is left to the models: they name each fault.
"""

from collections.abc import Mapping
from typing import Any

from taskqueue.models.duration import parse_whole_s
from taskqueue.models.identity import check_type_name, check_user_id
from taskqueue.models.params import MAX_OBJECT_BYTES, MAX_TASK_BYTES, check_params
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.models.time_zone import check_time_zone
from taskqueue.models.values import Subscription, UserSubscription

_USER_KEYS = frozenset({"userId", "timeZone", "suspend", "tasks"})
_TASK_KEYS = frozenset({"type", "params", "suspend", "interval"})
#: Tasks whose params cannot be too big together.
_FEW = MAX_OBJECT_BYTES // MAX_TASK_BYTES


def read_plain_user(spec: Mapping[str, Any]) -> UserSubscription | None:
    """Read a spec with a user id, without limits and with few tasks; None for another one, and for a faulty one."""
    user, tasks = spec.get("userId"), spec.get("tasks")
    suspend, zone = spec.get("suspend", False), spec.get("timeZone")
    if not (
        spec.keys() <= _USER_KEYS
        and isinstance(user, str)
        and isinstance(suspend, bool)
        and (zone is None or isinstance(zone, str))
        and isinstance(tasks, list)
        and len(tasks) <= _FEW
    ):
        return None
    try:
        check_user_id(user)
        if zone is not None:
            check_time_zone(zone)
        found = {task.type: task for task in map(_read_task, tasks) if task}
    except ValueRefusedError:
        return None
    if len(found) < len(tasks):
        return None
    return UserSubscription(user, tuple(found.values()), suspend, time_zone=zone or "UTC")


def _read_task(task: Any) -> Subscription | None:
    """Raise ValueRefusedError, or return None, for a task that is not plain."""
    if not isinstance(task, dict) or not task.keys() <= _TASK_KEYS:
        return None
    name, suspend, interval = task.get("type"), task.get("suspend", False), task.get("interval")
    if not (
        isinstance(name, str)
        and isinstance(suspend, bool)
        and (interval is None or isinstance(interval, str))
    ):
        return None
    return Subscription(
        check_type_name(name),
        check_params(task.get("params", {})),
        suspend,
        None if interval is None else parse_whole_s(interval),
    )
