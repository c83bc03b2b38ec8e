"""Faults of users that an application writes: what `subscribe` refuses of one subscription, for all of many users."""

from collections.abc import Mapping, Sequence

from taskqueue.errors import TaskqueueError
from taskqueue.models.limit_tree import user_conflicts
from taskqueue.models.locked_params import Locks, refuse_locked
from taskqueue.models.offered_intervals import find_not_offered, offered_intervals, refuse_interval
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.models.values import Limit, TaskType, UserSubscription
from taskqueue.store.connection import Store
from taskqueue.store.errors import LockedParamsError, UnknownTypeError
from taskqueue.store.named_types import find_limits, find_types


async def find_faults(store: Store, users: Sequence[UserSubscription]) -> dict[str, TaskqueueError]:
    """Return the first fault of each user that has one, by id."""
    found = await find_types(store, sorted({task.type for user in users for task in user.tasks}))
    types = {name: task_type for name, task_type in found.items() if task_type}
    locks = Locks.of(types.values())
    limits = await find_limits(store, sorted({limit.name for user in users for limit in user.limits}))
    faults = {}
    for user in users:
        unknown = next((task.type for task in user.tasks if task.type not in found), None)
        fault = UnknownTypeError(unknown) if unknown else _find_fault(user, types, locks, limits)
        if fault:
            faults[user.user_id] = fault
    return faults


def _find_fault(
    user: UserSubscription, types: Mapping[str, TaskType], locks: Locks, limits: Mapping[str, Limit]
) -> TaskqueueError | None:
    for name, params in locks.refused(user).items():
        return LockedParamsError(str(refuse_locked(name, params)))
    for name, interval_s in find_not_offered(user, types).items():
        return refuse_interval(name, offered_intervals(types[name].schedule), interval_s)
    for conflict in user_conflicts(user, limits):
        return ValueRefusedError(f"limits: {conflict.refusal.message}")
    return None
