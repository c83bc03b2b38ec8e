"""The desired state of a source, and its faults."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType

from taskqueue.models.cron_advice import cron_advice
from taskqueue.models.fault import Fault
from taskqueue.models.locked_params import Locks, refuse_locked
from taskqueue.models.values import Limit, Subscription, TaskType, UserSubscription
from taskqueue.plan.type_demand import TypeDemand, demand_name
from taskqueue.plan.user_demand import UserDemand
from taskqueue.plan.variants import variant_name
from taskqueue.sources.not_offered import NotOffered
from taskqueue.sources.unresolved_limits import UnresolvedLimit


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A task type that subscriptions name and that is not in force: a warning; their remaining tasks run.

    user_id: one of the `user_count` users that name the type.   refusal: the refusal of the type's manifest; empty
    without a manifest.
    """

    type: str
    user_id: str
    user_count: int
    refusal: str = ""

    def __str__(self) -> str:
        """Return a sentence that names user and type."""
        others = f" and {self.user_count - 1} more" if self.user_count > 1 else ""
        if self.refusal:
            return f"{self.user_id}{others}: the task type {self.type} is refused: {self.refusal}"
        return f"{self.user_id}{others}: nothing declares the task type {self.type}"


@dataclass(frozen=True, slots=True)
class Overriding:
    """Tasks that override params which their type locks: they do not run; the remaining tasks of their users do.

    user_id: one of the `user_count` users who have such a task.
    """

    type: str
    params: tuple[str, ...]
    user_id: str
    user_count: int

    def __str__(self) -> str:
        """Return a sentence with user, type and remedy."""
        others = f" and {self.user_count - 1} more" if self.user_count > 1 else ""
        return f"{self.user_id}{others}: the task does not run: {refuse_locked(self.type, self.params)}"


@dataclass(frozen=True, slots=True)
class Protected:
    """Types, users and limits that manifests at fault declare: the store keeps its records of them."""

    types: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    limits: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Desired:
    """The desired state in force now. files: its files, in order of path.

    protected: types, users and limits of manifests at fault; None if they cannot be told, and then nothing may be
    removed.
    """

    types: Mapping[str, TaskType]
    users: Mapping[str, UserSubscription]
    faults: tuple[Fault, ...]
    unresolved: tuple[Unresolved, ...]
    files: tuple[str, ...]
    protected: Protected | None = None
    overriding: tuple[Overriding, ...] = ()
    limits: Mapping[str, Limit] = field(default_factory=lambda: MappingProxyType({}))
    unresolved_limits: tuple[UnresolvedLimit, ...] = ()
    not_offered: tuple[NotOffered, ...] = ()

    def advice(self) -> dict[str, str]:
        """Return the advice about each type with a misleading cron line, by type."""
        said = {name: cron_advice(spec.schedule.cron) for name, spec in self.types.items()}
        return {name: advice for name, advice in said.items() if advice}

    def demands(self) -> list[TypeDemand]:
        """Return the demand of each type that is not suspended; suspended and refused subscriptions do not count."""
        counts: dict[str, Counter[str]] = {name: Counter() for name in self.types}
        for user, running in self._running():
            for one in running:
                if spec := self.types.get(one.type):
                    counts[one.type][variant_name(spec.schedule, user.time_zone, one.interval_s)] += 1
        specs = (spec for spec in self.types.values() if not spec.suspend)
        return list(chain.from_iterable(TypeDemand.of(spec, counts[spec.name]) for spec in specs))

    def user_demands(self) -> list[UserDemand]:
        """Return the demand of each user who has a subscription that is neither suspended nor refused."""
        offered = {name: spec.schedule.intervals_s for name, spec in self.types.items()}

        def name_of(one: Subscription) -> str:
            is_offered = one.interval_s in offered.get(one.type, ())
            return demand_name(one.type, one.interval_s if is_offered else None)

        return [
            UserDemand(user.user_id, tuple(map(name_of, running)), user.limits)
            for user, running in self._running()
        ]

    def _running(self) -> Iterator[tuple[UserSubscription, list[Subscription]]]:
        """Yield each user who has subscriptions that are neither suspended nor refused, with these."""
        locks = Locks.of(self.types.values())
        for user in self.users.values():
            running = [
                subscription
                for subscription in (() if user.suspend else user.tasks)
                if not subscription.suspend
                and not (locks.by_type and locks.overridden(subscription.type, subscription.params))
            ]
            if running:
                yield user, running


def resolve(
    types: Mapping[str, TaskType], users: Mapping[str, UserSubscription], refused: Mapping[str, str]
) -> tuple[Unresolved, ...]:
    """Return the task types that have subscriptions and are not in force, in order of name.

    refused: the refusals of declared types that are not in force.
    """
    waiting: dict[str, list[str]] = {}
    for user in users.values():
        for subscription in user.tasks:
            if subscription.type not in types:
                waiting.setdefault(subscription.type, []).append(user.user_id)
    return tuple(
        Unresolved(name, user_ids[0], len(user_ids), refused.get(name, ""))
        for name, user_ids in sorted(waiting.items())
    )


def find_overriding(
    types: Mapping[str, TaskType], users: Mapping[str, UserSubscription]
) -> tuple[Overriding, ...]:
    """Return the tasks that override locked params, in order of type."""
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
