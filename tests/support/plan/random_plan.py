"""Plans at random, with limits near what the plan asks of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

from taskqueue.models.limit_tree import path_of
from taskqueue.models.values import Limit, LimitKey, Priority, Schedule, UserLimit
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand

INTERVALS_S = (10, 20, 30, 60, 120, 300)
#: Names of limits, each with the one that it may be within.
OUTER = {"a": None, "b": "a", "c": "b", "d": "a", "e": None, "f": "e"}
#: Asked of a limit from which no type takes, slots a second.
NOTHING = 1e-4


@dataclass(frozen=True, slots=True)
class RandomPlan:
    """The inputs of a verdict."""

    demands: tuple[TypeDemand, ...]
    users: tuple[UserDemand, ...]
    limits: Mapping[str, Limit]
    rate: float | None

    @property
    def longest_period_s(self) -> int:
        return max(period_s(demand) for demand in self.demands)


def random_plan(
    random: Random, room: tuple[float, float], intervals_s: Sequence[int] = INTERVALS_S
) -> RandomPlan:
    """Return a plan of which each limit has about `room` times what is asked of it, between the lower and the upper."""
    limits = _limits(random)
    types = [_type(random, f"t{number}", limits, intervals_s) for number in range(random.randint(1, 6))]
    names = [demand.type for demand in types]
    users = [
        UserDemand(f"u{number}", tuple(sorted(random.sample(names, random.randint(1, len(names))))))
        for number in range(random.randint(1, 40))
    ]
    counts = Counter(name for user in users for name in user.types)
    demands = tuple(replace(demand, subscriptions=counts[demand.type]) for demand in types)
    chosen = random.uniform(*room)
    rated = {
        name: replace(
            limit, per_second=needed(limit, demands, users, limits) * chosen * random.choice((1, 1, 1.5))
        )
        for name, limit in limits.items()
    }
    demands = tuple(
        replace(one, per_second=max(one.slots, 1) / period_s(one) * chosen) if random.random() < 0.1 else one
        for one in demands
    )
    own = tuple(
        UserLimit(name, limit.per_second * random.choice((1, 2)), random.choice((1, 5)))
        for name, limit in sorted(rated.items())
        if limit.key is LimitKey.USER
    )
    users = [replace(user, limits=own) if random.random() < 0.1 else user for user in users]
    total = sum(demand.slots / period_s(demand) for demand in demands)
    return RandomPlan(
        demands, tuple(users), rated, random.choice((None, total * chosen * random.uniform(1, 1.5)))
    )


def needed(
    limit: Limit, demands: Sequence[TypeDemand], users: Sequence[UserDemand], limits: Mapping[str, Limit]
) -> float:
    """Return the slots a second that all users ask of a limit, or the user who asks for most."""
    per_user = {
        demand.type: demand.cost / period_s(demand) if _takes(demand, limit.name, limits) else 0.0
        for demand in demands
    }
    asked = [sum(per_user[name] for name in user.types) for user in users]
    if limit.key is LimitKey.RELEASE:
        return max(NOTHING, sum(each * user.users for each, user in zip(asked, users, strict=True)))
    return max(NOTHING, *asked)


def period_s(demand: TypeDemand) -> int:
    assert demand.schedule.interval_s is not None
    return demand.schedule.interval_s


def _takes(demand: TypeDemand, name: str, limits: Mapping[str, Limit]) -> bool:
    path = path_of(demand.limits, limits)
    return any(limit.name == name for limit in (*path.release, *path.users))


def _limits(random: Random) -> dict[str, Limit]:
    names = random.sample(sorted(OUTER), random.randint(1, len(OUTER)))
    users = {name for name in names if random.random() < 0.3}

    def outer(name: str) -> str | None:
        """Return the nearest of the limits around that is a Release limit of the plan."""
        around = OUTER[name]
        return around if around is None or around in {*names} - users else outer(around)

    return {
        name: Limit(
            name,
            LimitKey.USER if name in users else LimitKey.RELEASE,
            1.0,
            random.choice((1, 1, 1, 3)),
            outer(name),
        )
        for name in names
    }


def _type(random: Random, name: str, limits: Mapping[str, Limit], intervals_s: Sequence[int]) -> TypeDemand:
    interval_s = random.choice(intervals_s)
    release = [one.name for one in limits.values() if one.key is LimitKey.RELEASE]
    users = [one.name for one in limits.values() if one.key is LimitKey.USER]
    named = random.sample(release, min(len(release), random.randint(0, 1)))
    named += random.sample(users, min(len(users), random.choice((0, 0, 1, 2))))
    path = path_of(named, limits).release
    is_chain = all(inner.within == around.name for inner, around in pairwise(path))
    return TypeDemand(
        name,
        Schedule(
            interval_s=interval_s, window_s=random.choice((None, None, interval_s // 2, interval_s // 5))
        ),
        subscriptions=0,
        cost=random.choice((1, 1, 1, 3)),
        life_s=random.choice((None, None, interval_s / 2, interval_s / 10, 2.0 * interval_s)),
        limits=tuple(sorted(named)) if is_chain else (),
        priority=random.choice((Priority.NORMAL, Priority.NORMAL, Priority.HIGH, Priority.LOW)),
    )
