"""What a source says is in force, and what it could not take."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from taskqueue.models.cron_advice import cron_advice
from taskqueue.models.fault import Fault
from taskqueue.models.locked_params import Locks, refuse_locked
from taskqueue.models.values import TaskType, UserSubscription
from taskqueue.plan.type_demand import TypeDemand


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A task type that subscriptions name and that is not in force: a warning, all their other tasks run.

    user_id: one of the `user_count` users that name it. refusal: why what declares the type is refused; empty where
    nothing declares it.
    """

    type: str
    user_id: str
    user_count: int
    refusal: str = ""

    def __str__(self) -> str:
        """Say who waits for what."""
        others = f" and {self.user_count - 1} more" if self.user_count > 1 else ""
        if self.refusal:
            return f"{self.user_id}{others}: the task type {self.type} is refused: {self.refusal}"
        return f"{self.user_id}{others}: nothing declares the task type {self.type}"


@dataclass(frozen=True, slots=True)
class Overriding:
    """Tasks that override params which their type locks: they do not run, all other tasks of their users do.

    user_id: one of the `user_count` users who have such a task.
    """

    type: str
    params: tuple[str, ...]
    user_id: str
    user_count: int

    def __str__(self) -> str:
        """Say whose task does not run, and what to remove."""
        others = f" and {self.user_count - 1} more" if self.user_count > 1 else ""
        return f"{self.user_id}{others}: the task does not run: {refuse_locked(self.type, self.params)}"


@dataclass(frozen=True, slots=True)
class Protected:
    """Types and users that manifests at fault declare: what the store has of them stays as it is."""

    types: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Desired:
    """All that is in force now. `files` are those it came from, in order of path.

    protected: what the faults concern; None where that cannot be told, and then nothing may be removed for any of them.
    """

    types: Mapping[str, TaskType]
    users: Mapping[str, UserSubscription]
    faults: tuple[Fault, ...]
    unresolved: tuple[Unresolved, ...]
    files: tuple[str, ...]
    protected: Protected | None = None
    overriding: tuple[Overriding, ...] = ()

    def advice(self) -> dict[str, str]:
        """Say for each type whose cron line may not do as its author thinks what it does, and what to write."""
        said = {name: cron_advice(spec.schedule.cron) for name, spec in self.types.items()}
        return {name: advice for name, advice in said.items() if advice}

    def demands(self) -> list[TypeDemand]:
        """What each type that runs asks for, with its subscriptions that are not suspended or refused."""
        locks = Locks.of(self.types.values())
        counts = Counter(
            task.type
            for user in self.users.values()
            if not user.suspend
            for task in user.tasks
            if not task.suspend and not (locks.by_type and locks.overridden(task.type, task.params))
        )
        return [TypeDemand.of(spec, counts[name]) for name, spec in self.types.items() if not spec.suspend]


def resolve(
    types: Mapping[str, TaskType], users: Mapping[str, UserSubscription], refused: Mapping[str, str]
) -> tuple[Unresolved, ...]:
    """Find the task types that are subscribed to and not in force, in order of name.

    refused: why, of types that something declares and that are not in force.
    """
    waiting: dict[str, list[str]] = {}
    for user in users.values():
        for task in user.tasks:
            if task.type not in types:
                waiting.setdefault(task.type, []).append(user.user_id)
    return tuple(
        Unresolved(name, user_ids[0], len(user_ids), refused.get(name, ""))
        for name, user_ids in sorted(waiting.items())
    )


def find_overriding(
    types: Mapping[str, TaskType], users: Mapping[str, UserSubscription]
) -> tuple[Overriding, ...]:
    """Find the tasks that override locked params, in order of type."""
    locks = Locks.of(types.values())
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for user in users.values() if locks.by_type else ():
        for name, params in locks.refused(user).items():
            found.setdefault(name, {})[user.user_id] = params
    return tuple(
        Overriding(
            name, tuple(sorted(set(chain.from_iterable(by_user.values())))), next(iter(by_user)), len(by_user)
        )
        for name, by_user in sorted(found.items())
    )


NOTHING = Desired(MappingProxyType({}), MappingProxyType({}), (), (), ())
