"""Locked params of a task type, and the refusal of a task that overrides one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from taskqueue.models.params import check_text
from taskqueue.models.refusal import ValueRefusedError, excerpt, must_be
from taskqueue.models.values import Subscription, TaskType, UserSubscription

#: A type's params are 1 KiB: there are few to lock.
MAX_LOCKED_PARAMS = 64
MAX_NAME_CHARACTERS = 63


def check_param_name(name: str) -> str:
    """Raise ValueRefusedError unless the name can be locked."""
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS:
        raise ValueRefusedError(must_be(f"the name of a param, 1 to {MAX_NAME_CHARACTERS} characters", name))
    check_text(name)
    return name


@dataclass(frozen=True, slots=True)
class Locks:
    """The locked params of each type that locks any, by the type's name.

    A name locks the whole param with all below it: params are merged by their top-level names.
    """

    by_type: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, types: Iterable[TaskType]) -> Self:
        return cls({spec.name: frozenset(spec.locked_params) for spec in types if spec.locked_params})

    def overridden(self, task_type: str, params: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the locked params among these, in order of name."""
        locked = self.by_type.get(task_type)
        return tuple(sorted(locked & params.keys())) if locked else ()

    def refused(self, user: UserSubscription) -> dict[str, tuple[str, ...]]:
        """Return the locked params that the user's tasks override, by type."""
        if not self.by_type:
            return {}
        found = (
            (subscription.type, self.overridden(subscription.type, subscription.params))
            for subscription in user.tasks
            if subscription.params and subscription.type in self.by_type
        )
        return {name: params for name, params in found if params}

    def apply(self, user: UserSubscription) -> UserSubscription:
        """Suspend the tasks that override locked params: they keep their places until the params are removed."""
        refused = self.refused(user)
        if not refused:
            return user
        tasks = (
            _suspended(subscription) if subscription.type in refused else subscription
            for subscription in user.tasks
        )
        return replace(user, tasks=tuple(tasks))


def refuse_locked(task_type: str, names: Iterable[str]) -> ValueRefusedError:
    """Make the error for params that override locked ones.

    >>> str(refuse_locked("fetch-orders", ["region", "url"]))
    'remove region, url: the task type fetch-orders locks them'
    """
    named = [excerpt(name) for name in names]
    them = "it" if len(named) == 1 else "them"
    return ValueRefusedError(f"remove {', '.join(named)}: the task type {task_type} locks {them}")


def _suspended(subscription: Subscription) -> Subscription:
    return replace(subscription, suspend=True)
