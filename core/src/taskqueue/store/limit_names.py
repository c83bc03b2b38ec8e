"""Names of the limits from which the jobs of a type take, as scripts/lib/definitions.lua resolves them."""

from collections.abc import Mapping
from dataclasses import dataclass

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.limit_tree import MAX_DEPTH
from taskqueue.models.values import Limit, LimitKey, TaskType


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

    def parked_at(self, task_type: str, user: str) -> tuple[str, ...]:
        """Return the limits besides the path at which a user's jobs of the type may be parked."""
        return (f"type:{task_type}", *(f"{name}|{user}" for name in self.users), *self.unknown)


def limit_names(task_type: TaskType, limits: Mapping[str, Limit]) -> LimitNames:
    """Return the names of a type's limits."""
    path: list[str] = []
    users, unknown = [], set[str]()
    for name in task_type.limits:
        lineage = _lineage(name, limits)
        unknown |= {one for one in lineage if one not in limits}
        if name in limits and limits[name].key is LimitKey.USER:
            users.append(lineage.pop(0))
        path = max(path, lineage, key=len)
    own = [f"type:{task_type.name}"] if task_type.rate_limit.per_second else []
    return LimitNames((*own, *path, GLOBAL_LIMIT), tuple(users), tuple(sorted(unknown)))


def _lineage(name: str, limits: Mapping[str, Limit]) -> list[str]:
    """Return a limit and those around it, the innermost first; the last one may be unknown."""
    found, following = list[str](), name
    while following and len(found) < MAX_DEPTH:
        found.append(following)
        following = (limits[following].within or "") if following in limits else ""
    return found
