"""Names of the limits from which the jobs of a type take, as scripts/lib/definitions.lua resolves them."""

from collections.abc import Mapping
from dataclasses import dataclass

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.limit_tree import path_of
from taskqueue.models.values import Limit, TaskType
from taskqueue.plan.lanes import Lane
from taskqueue.store.user_key import escape_user


@dataclass(frozen=True, slots=True)
class LimitNames:
    """The limits of a type. queue: of its waiting jobs, the first of `path`.

    path: Release limits, the innermost first, the global one last, unknown ones, too. users: User limits, no user.
    unknown: limits that nothing declares; jobs wait while there is one.
    """

    path: tuple[str, ...]
    users: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def queue(self) -> str:
        """Return the queue of the type's waiting jobs."""
        return self.path[0]

    def places(self, task_type: str, user: str) -> list[str]:
        """Return the places at which a user's jobs of the type may wait, as keys name them."""
        lanes = [f"ready:{self.queue}:{lane}" for lane in Lane]
        return [*lanes, *self.parked_places(task_type, user), "suspects"]

    def parked_places(self, task_type: str, user: str) -> list[str]:
        """Return those of the places at which the jobs are parked."""
        return [f"parked:{self.queue}|{limit}" for limit in self.parked_at(task_type, user)]

    def parked_at(self, task_type: str, user: str) -> tuple[str, ...]:
        """Return the limits besides the path at which a user's jobs of the type may be parked, as keys name them."""
        return (f"type:{task_type}", *(f"{name}|{escape_user(user)}" for name in self.users), *self.unknown)


def limit_names(task_type: TaskType, limits: Mapping[str, Limit]) -> LimitNames:
    """Return the names of a type's limits."""
    path = path_of(task_type.limits, limits)
    own = [f"type:{task_type.name}"] if task_type.rate_limit.per_second else []
    users = tuple(limit.name for limit in path.users)
    return LimitNames((*own, *path.names, GLOBAL_LIMIT), users, path.unknown)
